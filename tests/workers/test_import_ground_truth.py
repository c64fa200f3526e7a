"""From the file of a ground truth to what its row names afterwards."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ml.formats.prediction import PredictionArrays
from palmares.queue.models import Status
from palmares.uploads.models import GroundTruth, Upload
from tests.attachments import FRAMES, meshes
from tests.factories import UploadFactory
from tests.predictions import hands, npz
from workers.attempt import attempt
from workers.import_ground_truth import GroundTruthImport
from workers.ingest import Ingestion

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def queued(media_root: Path):
    """A ground truth whose file is what is given."""

    def make(content: bytes) -> GroundTruth:
        upload = UploadFactory(frame_count=FRAMES)
        truth = GroundTruth(upload=upload, name="hands.npz", format="palmares")
        truth.source = f"{truth.storage_prefix}/source.npz"
        path = media_root / truth.source
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        truth.save()
        return truth

    return make


def take_in(truth: GroundTruth) -> None:
    attempt(GroundTruth, str(truth.pk), GroundTruthImport)
    truth.refresh_from_db()


def test_meshes_become_a_canonical_file_and_a_track(queued, media_root):
    truth = queued(npz(meshes()))
    take_in(truth)
    assert truth.status == Status.SUCCEEDED, truth.error
    assert (truth.rows, truth.hand_model, truth.has_vertices) == (FRAMES, "open", True)
    folder = media_root / truth.folder
    stored = PredictionArrays.load(folder / "truth.npz")
    np.testing.assert_array_equal(stored.vertices, meshes().vertices)
    header = json.loads((folder / "track.json").read_text())
    assert (header["method"], header["frame_count"], header["fps"]) == ("truth", FRAMES, 30)
    (hand,) = header["hands"]
    assert hand["vertex_count"] == stored.vertices.shape[1]
    assert (folder / "track" / hand["faces"]["file"]).is_file()


def test_joints_alone_become_a_track_of_joints(queued, media_root):
    truth = queued(npz(hands(FRAMES)))
    take_in(truth)
    assert (truth.status, truth.has_vertices) == (Status.SUCCEEDED, False), truth.error
    (hand,) = json.loads((media_root / truth.folder / "track.json").read_text())["hands"]
    assert (hand["vertex_count"], hand["chunks"]) == (0, [])


def test_a_file_that_does_not_belong_to_the_upload_fails_with_a_sentence(queued, media_root):
    truth = queued(npz(hands(FRAMES + 1)))
    take_in(truth)
    assert (truth.status, truth.folder) == (Status.FAILED, "")
    assert truth.error == "hands.npz: `frame` 12, but the video has 12 frames, expected 0 … 11."
    assert [path.name for path in (media_root / truth.storage_prefix).iterdir()] == ["source.npz"]


def synthetic(**facts: object) -> Upload:
    rendered = {"subject": 0, "seed": 3, "seconds": 0.2, "hands": ["right"]}
    upload = UploadFactory(
        status=Status.QUEUED, name="take 1.mp4", size_bytes=0, frame_count=None, facts={"synthetic": rendered, **facts}
    )
    attempt(Upload, str(upload.pk), Ingestion)
    upload.refresh_from_db()
    assert upload.public_status == "ready", upload.error
    return upload


def test_a_rendered_clip_gets_its_ground_truth(media_root):
    upload = synthetic()
    truth = GroundTruth.objects.get(upload=upload)
    take_in(truth)
    assert (truth.status, truth.rows, truth.has_vertices) == (Status.SUCCEEDED, 6, True), truth.error
    assert len(PredictionArrays.load(media_root / truth.folder / "truth.npz")) == 6


def test_a_rendered_clip_of_a_private_benchmark_gets_no_ground_truth():
    assert not GroundTruth.objects.filter(upload=synthetic(private_truth=True)).exists()

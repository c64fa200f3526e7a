"""From the file of an external method to a prediction, its track, its metrics and its score."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.formats.prediction import PredictionArrays
from ml.hand.camera import project
from ml.keypoints.tracks import HandTrack, Keypoints
from palmares.queue.models import Status
from palmares.runs.models import Run
from tests.attachments import CLIP, FRAMES, meshes
from tests.factories import RunFactory, UploadFactory
from tests.predictions import hands, npz
from workers.attempt import attempt
from workers.run_method import Estimation

pytestmark = pytest.mark.django_db(transaction=True)
SHIFT_PX = 2.0


@pytest.fixture
def sent(media_root: Path):
    """A run whose predictions are what is given; the detected hand is track 7, two pixels beside them."""

    def make(content: bytes, **facts: object) -> Run:
        upload = UploadFactory(frame_count=FRAMES)
        upload.folder = f"uploads/{upload.pk}/web-1"
        upload.save()
        pixels = project(meshes().joints, CLIP.camera) + np.array([SHIFT_PX, 0])
        ones = np.ones(FRAMES, np.float32)
        track = HandTrack(
            track=7, side="right", frames=np.arange(FRAMES, dtype=np.int32), joints_2d=pixels.astype(np.float32),
            world=meshes().joints, score=ones,
        )  # fmt: skip
        folder = media_root / upload.folder
        folder.mkdir(parents=True)
        Keypoints((track,), FRAMES, 30.0, 640, 480).save(folder / "keypoints.npz")
        run = RunFactory(upload=upload, method="Ours", source_format="palmares", source_name="ours.npz", hand_model="", **facts)
        run.source = f"runs/{run.pk}/source.npz"
        run.save()
        path = media_root / run.source
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        return run

    return make


def work(run: Run) -> None:
    attempt(Run, str(run.pk), Estimation)
    run.refresh_from_db()


def test_meshes_of_any_topology(sent, media_root):
    given = meshes()
    faces = np.array([[0, 1, 2], [2, 3, 4]], np.int32)
    run = sent(npz(replace(given, vertices=given.vertices[:, :60], faces=faces, track=np.full(FRAMES, 3, np.int32))))
    work(run)
    assert run.status == Status.SUCCEEDED, run.error
    folder = media_root / run.prediction.folder
    stored = PredictionArrays.load(folder / "prediction.npz")
    assert (stored.meta["method"], stored.vertices.shape[1]) == ("Ours", 60)
    (hand,) = json.loads((folder / "track.json").read_text())["hands"]
    assert (hand["track"], hand["vertex_count"], hand["faces"]["count"]) == (3, 60, 2)
    (curves,) = json.loads((folder / "series.json").read_text())["hands"]
    assert curves["track"] == 3
    assert curves["values"]["reprojection"] == pytest.approx([SHIFT_PX] * FRAMES, abs=0.01)
    assert run.prediction.summary["reprojection"] == pytest.approx(SHIFT_PX, abs=0.01)


def test_meshes_of_the_open_hand_are_known_as_such(sent, media_root):
    run = sent(npz(meshes()))
    work(run)
    assert (run.status, run.hand_model, run.prediction.hand_model) == (Status.SUCCEEDED, "open", "open"), run.error
    (hand,) = json.loads((media_root / run.prediction.folder / "track.json").read_text())["hands"]
    assert hand["faces"]["count"] > 1000


def test_joints_alone(sent, media_root):
    run = sent(npz(hands(FRAMES)))
    work(run)
    assert run.status == Status.SUCCEEDED, run.error
    (hand,) = json.loads((media_root / run.prediction.folder / "track.json").read_text())["hands"]
    assert (hand["vertex_count"], hand["chunks"]) == (0, [])


def test_a_file_that_cannot_be_used_fails_with_a_sentence(sent, media_root):
    run = sent(npz(hands(FRAMES + 2)))
    work(run)
    assert (run.status, run.error) == (
        Status.FAILED,
        "ours.npz: `frame` 13, but the video has 12 frames, expected 0 … 11.",
    )
    assert [path.name for path in (media_root / "runs" / str(run.pk)).iterdir()] == ["source.npz"]

"""Predictions of a person's own method, sent from Python to a real server and worked on as any run."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

import palmares_client as palmares
from ml.keypoints.tracks import Keypoints
from palmares.runs.models import Run, RunScore
from palmares.teams.access import create_token
from palmares.uploads.ground_truths import attach_truth
from palmares.uploads.models import GroundTruth, Upload
from tests.attachments import FRAMES, meshes
from tests.factories import SubjectFactory, UploadFactory
from tests.predictions import npz
from workers.attempt import attempt
from workers.import_ground_truth import GroundTruthImport
from workers.run_method import Estimation
from workers.score_run import RunScoring

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def upload(team, media_root) -> Upload:
    upload = UploadFactory(subject=SubjectFactory(team=team), frame_count=FRAMES)
    upload.folder = f"uploads/{upload.pk}/web-1"
    upload.save()
    (media_root / upload.folder).mkdir(parents=True)
    Keypoints((), FRAMES, 30.0, 640, 480).save(media_root / upload.folder / "keypoints.npz")
    return upload


@pytest.fixture
def client(live_server, member) -> Iterator[palmares.Client]:
    with palmares.Client(live_server.url, create_token(user=member, name="client")[1]) as made:
        yield made


def test_three_lines_of_python_add_a_run_that_is_scored(client, upload, monkeypatch):
    monkeypatch.setenv("PALMARES_SERVER", client.server)
    monkeypatch.setenv("PALMARES_TOKEN", client._connection.account.token)
    truth = attach_truth(upload=upload, by=None, file=SimpleUploadedFile("t.npz", npz(meshes())), file_format="palmares")
    attempt(GroundTruth, str(truth.pk), GroundTruthImport)
    given = meshes()
    faces = np.array([[0, 1, 2], [1, 2, 3]])
    run = palmares.log(
        str(upload.pk),
        "my-method",
        joints=np.array([0.002, 0, 0]) + given.joints,
        vertices=given.vertices[:, :90],
        faces=faces,
        version="2",
    )
    assert (run.status, run.data["method_version"], run.data["is_external"]) == ("queued", "2", True)
    assert run.url == f"{client.server}/uploads/{upload.pk}/view/?runs={run.id}"
    attempt(Run, run.id, Estimation)
    attempt(RunScore, str(RunScore.objects.get().pk), RunScoring)
    assert run.wait(timeout_s=5).status == "succeeded"
    assert run.scores()["alignments"]["none"]["mpjpe"] == pytest.approx(2, abs=1e-3)


def test_what_the_server_refuses_is_said(client, upload):
    given = meshes()
    with pytest.raises(palmares.RejectedError, match="`frame` 12, but the video has 12 frames"):
        palmares.log(str(upload.pk), "my-method", joints=given.joints, frame=np.arange(FRAMES) + 1, client=client)
    with pytest.raises(palmares.RejectedError, match=r"`vertices` has shape \[3, \d+, 3\]"):
        palmares.log(str(upload.pk), "my-method", joints=given.joints, vertices=given.vertices[:3], client=client)
    with pytest.raises(palmares.RejectedError, match="`side` is 'both', expected left or right"):
        palmares.log(str(upload.pk), "my-method", joints=given.joints, side="both", client=client)
    assert not Run.objects.exists()


def test_a_prediction_file_is_added_as_a_run(client, upload, tmp_path):
    path = tmp_path / "ours.npz"
    path.write_bytes(npz(meshes()))
    run = client.add_run(str(upload.pk), "my-method", path, link="https://example.org")
    assert client.run(run.id).data["link"] == "https://example.org"
    with pytest.raises(palmares.RejectedError, match="is missing, expected a file, or a folder"):
        client.add_run(str(upload.pk), "my-method", tmp_path / "none.npz")


def test_a_folder_of_meshes_is_added_as_a_run(client, upload, tmp_path):
    given = meshes()
    np.save(tmp_path / "joints.npy", given.joints)
    for frame, vertices in enumerate(given.vertices[:, :30]):
        lines = [*(f"v {x} {y} {z}" for x, y, z in vertices), "f 1 2 3"]
        (tmp_path / f"{frame:04d}_right.obj").write_text("\n".join(lines))
    run = client.add_run(str(upload.pk), "my-method", tmp_path, file_format="meshes")
    assert (run.status, run.data["is_external"]) == ("queued", True)
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(palmares.RejectedError, match=r"holds no \.obj, \.ply or \.npy"):
        client.add_run(str(upload.pk), "my-method", empty, file_format="meshes")

"""A run's shape: taken from what the run was given, and described for each side once the prediction exists."""

from __future__ import annotations

import json
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest

from ml.catalog import FIRST_METHODS, KEYPOINT_SOURCES, METHODS
from ml.formats.prediction import PredictionArrays, PredictionError
from ml.hand.camera import project
from palmares.queue.models import Status
from palmares.runs.models import Run
from palmares.runs.services import start_run
from palmares.subjects.models import HandShape
from palmares.uploads.hand_boxes import add_box
from palmares.uploads.models import Upload
from tests.factories import HandShapeFactory, MembershipFactory
from tests.seen import FRAMES, seen_hand, write_missed_hand
from workers.attempt import attempt
from workers.run_method import Estimation

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def upload(upload_with) -> Upload:
    """One in which a right hand was found, and no left one."""
    made: Upload = upload_with(seen_hand(0, "right"))
    return made


def done(upload: Upload, side: str, *, delete: bool = False) -> Run:
    shape = HandShapeFactory(subject=upload.subject, side=side, betas=[0.5] + [0.0] * 9)
    run = start_run(upload=upload, method="mediapipe-ik", by=None, hand_shape=shape)
    if delete:
        HandShape.objects.all().delete()
    attempt(Run, str(run.pk), Estimation)
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED, run.error
    return run


def test_a_shape_given_for_a_missing_hand_is_reported_as_unused(upload):
    run = done(upload, "left")
    assert run.shape["sides"] == {"right": "estimated"}
    assert run.shape_used.startswith("estimated for the right hand; no left hand was found, whose shape was given on ")


def test_a_run_keeps_to_the_shape_that_it_was_given_though_that_is_deleted_before_its_turn(upload, media_root):
    run = done(upload, "both", delete=True)
    assert run.hand_shape is None
    assert run.shape["sides"] == {"right": "given"}
    assert run.shape_used.startswith("given on ")
    betas = PredictionArrays.load(media_root / run.prediction.folder / "prediction.npz").betas
    assert np.allclose(betas, [0.5] + [0.0] * 9)


def test_a_run_that_waited_with_a_shape_of_the_first_open_hand_fails_with_a_reason(upload):
    shape = HandShapeFactory(subject=upload.subject)
    run = start_run(upload=upload, method="mediapipe-ik", by=None, hand_shape=shape)
    run.shape["given"]["hand_model"] = "open-1"
    run.save()
    attempt(Run, str(run.pk), Estimation)
    run.refresh_from_db()
    assert run.status == Status.FAILED
    assert "belongs to the open hand of version 0.1" in run.error


@pytest.mark.parametrize("method", METHODS)
def test_a_clip_without_hands_has_a_result_without_hands(upload_with, method):
    run = start_run(upload=upload_with(), method=method, by=None)
    attempt(Run, str(run.pk), Estimation)
    run.refresh_from_db()
    assert (run.status, run.error) == (Status.SUCCEEDED, "")
    assert run.prediction.rows == 0


@pytest.mark.parametrize("method", FIRST_METHODS)
@pytest.mark.parametrize("camera", [False, True])
def test_the_first_methods_run_and_say_which_focal_length_they_used(upload_with, media_root, camera, method):
    upload = upload_with(seen_hand(0, "right"), seen_hand(1, "left"), camera=camera)
    run = start_run(upload=upload, method=method, by=None)
    attempt(Run, str(run.pk), Estimation)
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED, run.error
    found = PredictionArrays.load(media_root / run.prediction.folder / "prediction.npz")
    assert found.meta["method"] == method
    assert (found.meta["focal_length"]["source"] == "given") == camera
    assert found.joint_std is not None
    assert found.joint_std.shape == (len(found), 21)


def damage_meshes(path: Path) -> None:
    """Change a byte in the middle of the vertices, so that reading them fails."""
    with ZipFile(path) as archive:
        member = archive.getinfo("vertices.npy")
    content = bytearray(path.read_bytes())
    content[member.header_offset + member.file_size // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(PredictionError, match="vertices"):
        PredictionArrays.load(path)


def test_a_run_starts_from_the_hands_of_the_run_that_it_refines(upload, media_root, client):
    first = done(upload, "right")
    damage_meshes(media_root / first.prediction.folder / "prediction.npz")  # only its joints and poses are read
    refined = start_run(upload=upload, method="hmp2024", by=None, start=first, options={"stages": 1})
    attempt(Run, str(refined.pk), Estimation)
    refined.refresh_from_db()
    assert refined.status == Status.SUCCEEDED, refined.error
    found = PredictionArrays.load(media_root / refined.prediction.folder / "prediction.npz")
    assert found.meta["method"] == "hmp2024"
    assert {entry["stage"] for entry in found.meta["losses"]} == {1}
    assert refined.prediction.losses == found.meta["losses"]
    series = json.loads((media_root / refined.prediction.folder / "series.json").read_text())
    assert [record["side"] for record in series["keypoints"]] == ["right"]
    assert set(series["keypoints"][0]["sources"]) <= set(KEYPOINT_SOURCES)
    member = MembershipFactory(team=upload.subject.team).user
    client.force_login(member)
    page = client.get(f"/runs/{refined.pk}/?details").content.decode()
    assert "Stage I, right hand" in page
    assert "keypoints" in page


def test_a_run_fails_with_a_reason_where_the_one_to_refine_was_deleted(upload):
    first = done(upload, "right")
    refined = start_run(upload=upload, method="hmp2024", by=None, start=first)
    first.delete()
    attempt(Run, str(refined.pk), Estimation)
    refined.refresh_from_db()
    assert refined.status == Status.FAILED
    assert refined.error == "The run that was to be refined has been deleted."


def test_a_run_looks_inside_the_boxes_that_were_drawn_before_it(upload_with, media_root, client):
    """The clip is grey, so no hand is in the box, and the result says so; what the detector found is kept."""
    upload = upload_with(seen_hand(0, "right"))
    member = MembershipFactory(team=upload.subject.team).user
    add_box(upload=upload, by=member, frame=1, x=0, y=0, width=20, height=20, side="left")
    run = start_run(upload=upload, method="2d-fit", by=None)
    attempt(Run, str(run.pk), Estimation)
    run.refresh_from_db()
    assert run.status == Status.SUCCEEDED, run.error
    (finding,) = run.findings
    assert finding["message"] == "No left hand was found in the box that was drawn in frame 1."
    assert set(PredictionArrays.load(media_root / run.prediction.folder / "prediction.npz").side.tolist()) == {1}
    client.force_login(member)
    assert finding["message"] in client.get(f"/runs/{run.pk}/?details").content.decode()


def test_a_hand_that_was_missed_is_found_in_its_box_and_followed(upload_with, media_root):
    upload = upload_with()  # nothing was found
    member = MembershipFactory(team=upload.subject.team).user
    truth, box = write_missed_hand(upload, media_root)
    add_box(upload=upload, by=member, frame=2, **box)
    run = start_run(upload=upload, method="2d-fit", by=None)
    attempt(Run, str(run.pk), Estimation)
    run.refresh_from_db()
    assert (run.status, run.error, run.findings) == (Status.SUCCEEDED, "", [])
    found = PredictionArrays.load(media_root / run.prediction.folder / "prediction.npz")
    assert (found.frame.tolist(), set(found.side.tolist())) == (list(range(FRAMES)), {1})
    miss = np.linalg.norm(project(found.joints, found.intrinsics) - truth, axis=-1)
    assert miss.mean() < 0.1 * max(box["width"], box["height"])

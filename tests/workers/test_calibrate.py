"""From uploads with keypoints to a hand shape: what is chosen, what is drawn, and what is refused with a message."""

from __future__ import annotations

import pytest

from ml.identity.calibration import SOLVERS, solver_named
from ml.identity.weights import DEFAULT
from palmares.calibrations.models import Calibration
from palmares.queue.models import Status
from palmares.subjects.models import HandShape
from palmares.uploads.hand_boxes import add_box
from palmares.uploads.models import Upload
from tests.factories import MembershipFactory
from tests.seen import seen_hand, write_missed_hand
from workers.attempt import attempt
from workers.calibrate import Calibrating

pytestmark = pytest.mark.django_db(transaction=True)


def calibrated(*uploads: Upload, **facts) -> Calibration:
    made = Calibration.objects.create(subject=uploads[0].subject, **facts)
    made.uploads.set(uploads)
    attempt(Calibration, str(made.pk), Calibrating)
    made.refresh_from_db()
    return made


def test_a_calibration_gives_a_shape_with_its_images_and_uncertainty(upload_with, media_root):
    made = calibrated(upload_with(seen_hand(0, "left"), seen_hand(1, "right", seed=1)), scale={"length_mm": 191.0})
    assert made.status == Status.SUCCEEDED, made.error
    shape = made.hand_shape
    assert shape is not None
    assert (shape.source, shape.side, len(shape.betas)) == ("calibrated", "both", 10)
    assert shape.length_mm == pytest.approx(191.0, abs=0.01)
    assert 40 < shape.width_mm < 90
    facts = made.facts
    assert facts["scale"] == "a ruler"
    assert 0.9 < facts["length_sigma_mm"] < 3
    assert len(facts["spans_m"]) == 4
    assert len(facts["images"]) == len(facts["settled_mm"]) == 20
    assert {p["side"] for p in facts["images"]} == {"left", "right"}
    assert sum(p["weight"] for p in facts["images"]) == pytest.approx(1, abs=0.01)
    assert all(0 < p["shape_error"] < 3 for p in facts["images"])
    drawn = {path.name for path in (media_root / made.folder).iterdir()}
    assert drawn == {"hand.glb", *(f"frame-{n:02d}.jpg" for n in range(20))}
    assert (media_root / made.folder / "hand.glb").read_bytes()[:4] == b"glTF"


def test_hands_in_drawn_boxes_are_looked_at_too(upload_with, media_root, client):
    """Nothing was found in a clip with a hand; a second box is empty, and the result says so."""
    upload = upload_with()
    member = MembershipFactory(team=upload.subject.team).user
    _, box = write_missed_hand(upload, media_root)
    add_box(upload=upload, by=member, frame=1, x=0, y=0, width=20, height=20, side="left")
    made = calibrated(upload, max_images=5)
    assert made.status == Status.FAILED
    assert "No hand was found" in made.error
    add_box(upload=upload, by=member, frame=2, **box)
    made = calibrated(upload, max_images=5)
    assert made.status == Status.SUCCEEDED, made.error
    assert {image["side"] for image in made.facts["images"]} == {"right"}
    (note,) = made.facts["notes"]
    assert note == f"“{upload}”: No left hand was found in the box that was drawn in frame 1."
    client.force_login(member)
    assert note in client.get(f"/calibrations/{made.pk}/").content.decode()


def test_without_a_scale_source_the_scale_is_marked_as_assumed(upload_with):
    made = calibrated(upload_with(seen_hand(0, "right")), max_images=5)
    assert made.facts["scale"] == "assumed"
    assert len(made.facts["images"]) == 5
    assert made.hand_shape.details["scale"] == "assumed"


def test_one_side_alone_when_asked_for(upload_with):
    made = calibrated(upload_with(seen_hand(0, "left"), seen_hand(1, "right")), side="left")
    assert {p["side"] for p in made.facts["images"]} == {"left"}
    assert made.hand_shape.side == "left"


@pytest.mark.parametrize(
    ("tracks", "facts", "says"),
    [
        ((), {}, "No hand was found in any of the uploads"),
        ((seen_hand(0, "right"),), {"side": "left"}, "No left hand was found"),
        ((seen_hand(0, "right", frames=1),), {}, "Only one frame shows the hand"),
        ((seen_hand(0, "left"), seen_hand(1, "left", seed=2)), {}, "two left hands at once"),
        ((seen_hand(0, "right"),), {"scale": {"length_mm": 20.0}}, "expected 120 to 250 mm"),
    ],
    ids=["nobody", "other side", "one picture", "two people", "a thumb's length"],
)
def test_what_cannot_be_calibrated_is_refused_with_a_sentence_and_leaves_nothing(upload_with, media_root, tracks, facts, says):
    made = calibrated(upload_with(*tracks), **facts)
    assert made.status == Status.FAILED
    assert says in made.error
    assert not HandShape.objects.exists()
    assert not (media_root / f"calibrations/{made.pk}").exists() or not any((media_root / f"calibrations/{made.pk}").iterdir())


def test_contradictory_scales_are_refused(upload_with):
    upload = upload_with(seen_hand(0, "right"), camera=True)
    where = {"upload": str(upload.pk), "frame": 3}
    both = {"length_mm": 187.0, "distance": {"distance_mm": 650.0, **where}}
    made = calibrated(upload, scale=both)
    assert made.status == Status.FAILED
    assert "contradict each other" in made.error
    agreeing = calibrated(upload, scale={"distance": {"distance_mm": 500.0, **where}})
    assert agreeing.status == Status.SUCCEEDED, agreeing.error
    assert agreeing.hand_shape.length_mm == pytest.approx(187, abs=8)


def test_a_distance_without_a_calibrated_camera_is_refused(upload_with):
    upload = upload_with(seen_hand(0, "right"))
    made = calibrated(upload, scale={"distance": {"distance_mm": 500.0, "upload": str(upload.pk), "frame": 3}})
    assert made.status == Status.FAILED
    assert "only with a calibrated camera, and of “hands.mp4” the focal length is a guess" in made.error


def test_in_a_long_clip_the_frame_that_shows_the_scale_is_looked_at(upload_with, monkeypatch):
    monkeypatch.setattr("workers.calibrate.MAX_FRAMES", 4)
    upload = upload_with(seen_hand(0, "right"), camera=True)
    where = {"upload": str(upload.pk), "frame": 20}  # of 0, 13, 26 and 39, none is within five
    made = calibrated(upload, scale={"distance": {"distance_mm": 500.0, **where}})
    assert made.status == Status.SUCCEEDED, made.error


def test_the_requested_solver_is_used_and_stored(upload_with):
    upload = upload_with(seen_hand(0, "right"))
    by_default, mean = calibrated(upload, max_images=5), calibrated(upload, max_images=5, solver="mean")
    assert solver_named(by_default.facts["solver"]) == SOLVERS[DEFAULT]
    assert mean.facts["solver"] == "mean"
    assert mean.hand_shape.betas != by_default.hand_shape.betas


def test_a_second_calibration_keeps_the_first(upload_with):
    upload = upload_with(seen_hand(0, "right"))
    first, second = calibrated(upload), calibrated(upload, weights="uniform")
    assert first.hand_shape != second.hand_shape
    assert HandShape.objects.count() == 2
    assert len({p["weight"] for p in second.facts["images"]}) == 1

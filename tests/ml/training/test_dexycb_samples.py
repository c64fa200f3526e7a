"""DexYCB's layout in miniature: rendered hands under its names, and folders that are not what they should be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from ml.formats.faults import FormatError
from ml.training import dexycb_samples
from tests.ml.training.rendered import FRAMES, coefficients, rendered, save_image

TAKE = "20200709-subject-01/20200709_141754"
SERIAL = "836212060125"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """One take of one subject with one camera; its last frame shows no hand."""
    clip, images = rendered(640, 480)
    hand = clip.truth.hands[0]
    k = clip.truth.intrinsics
    color = dict(zip(("fx", "fy", "ppx", "ppy"), map(float, (k[0, 0], k[1, 1], k[0, 2], k[1, 2])), strict=True))
    written = {
        f"calibration/intrinsics/{SERIAL}_640x480.yml": {"color": color, "depth": color},
        "calibration/mano_20200709-subject-01_right/mano.yml": {"betas": [float(b) for b in hand.betas]},
        f"{TAKE}/meta.yml": {
            "serials": [SERIAL],
            "num_frames": FRAMES + 1,
            "mano_sides": ["right"],
            "mano_calib": ["20200709-subject-01_right"],
        },
    }
    for name, content in written.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(yaml.safe_dump(content))
    for frame in range(FRAMES + 1):
        pose_m, joints = np.zeros((1, 51), np.float32), np.full((1, 21, 3), -1, np.float32)
        if frame < FRAMES:
            pose_m[0] = [*hand.pose[frame, 0], *coefficients(hand.pose[frame]), *hand.translation[frame]]
            joints[0] = hand.joints[frame]
        save_image(tmp_path / TAKE / SERIAL / f"color_{frame:06d}.jpg", images[min(frame, FRAMES - 1)])
        np.savez(tmp_path / TAKE / SERIAL / f"labels_{frame:06d}.npz", pose_m=pose_m, joint_3d=joints, seg=np.zeros((2, 2)))
    return tmp_path


def labels(root: Path) -> list:
    return list(dexycb_samples.labels(root, "train", hand_model="open"))


def change(root: Path, frame: int, **arrays: object) -> None:
    path = root / TAKE / SERIAL / f"labels_{frame:06d}.npz"
    with np.load(path) as old:
        np.savez(path, **{**old, **arrays})


def change_meta(root: Path, **entries: object) -> None:
    path = root / TAKE / "meta.yml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **entries}))


def test_samples_hold_detections_with_their_labels(root):
    truth = rendered(640, 480)[0].truth.hands[0]
    found = dexycb_samples.load(root, "train", every=1, hand_model="open")
    assert 2 <= len(found) <= FRAMES
    assert set(found.subject) == {1}
    assert set(found.side) == {1}
    for pose, joints in zip(found.pose, found.joints, strict=True):
        frame = int(np.abs(truth.joints - joints).max((1, 2)).argmin())
        np.testing.assert_allclose(pose, truth.pose[frame], atol=1e-5)
        np.testing.assert_allclose(joints, truth.joints[frame], atol=1e-6)
    k = found.intrinsics[0]
    projected = found.joints[..., :2] / found.joints[..., 2:] * k[[0, 1], [0, 1]] + k[:2, 2]
    assert np.linalg.norm(projected - found.joints_2d, axis=-1).mean() < 15


def test_images_without_a_hand_are_left_out(root):
    assert [label.image.name for label in labels(root)] == [f"color_{n:06d}.jpg" for n in range(FRAMES)]


def test_labels_of_nothing_but_zeros_show_no_hand(root):
    change(root, 1, joint_3d=np.zeros((1, 21, 3), np.float32), pose_m=np.zeros((1, 51), np.float32))
    assert [label.image.name for label in labels(root)] == ["color_000000.jpg", "color_000002.jpg"]


def test_serials_may_be_written_as_numbers(root):
    change_meta(root, serials=[int(SERIAL)])
    assert len(labels(root)) == FRAMES


def test_a_right_hand_called_left_is_refused(root):
    change_meta(root, mano_sides=["left"])
    with pytest.raises(FormatError, match=r"mm from its labelled joints"):
        dexycb_samples.load(root, "train", every=1, hand_model="open")


def test_only_every_nth_frame_is_read(root):
    assert len(list(dexycb_samples.labels(root, "train", every=2, hand_model="open"))) == 2


def test_subjects_of_other_splits_are_not_read(root):
    with pytest.raises(FormatError, match="no take of the test subjects 8, 9"):
        list(dexycb_samples.labels(root, "test", hand_model="open"))
    assert not {*dexycb_samples.SUBJECTS["train"]} & {*dexycb_samples.SUBJECTS["test"], *dexycb_samples.SUBJECTS["validation"]}


def test_parameters_of_another_hand_are_refused(root):
    change(root, 1, joint_3d=np.full((1, 21, 3), 0.5, np.float32))
    with pytest.raises(FormatError, match=r"labels_000001\.npz: the joints of its MANO parameters are \d+ mm from"):
        dexycb_samples.load(root, "train", every=1, hand_model="open")


def without(root: Path, name: str) -> None:
    (root / name).unlink()


FAULTS = {
    "no meta": (lambda root: without(root, f"{TAKE}/meta.yml"), r"meta\.yml is missing"),
    "no betas": (
        lambda root: without(root, "calibration/mano_20200709-subject-01_right/mano.yml"),
        r"mano\.yml is missing",
    ),
    "nine betas": (
        lambda root: (root / "calibration/mano_20200709-subject-01_right/mano.yml").write_text(
            yaml.safe_dump({"betas": [0.0] * 9})
        ),
        r"`betas` of .* has shape \[9\], expected \[10\]",
    ),
    "a third hand": (
        lambda root: change_meta(root, mano_sides=["both"]),
        "the side is 'both', expected left or right",
    ),
    "no side": (lambda root: change_meta(root, mano_sides=[]), r"`mano_sides` of .* is \[\], expected a list"),
    "no calibration": (lambda root: change_meta(root, mano_calib=None), r"`mano_calib` of .* is None, expected a list"),
    "one serial": (lambda root: change_meta(root, serials=5), r"`serials` of .* is 5, expected a list"),
    "betas that are no numbers": (
        lambda root: (root / "calibration/mano_20200709-subject-01_right/mano.yml").write_text(
            yaml.safe_dump({"betas": [float("nan")] * 10})
        ),
        r"`betas` of .* expected 10 finite numbers",
    ),
    "a camera without focal length": (
        lambda root: (root / f"calibration/intrinsics/{SERIAL}_640x480.yml").write_text(
            yaml.safe_dump({"color": {"fx": 0.0, "fy": 600.0, "ppx": 320.0, "ppy": 240.0}})
        ),
        r"has fx 0\.0.* expected pixels, fx and fy above 0",
    ),
    "a pose that is no number": (
        lambda root: change(root, 0, pose_m=np.full((1, 51), np.nan, np.float32)),
        r"`pose_m` of .*labels_000000\.npz has an entry that is not finite",
    ),
    "no YAML": (lambda root: (root / TAKE / "meta.yml").write_text("serials: [1"), "is not YAML"),
    "code in YAML": (lambda root: (root / TAKE / "meta.yml").write_text("!!python/object:os.system {}"), "is not YAML"),
    "another shape": (
        lambda root: change(root, 0, pose_m=np.zeros((1, 48), np.float32)),
        r"`pose_m` .* expected numbers \[1, 51\]",
    ),
    "objects": (
        lambda root: change(root, 0, joint_3d=np.array([{}], dtype=object)),
        r"labels_000000\.npz: `joint_3d` holds Python objects, which are never loaded",
    ),
    "cut short": (
        lambda root: (root / TAKE / SERIAL / "labels_000000.npz").write_bytes(
            (root / TAKE / SERIAL / "labels_000000.npz").read_bytes()[:100]
        ),
        "is not a .npz archive",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_invalid_folders_are_refused_with_a_reason(root, fault):
    spoil, says = FAULTS[fault]
    spoil(root)
    with pytest.raises(FormatError, match=says):
        labels(root)


def test_an_image_that_cannot_be_read(root):
    (root / TAKE / SERIAL / "color_000000.jpg").write_bytes(b"no image")
    with pytest.raises(FormatError, match=r"color_000000\.jpg cannot be read as an image"):
        dexycb_samples.load(root, "train", every=1, hand_model="open")

"""HUMBI's layout in miniature: rendered hands under its names, seen by a camera that stands somewhere in the room."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from ml.formats.faults import FormatError
from ml.hand.model import load_hand_model
from ml.training import humbi_samples
from tests.ml.training.rendered import FRAMES, coefficients, rendered, save_image

CAMERA = 4
CORNER = (300, 200)
TURN = Rotation.from_rotvec([0.3, -1.2, 0.4])
CENTRE = np.array([1.5, -0.4, 2.0])


def numbers(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(map(str, np.asarray(values).ravel())) + "\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    clip, images = rendered(250, 250)
    hand = clip.truth.hands[0]
    session = tmp_path / "subject_7" / "hand"
    session.mkdir(parents=True)
    k = clip.truth.intrinsics.copy()
    k[:2, 2] += CORNER
    head = "Numcam: 1\nnumframes: 1\nnumP: 1\n"

    def lines(rows: np.ndarray) -> str:
        return "\n".join(" ".join(map(str, row)) for row in rows)

    (session / "intrinsic.txt").write_text(f"{head}0 {CAMERA}\n{lines(k)}\n")
    (session / "extrinsic.txt").write_text(f"{head}0 {CAMERA}\n{lines(np.array([CENTRE, *TURN.as_matrix()]))}\n")
    rest = load_hand_model("open", "right").rest_joints(torch.as_tensor(hand.betas))[0, 0].numpy()
    for index in range(FRAMES):
        frame = session / f"{index + 1:08d}"
        x, y = CORNER
        save_image(frame / "image_cropped" / "right" / f"image{CAMERA:07d}.png", images[index])
        (frame / "image_cropped" / "right" / "list.txt").write_text(f"{CAMERA} {x} {x + 249} {y} {y + 249}\n")
        world = TURN.inv().apply(hand.joints[index]) + CENTRE
        root_turn = (TURN.inv() * Rotation.from_rotvec(hand.pose[index, 0])).as_rotvec()
        place = TURN.inv().apply(hand.translation[index] + rest) + CENTRE - rest
        numbers(frame / "reconstruction" / "keypoints_r.txt", world)
        parameters = np.concatenate([place, root_turn, coefficients(hand.pose[index])[:20], hand.betas])
        numbers(frame / "reconstruction" / "mano_params_r.txt", parameters)
    return tmp_path


def labels(root: Path) -> list:
    return list(humbi_samples.labels(root, range(1, 20), hand_model="open"))


def test_samples_hold_detections_with_their_labels(root):
    truth = rendered(250, 250)[0].truth.hands[0]
    found = humbi_samples.load(root, range(1, 20), every=1, hand_model="open")
    assert 1 <= len(found) <= FRAMES
    assert set(found.subject) == {7}
    k = found.intrinsics[0]
    np.testing.assert_allclose(k, rendered(250, 250)[0].truth.intrinsics, atol=1e-3)
    projected = found.joints[..., :2] / found.joints[..., 2:] * k[[0, 1], [0, 1]] + k[:2, 2]
    assert np.linalg.norm(projected - found.joints_2d, axis=-1).mean() < 10
    assert np.abs(found.joints[:, None] - truth.joints[None]).max((2, 3)).min(1).max() < 1e-5


def test_joints_and_parameters_are_recovered_in_the_camera_frame(root):
    truth = rendered(250, 250)[0].truth.hands[0]
    for index, label in enumerate(labels(root)):
        np.testing.assert_allclose(label.joints, truth.joints[index], atol=1e-6)
        np.testing.assert_allclose(label.translation, truth.translation[index], atol=1e-6)
        turns = Rotation.from_rotvec(label.pose[0]) * Rotation.from_rotvec(truth.pose[index, 0]).inv()
        assert turns.magnitude() < 1e-6


def test_a_crop_that_was_scaled_scales_its_camera():
    k = np.array([[1000.0, 0, 960], [0, 1000, 540], [0, 0, 1]])
    found = humbi_samples._cropped(k, np.array([860.0, 984.0, 440.0, 689.0]))
    np.testing.assert_allclose(found, [[2000, 0, 200], [0, 1000, 100], [0, 0, 1]])


def test_empty_lines_between_crops_are_passed_over(root):
    path = root / RIGHT / "list.txt"
    path.write_text(f"\n{path.read_text()}\n\n")
    assert len(labels(root)) == FRAMES


RIGHT = "subject_7/hand/00000001/image_cropped/right"
FAULTS = {
    "no extrinsic": ("subject_7/hand/extrinsic.txt", None, r"extrinsic\.txt is missing"),
    "cut short": ("subject_7/hand/intrinsic.txt", "a\nb\nc\n0 4\n1 0 0\n", "has 2 lines after its head, expected 4 a camera"),
    "letters": ("subject_7/hand/intrinsic.txt", "a\nb\nc\n0 4\n1 0 0\nx 1 0\n0 0 1\n", "three numbers"),
    "another camera": (f"{RIGHT}/list.txt", "9 0 250 0 250", "names camera 9"),
    "no box": (f"{RIGHT}/list.txt", "4 250 0 0 250", "xmin < xmax"),
    "35 parameters": ("subject_7/hand/00000001/reconstruction/mano_params_r.txt", "0 " * 35, "holds 35 numbers, expected 36"),
    "not a number": ("subject_7/hand/00000001/reconstruction/keypoints_r.txt", "nan " * 63, "expected 63 finite ones"),
    "no keypoints": ("subject_7/hand/00000001/reconstruction/keypoints_r.txt", None, r"keypoints_r\.txt is missing"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_invalid_folders_are_refused_with_a_reason(root, fault):
    name, content, says = FAULTS[fault]
    if content is None:
        (root / name).unlink()
    else:
        (root / name).write_text(content)
    with pytest.raises(FormatError, match=says):
        labels(root)


def test_keypoints_in_another_unit_are_refused(root):
    path = root / "subject_7/hand/00000001/reconstruction/keypoints_r.txt"
    numbers(path, 1000 * np.array(path.read_text().split(), float))
    with pytest.raises(FormatError, match="mm from its labelled joints"):
        humbi_samples.load(root, range(1, 20), every=1, hand_model="open")


def test_subjects_that_are_not_there(root):
    with pytest.raises(FormatError, match="none of subject_100"):
        list(humbi_samples.labels(root, range(100, 110), hand_model="open"))

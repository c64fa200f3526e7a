"""Findings of preflight about files with a wrong unit, axes or side; files without mistakes have no findings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ml.commands.check import check
from ml.formats.faults import FormatError
from ml.formats.frames import ArrayFrames
from ml.formats.joint_lists import METRES, open_joints
from ml.formats.orders import from_openpose, to_opencv
from ml.hand.model import load_hand_model
from ml.hand.skeleton import TIPS
from ml.metrics.pairing import Pair, open_pair
from ml.metrics.preflight import check_pair, check_prediction
from ml.metrics.protocol import PROTOCOLS

FRAMES = 24
LISTS = ["rhd", "stb", "do", "ed"]


def bent_hands(seed: int = 0) -> np.ndarray:
    """Right hands [FRAMES, 21, 3] with bent fingers, turned at random, half a metre before the camera; metres, OpenCV."""
    generator = torch.Generator().manual_seed(seed)
    pose = torch.zeros(FRAMES, 16, 3)
    pose[:, 0] = torch.randn(FRAMES, 3, generator=generator)
    pose[:, 1:13, 2] = 0.3 + 0.5 * torch.rand(FRAMES, 12, generator=generator)
    joints = load_hand_model("open", "right").joints(pose, torch.zeros(1, 10), torch.zeros(1, 3))
    return (joints - joints[:, :1]).detach().numpy().astype(np.float64) + np.array([0.02, 0.03, 0.5])


def shaken(joints: np.ndarray) -> np.ndarray:
    return joints + np.random.default_rng(1).normal(0, 0.005, joints.shape)


def pair_of(protocol: str, truth: np.ndarray, prediction: np.ndarray) -> Pair:
    """Both [N, 21, 3] in metres, OpenPose order, OpenCV; as a file of the protocol holds them."""
    recipe = PROTOCOLS[protocol]
    held = (to_opencv(from_openpose(j, recipe.order), recipe.axes) * 1000 / recipe.unit_mm for j in (truth, prediction))
    return Pair(*(ArrayFrames(name, joints) for name, joints in zip(("truth", "pred"), held, strict=True)), len(truth))


def messages(findings) -> list[str]:
    return [f"{finding.level}: {finding.message}" for finding in findings]


def fingertips(joints: np.ndarray) -> np.ndarray:
    tips = np.full_like(joints, np.nan)
    tips[:, TIPS] = joints[:, TIPS]
    return tips


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_valid_file_has_no_findings(name):
    truth = bent_hands()
    pair = pair_of(name, truth, shaken(truth))
    assert messages(check_pair(PROTOCOLS[name], pair)) == []
    assert messages(check_prediction(PROTOCOLS[name], pair.prediction, sides=np.ones(FRAMES, np.uint8))) == []
    if name in ("do", "ed"):
        assert messages(check_pair(PROTOCOLS[name], replace(pair, truth=ArrayFrames("truth", fingertips(truth))))) == []


def written(folder, protocol: str, unit: str, *, states: str):
    """Truth and prediction as files, the prediction in one unit and said to be in another."""
    joints = from_openpose(bent_hands(), PROTOCOLS[protocol].order)
    truth = fingertips(joints) if protocol in ("do", "ed") else joints
    np.savez(folder / "truth.npz", unit="m", joints=truth)
    np.savez(folder / "pred.npz", unit=states, joints=shaken(joints) / METRES[unit])
    return folder / "truth.npz", folder / "pred.npz"


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize(("unit", "states"), [("m", "mm"), ("mm", "m"), ("cm", "m"), ("m", "cm"), ("mm", "cm"), ("cm", "mm")])
def test_a_wrong_unit_is_an_error_that_names_stated_and_likely_unit(name, unit, states, tmp_path):
    protocol = PROTOCOLS[name]
    truth, prediction = written(tmp_path, name, unit, states=states)
    with open_pair(protocol, truth, prediction) as pair:
        findings = check_pair(protocol, pair)
    alone = check_prediction(protocol, open_joints(prediction, "pred.npz", truth=False))
    for finding in (findings[0], alone[0]):
        assert finding.level == "error"
        assert finding.message.startswith(f'`unit` says "{states}", but the hands are ')
        assert finding.message.endswith(f' mm across: it looks like "{unit}"')
    assert len(findings) == 1, "what else is said of hands in another unit is beside the point"


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("unit", METRES)
def test_a_unit_stated_rightly(name, unit, tmp_path):
    truth, prediction = written(tmp_path, name, unit, states=unit)
    with open_pair(PROTOCOLS[name], truth, prediction) as pair:
        assert messages(check_pair(PROTOCOLS[name], pair)) == []


def test_a_file_not_in_the_fixed_unit_of_its_protocol_is_an_error():
    truth = bent_hands()
    for name, factor, says in (
        ("dexycb", 0.001, "in metres, expected millimetres"),
        ("freihand", 1000, "in millimetres, expected"),
    ):
        pair = pair_of(name, truth, shaken(truth) * factor)
        assert messages(check_pair(PROTOCOLS[name], pair))[0].startswith("error: the hands would be ")
        assert says in check_pair(PROTOCOLS[name], pair)[0].message


CHANGES = {
    "y and z": ((0, 1, 2), (1, -1, -1), "axes look like OpenGL's: negating y and z cuts"),
    "x alone": ((0, 1, 2), (-1, 1, 1), "the hands are mirrored, as hands of the other side are: negating x cuts"),
    "y alone": ((0, 1, 2), (1, -1, 1), "the hands are mirrored, as hands of the other side are: negating y cuts"),
    "z alone": ((0, 1, 2), (1, 1, -1), "the hands are mirrored, as hands of the other side are: negating z cuts"),
    "x and y": ((0, 1, 2), (-1, -1, 1), "the axes are turned: negating x and y cuts"),
    "x and z": ((0, 1, 2), (-1, 1, -1), "the axes are turned: negating x and z cuts"),
    "all": ((0, 1, 2), (-1, -1, -1), "the hands are mirrored, as hands of the other side are: negating x and y and z cuts"),
    "x for y": ((1, 0, 2), (1, 1, 1), "the hands are mirrored, as hands of the other side are: swapping x and y cuts"),
    "y for z": ((0, 2, 1), (1, 1, 1), "the hands are mirrored, as hands of the other side are: swapping y and z cuts"),
    "z up": ((0, 2, 1), (1, 1, -1), "the axes are turned: swapping y and z and then negating y cuts"),
}


@pytest.mark.parametrize("name", ["freihand", "dexycb", "palmares", "rhd", "do"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_warning_about_changed_axes_states_how_to_undo_the_change(name, change):
    order, signs, says = CHANGES[change]
    truth = bent_hands()
    pair = pair_of(name, truth, shaken(truth)[..., list(order)] * signs)
    if name == "do":
        pair = replace(pair, truth=ArrayFrames("truth", fingertips(truth)))
    (message,) = messages(check_pair(PROTOCOLS[name], pair))
    assert message.startswith(f"warning: {says} the error of centred hands from ")


def test_opencv_axes_in_a_ho3d_file_are_recognised():
    truth = bent_hands()
    pair = pair_of("ho3d-v3", truth, shaken(truth) * [1, -1, -1])
    assert any(
        m.startswith("warning: axes look like OpenCV's: negating y and z")
        for m in messages(check_pair(PROTOCOLS["ho3d-v3"], pair))
    )


def test_axes_are_not_named_where_no_change_of_axes_helps():
    pair = pair_of("freihand", bent_hands(), bent_hands(seed=7))
    assert not any("negating" in m or "swapping" in m for m in messages(check_pair(PROTOCOLS["freihand"], pair)))


@pytest.mark.parametrize("name", ["freihand", "ho3d-v2", "ho3d-v3"])
def test_a_mirrored_file_is_recognised_for_data_sets_of_right_hands_only(name):
    right = shaken(bent_hands())
    recipe = PROTOCOLS[name]
    says = "warning: fingers bend to the back of the hand, the hands look mirrored: one axis is flipped"
    for signs in ([-1, 1, 1], [1, -1, 1]):
        (message,) = messages(check_prediction(recipe, pair_of(name, right, right * signs).prediction))
        assert message.startswith(says)
    (message,) = messages(check_prediction(recipe, pair_of(name, right, right * [1, 1, -1]).prediction))
    assert "behind the camera and fingers bend to their back: z alone looks flipped" in message
    (message,) = messages(check_prediction(recipe, pair_of(name, right, right * [1, -1, -1]).prediction))
    assert f"axes look like {'OpenCV' if recipe.axes == 'opengl' else 'OpenGL'}" in message


@pytest.mark.parametrize("side", [0, 1])
def test_a_mirrored_dexycb_file_is_recognised_where_the_truth_states_the_side(side, tmp_path):
    truth = bent_hands() * ([1, 1, 1] if side else [-1, 1, 1])
    np.savez(tmp_path / "truth.npz", index=np.arange(FRAMES), joint_3d=truth, side=np.full(FRAMES, side, np.uint8))
    for mirrored in (False, True):
        rows = 1000 * shaken(truth) * ([1, -1, 1] if mirrored else [1, 1, 1])
        (tmp_path / "pred.txt").write_text("\n".join(" ".join(map(str, [n, *r.ravel()])) for n, r in enumerate(rows)))
        answer = check("dexycb", tmp_path / "truth.npz", tmp_path / "pred.txt", "pred.txt")
        assert not answer["refused"]
        assert ["mirrored" in finding["message"] for finding in answer["findings"]] == [True] * mirrored


def test_mirroring_is_judged_by_the_side_of_each_hand():
    left = shaken(bent_hands()) * [-1, 1, 1]
    frames = pair_of("palmares", left, left).prediction
    assert messages(check_prediction(PROTOCOLS["palmares"], frames, sides=np.zeros(FRAMES, np.uint8))) == []
    assert "mirrored" in messages(check_prediction(PROTOCOLS["palmares"], frames, sides=np.ones(FRAMES, np.uint8)))[0]
    assert messages(check_prediction(PROTOCOLS["palmares"], frames)) == []


def test_the_file_of_a_joint_list_is_named(tmp_path):
    np.savez(tmp_path / "tmp123.npz", joints=bent_hands())
    with pytest.raises(FormatError, match=r"^pred.npz: `unit` is missing; the archive holds joints$"):
        open_joints(tmp_path / "tmp123.npz", "pred.npz", truth=False)

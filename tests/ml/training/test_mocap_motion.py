"""Motion capture in its published layouts: miniatures of AMASS and ARCTIC, and what is wrong with files."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch

from ml.hand.joint_limits import angles_to_pose, sample_angles
from ml.hand.model import load_hand_model
from ml.training import mocap_motion
from ml.training.mocap_motion import angles_of, mocap_motions, mocap_split
from ml.training.pickled_dictionaries import PickledFileError, read_dictionary
from ml.training.recorded_motion import RecordedMotionError


def moving(frames: int, fps: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Angles [N, 45] that go to and fro between two poses every second, and the right hand's axis-angle pose [N, 45]."""
    ends = sample_angles(np.random.default_rng(seed), 2)
    share = 0.5 + 0.5 * np.sin(2 * np.pi * np.arange(frames) / fps)
    angles = ends[0] + share[:, None, None] * (ends[1] - ends[0])
    rest = load_hand_model("open", "right").rest_joints(torch.zeros(1, 10))[0].double().numpy()
    return angles[:, 1:].reshape(frames, 45), angles_to_pose(angles, rest, "right")[:, 1:].reshape(frames, 45)


def left_of(pose: np.ndarray) -> np.ndarray:
    return (pose.reshape(-1, 15, 3) * [1, -1, -1]).reshape(-1, 45)


def write_amass(path, frames=360, fps=120.0, *, columns=156, rate="mocap_framerate", **more):
    angles, pose = moving(frames, fps)
    body = np.zeros((frames, columns - 90))
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, poses=np.concatenate([body, left_of(pose), pose], 1), **{rate: fps}, gender="male", **more)
    return angles


@pytest.mark.parametrize(("columns", "rate"), [(156, "mocap_framerate"), (165, "mocap_frame_rate")])
def test_both_hands_of_amass_are_read_at_30_fps_and_left_ones_mirrored(tmp_path, columns, rate):
    angles = write_amass(tmp_path / "GRAB" / "s1" / "cup_poses.npz", columns=columns, rate=rate)
    left, right = mocap_motions(tmp_path)
    assert {left.session, right.session} == {"GRAB"}
    assert left.name.endswith("cup_poses.npz:left")
    assert len(right.angles) == 81, "the middle 90% of three seconds"
    np.testing.assert_allclose(left.angles, right.angles, atol=1e-6)
    np.testing.assert_allclose(right.angles, angles[18:-18:4], atol=1e-3)


@pytest.mark.parametrize(
    ("below", "session", "split"),
    [
        ("GRAB", "GRAB", "train"),
        ("SAMP", "SAMP", "validation"),
        ("AMASS/SAMP/s1", "SAMP", "validation"),
        ("TCDHands", "TCDHands", "test"),
        ("TCD_handMocap", "TCDHands", "test"),
        ("arctic/s01", "ARCTIC", "train"),
    ],
)
def test_the_split_is_the_same_for_a_data_set_and_the_folder_that_holds_it(tmp_path, below, session, split):
    write_amass(tmp_path / below / "a.npz")
    for folder in (tmp_path, tmp_path / below.removesuffix("/s1").removesuffix("/s01")):
        motions = mocap_motions(folder)
        assert {(motion.session, mocap_split(motion)) for motion in motions} == {(session, split)}, folder


def test_pose_hand_is_read_too(tmp_path):
    angles, pose = moving(90, 30.0)
    np.savez(tmp_path / "a.npz", pose_hand=np.concatenate([left_of(pose), pose], 1), mocap_frame_rate=30.0)
    assert len(mocap_motions(tmp_path)) == 2
    assert np.abs(angles_of(pose, "right") - angles).max() < 1e-4


def test_hands_at_rest_and_short_sequences_are_left_out(tmp_path):
    write_amass(tmp_path / "SAMP" / "short.npz", frames=100)
    still = np.zeros((360, 156))
    still[:, 111:] = moving(360, 120.0)[1]
    np.savez(tmp_path / "SAMP" / "one_hand.npz", poses=still, mocap_framerate=120.0)
    (only,) = mocap_motions(tmp_path)
    assert only.name.endswith("one_hand.npz:right")


def write_arctic(path, frames=120):
    angles, pose = moving(frames, 30.0)
    hand = {"rot": np.zeros((frames, 3)), "trans": np.zeros((frames, 3)), "shape": np.zeros(10), "fitting_err": [0.1] * frames}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, {"left": hand | {"pose": left_of(pose)}, "right": hand | {"pose": pose}}, allow_pickle=True)
    return angles


def test_arctic_is_read_without_running_its_pickle(tmp_path, monkeypatch):
    class Mean:
        pose_mean = np.full(45, 0.0)

    monkeypatch.setattr(mocap_motion, "load_hand_arrays", lambda name, side: Mean)
    angles = write_arctic(tmp_path / "arctic" / "s01" / "box.mano.npy")
    left, right = mocap_motions(tmp_path)
    np.testing.assert_allclose(right.angles, angles[6:-6], atol=1e-3)
    np.testing.assert_allclose(left.angles, right.angles, atol=1e-6)


def test_arctic_without_mano_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.delenv("MANO_DIR", raising=False)
    write_arctic(tmp_path / "box.mano.npy")
    with pytest.raises(RecordedMotionError, match=r"relative to MANO's mean pose: .*MANO_DIR"):
        mocap_motions(tmp_path)


class Harmful:
    def __reduce__(self):
        return (print, ("it ran",))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (Harmful(), "asks for builtins.print"),
        ({"right": {"pose": Harmful()}}, "asks for builtins.print"),
        ({"right": np.array(["a"])}, "array of type 'U1' is refused"),
        ([1, 2], "holds a|array of objects is refused|array of type"),
    ],
)
def test_other_pickles_are_refused_and_not_run(tmp_path, capsys, content, says):
    path = tmp_path / "bad.mano.npy"
    whole = np.empty((), object)
    whole[()] = content
    np.save(path, whole, allow_pickle=True)
    with pytest.raises(PickledFileError, match=says):
        read_dictionary(path)
    assert capsys.readouterr().out == ""


def test_truncated_and_plain_files_are_refused(tmp_path):
    write_arctic(tmp_path / "a.mano.npy")
    content = (tmp_path / "a.mano.npy").read_bytes()
    for name, part in (("cut", content[: len(content) // 2]), ("empty", b""), ("pickle", pickle.dumps({"a": 1}))):
        path = tmp_path / f"{name}.npy"
        path.write_bytes(part)
        with pytest.raises(PickledFileError, match=r"is no \.npy of a dictionary|damaged"):
            read_dictionary(path)


@pytest.mark.parametrize(
    ("arrays", "says"),
    [
        ({"poses": np.zeros((60, 156))}, "has poses; expected"),
        ({"poses": np.zeros((60, 66)), "mocap_framerate": 30.0}, r"`poses` is \[60, 66\]"),
        ({"poses": np.full((60, 156), np.nan), "mocap_framerate": 30.0}, "not finite"),
        ({"poses": np.array([Harmful()]), "mocap_framerate": 30.0}, "cannot be read"),
    ],
)
def test_files_of_a_wrong_layout_are_refused_with_a_reason(tmp_path, arrays, says):
    np.savez(tmp_path / "a.npz", **arrays)
    with pytest.raises(RecordedMotionError, match=says):
        mocap_motions(tmp_path)


def test_a_folder_without_motion_capture_is_named(tmp_path):
    with pytest.raises(RecordedMotionError, match=r"no \*\.npz of AMASS"):
        mocap_motions(tmp_path)

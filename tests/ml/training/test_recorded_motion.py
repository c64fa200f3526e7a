"""Recorded motion: retargeted poses are those that made the joints, on either hand, and faults of files are named."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ml.fitting.kinematics import Kinematics
from ml.hand.model import load_hand_model
from ml.synthetic.hand_motion import joint_motion
from ml.training.motion_set import motion_set, split_of
from ml.training.recorded_motion import RecordedMotionError, recorded_motions, resampled, retargeted, whole_pieces


def posed(seconds: float, fps: float, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Angles [N, 45] of a grasping right hand and its joints [N, 21, 3] (m)."""
    times = np.arange(round(seconds * fps)) / fps
    angles = joint_motion(np.random.default_rng(seed), "grasp", times)[:, 1:].reshape(-1, 45)
    kinematics = Kinematics(load_hand_model("open", "right"))
    count = len(angles)
    root = torch.eye(3).expand(count, 3, 3)
    joints = kinematics.joints(torch.as_tensor(angles, dtype=torch.float32), root, torch.zeros(count, 3), torch.zeros(1, 10))
    return angles, joints.double().numpy()


@pytest.mark.parametrize("mirror", [1, -1])
@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_flexion_is_recovered_for_hands_of_either_side_and_any_scale(mirror, scale):
    angles, joints = posed(2.0, 30.0)
    found = retargeted(joints * [mirror, 1, 1] * scale)
    assert found.shape == angles.shape
    assert found.dtype == np.float32
    apart = np.degrees(np.abs(found - angles)).reshape(-1, 15, 3)
    assert apart[:, :12, 1].mean() < 3.0, "flexion of the four fingers"


@pytest.mark.parametrize("fps", [24.0, 30.0, 115.3, 240.0])
def test_another_rate_is_resampled_by_time(fps):
    times = np.arange(round(3 * fps)) / fps
    slow = resampled(np.sin(2 * np.pi * times)[:, None], fps, 0.0)[:, 0]
    assert abs(len(slow) - 90) <= 1
    np.testing.assert_allclose(slow, np.sin(2 * np.pi * np.arange(len(slow)) / 30), atol=0.04)


def test_smoothing_keeps_slow_motion_and_removes_jitter():
    times = np.arange(345) / 115
    jitter = np.random.default_rng(0).normal(0, 0.1, len(times))
    slow = np.sin(2 * np.pi * times)
    found = resampled((slow + jitter)[:, None], 115.0, 0.02)[:, 0]
    expected = np.sin(2 * np.pi * np.arange(len(found)) / 30)
    assert np.abs(found - expected)[3:-3].mean() < 0.4 * np.abs(jitter).mean()


def test_detections_are_cut_where_a_hand_was_lost():
    angles = np.zeros((100, 45), np.float32)
    angles[40:] = 1.0
    angles[80:, 3] = 3.0
    assert [len(piece) for piece in whole_pieces(angles)] == [40, 40], "the last 20 frames are less than a second"


def write(path, *, fps=(115.0, 30.0), lengths=None, joints=None, **more):
    own = [posed(1.5, rate, seed)[1] for seed, rate in enumerate(fps)]
    joints = np.concatenate(own) if joints is None else joints
    lengths = np.array([len(j) for j in own]) if lengths is None else np.array(lengths)
    np.savez(path, joints=joints, lengths=lengths, fps=np.array(fps), names=np.array(["a", "b"][: len(fps)]), **more)


@pytest.fixture
def folder(tmp_path):
    for name in ("leap", "dex", "asl_ai"):
        write(tmp_path / f"{name}.npz")
    return tmp_path


def test_all_recordings_come_at_30_fps_with_their_session(folder):
    found = recorded_motions(folder)
    assert [m.session for m in found[:4]] == ["leap:a", "leap:b", "dex:a", "dex:b"]
    assert {abs(len(m.angles) - 45) <= 1 for m in found} == {True}
    assert all(np.isfinite(m.angles).all() for m in found)


def test_two_hands_of_one_leap_recording_are_one_session(folder):
    write(folder / "leap.npz", fps=(115.0, 115.0))
    first, second = recorded_motions(folder)[:2]
    assert first.session == second.session == "leap:a"
    assert split_of(first) == split_of(second)


def test_each_session_is_in_one_part(folder):
    parts = [motion_set(split, an_activity=1, motions=folder) for split in ("train", "validation", "test")]
    sessions = [{m.session for m in part.recorded} for part in parts]
    assert set.union(*sessions) == {m.session for m in recorded_motions(folder)}
    assert sum(map(len, sessions)) == len(set.union(*sessions))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"joints": np.zeros((10, 20, 3)), "lengths": [4, 6]}, r"joints are \(10, 20, 3\), expected \[N, 21, 3\]"),
        ({"lengths": [10, 10]}, r"expected \[N, 21, 3\] with N = 20"),
        ({"fps": (0.0, 30.0), "joints": np.zeros((2, 21, 3)), "lengths": [1, 1]}, "one positive fps"),
        ({"joints": np.full((2, 21, 3), np.nan), "lengths": [1, 1]}, "finite joints"),
    ],
)
def test_files_of_a_wrong_layout_are_refused_with_a_reason(folder, change, says):
    if "fps" in change:
        np.savez(folder / "leap.npz", names=np.array(["a", "b"]), **{k: np.array(v) for k, v in change.items()})
    else:
        write(folder / "leap.npz", **change)
    with pytest.raises(RecordedMotionError, match=says):
        recorded_motions(folder)


def test_missing_and_damaged_files_are_named(folder):
    (folder / "dex.npz").write_bytes(b"PK not a zip")
    with pytest.raises(RecordedMotionError, match=r"dex\.npz: expected a \.npz"):
        recorded_motions(folder)
    (folder / "dex.npz").unlink()
    with pytest.raises(RecordedMotionError, match=r"dex\.npz is missing; docs/motion-prior\.md"):
        recorded_motions(folder)

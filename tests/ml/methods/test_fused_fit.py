"""`fused-fit`: which camera it uses and reports, the uncertainty of unseen joints, and no extremely large meshes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ml.clip import Clip
from ml.fitting.kinematics import Kinematics
from ml.hand.camera import default_intrinsics, project
from ml.hand.joint_limits import sample_angles
from ml.hand.model import load_hand_model
from ml.keypoints.tracks import HandTrack, Keypoints
from ml.methods.interface import Request, load_method

COUNT = 16
WIDTH, HEIGHT = 640, 480


def silent(stage: str, fraction: float) -> None:
    pass


def seen(depth: float = 0.6, x: float = 0.0, focal: float | None = None, seed: int = 1) -> tuple[Request, np.ndarray]:
    """A hand in everyday poses as a perfect detector sees it, and its joints."""
    intrinsics = default_intrinsics(WIDTH, HEIGHT)
    real = intrinsics.copy()
    if focal is not None:
        real[0, 0] = real[1, 1] = focal
    kinematics = Kinematics(load_hand_model("open", "right"))
    ends = torch.as_tensor(sample_angles(np.random.default_rng(seed), 2))[:, 1:].reshape(2, 45).float()
    share = torch.linspace(0, 1, COUNT)[:, None]
    place = torch.tensor([[x, 0.0, depth]]).expand(COUNT, 3)
    root = torch.eye(3).expand(COUNT, 3, 3)
    joints = kinematics.joints(ends[:1] * (1 - share) + ends[1:] * share, root, place, torch.zeros(1, 10)).numpy()
    pixels = project(joints, real).astype(np.float32)
    world = (joints - joints.mean(1, keepdims=True)).astype(np.float32)
    track = HandTrack(0, "right", np.arange(COUNT, dtype=np.int32), pixels, world, np.ones(COUNT, np.float32))
    clip = Clip(Path("made.mp4"), "video", fps=30.0, frame_count=COUNT, width=WIDTH, height=HEIGHT)
    return Request(clip, Keypoints((track,), COUNT, 30.0, WIDTH, HEIGHT), intrinsics), joints


def with_track(request: Request, **changes) -> Request:
    (track,) = request.keypoints.tracks
    return replace(request, keypoints=replace(request.keypoints, tracks=(replace(track, **changes),)))


def fit(request: Request):
    return load_method("fused-fit").estimate(request, silent)


def test_a_given_focal_length_is_kept_and_said():
    request, _ = seen(depth=0.2)
    found = fit(replace(request, intrinsics_known=True))
    assert found.meta["focal_length"] == {"px": pytest.approx(float(request.intrinsics[0, 0])), "source": "given"}
    np.testing.assert_array_equal(found.intrinsics, request.intrinsics)


def test_an_assumed_one_is_kept_where_hands_are_far_enough():
    request, _ = seen(depth=0.8)
    assert fit(request).meta["focal_length"]["source"] == "assumed"


@pytest.mark.parametrize("independent", [False, True])
def test_a_hand_that_would_be_too_near_increases_the_assumed_focal_length(independent):
    """Seen through a long lens at 0.9 m, it looks 0.3 m away through the assumed one."""
    request, joints = seen(depth=0.9, focal=3 * float(default_intrinsics(WIDTH, HEIGHT)[0, 0]))
    found = fit(replace(request, independent=independent))
    assert found.meta["focal_length"]["source"] == "hand distance"
    assert found.intrinsics[0, 0] > 1.2 * request.intrinsics[0, 0]
    assert found.joints[..., 2].min() > 0.3
    relative, truth = (x - x[:, :1] for x in (found.joints, joints))
    assert np.linalg.norm(relative - truth, axis=-1).mean() < 0.02


def test_joints_outside_the_image_are_uncertain_and_move_the_hand_little():
    request, _ = seen(x=0.34)
    (track,) = request.keypoints.tracks
    outside = (track.joints_2d[..., 0] > WIDTH).any(0)
    assert 3 < outside.sum() < 21
    wrong = np.where(outside[:, None], track.joints_2d + 40, track.joints_2d).astype(np.float32)
    found = fit(with_track(request, joints_2d=wrong))
    inside = ((wrong >= 0) & (wrong <= [WIDTH, HEIGHT])).all(-1)
    assert not found.visible[~inside].any()
    assert found.visible[inside].mean() > 0.6  # fingers hide some joints
    assert found.joint_std[:, outside].mean() > 1.3 * found.joint_std[:, ~outside].mean()
    miss = np.linalg.norm(project(found.joints, found.intrinsics) - track.joints_2d, axis=-1)
    assert np.median(miss[:, ~outside]) < 6


def test_landmarks_of_the_wrong_side_do_not_break_a_frame():
    request, _ = seen()
    (track,) = request.keypoints.tracks
    world = track.world.copy()
    world[5] *= -1
    found = fit(with_track(request, world=world))
    projected = project(found.vertices[5], found.intrinsics)
    assert np.ptp(projected, axis=0).max() < 2 * np.ptp(track.joints_2d[5], axis=0).max()
    assert found.vertices[..., 2].min() > 0.02


def test_a_video_is_calmer_than_its_frames_alone():
    request, _ = seen()
    (track,) = request.keypoints.tracks
    noise = np.random.default_rng(0).normal(0, 2, track.joints_2d.shape)
    request = with_track(request, joints_2d=(track.joints_2d + noise).astype(np.float32))

    def jitter(joints: np.ndarray) -> float:
        relative = joints - joints[:, :1]
        return float(np.linalg.norm(relative[2:] - 2 * relative[1:-1] + relative[:-2], axis=-1).mean())

    assert jitter(fit(request).joints) < 0.95 * jitter(fit(replace(request, independent=True)).joints)


def test_the_prediction_says_which_inputs_were_used():
    request, _ = seen()
    found = fit(request)
    assert found.meta["evidence"] == ["2D joints", "world landmarks", "landmark network"]
    assert found.joint_std.shape == (COUNT, 21)
    assert (found.joint_std > 0).all()

"""Short, slow, fast and interrupted tracks, and runs that cannot be refined."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import roma
import torch

from ml.clip import Clip
from ml.fitting.kinematics import Kinematics
from ml.formats.prediction import PredictionArrays
from ml.hand.camera import default_intrinsics, project
from ml.hand.model import load_hand_model
from ml.keypoints.tracks import HandTrack, Keypoints
from ml.methods.hmp2024 import HMP2024
from ml.methods.interface import Request, UnsupportedModelError

METHOD = HMP2024(views=0)
POSE = torch.tensor([0.0, 0.3, 0.0]).repeat(15)
"""Of all fingers (rad): bent a little."""


def seen_in(frames: list[int], fps: float) -> Request:
    """A request for a still right hand that was found in these frames."""
    kinematics, count = Kinematics(load_hand_model("open", "right")), len(frames)
    root = roma.rotvec_to_rotmat(torch.tensor([[0.2, 0.1, 0.4]])).expand(count, 3, 3)
    place = torch.tensor([[0.0, 0.0, 0.6]]).expand(count, 3)
    joints = kinematics.joints(POSE.expand(count, 45), root, place, torch.zeros(1, 10))
    intrinsics = default_intrinsics(640, 480)
    pixels, world = project(joints, torch.as_tensor(intrinsics)).numpy(), (joints - joints.mean(1, keepdim=True)).numpy()
    track = HandTrack(0, "right", np.array(frames, np.int32), pixels, world, np.full(count, 0.9, np.float32))
    total = max(frames) + 1
    clip = Clip(Path("made.mp4"), "video", fps=fps, frame_count=total, width=640, height=480)
    return Request(clip, Keypoints((track,), total, fps, 640, 480), intrinsics)


def estimate(request: Request) -> PredictionArrays:
    return METHOD.estimate(request, lambda stage, fraction: None)


@pytest.mark.parametrize(
    ("frames", "fps", "expected"),
    [
        ([4], 30.0, [4]),
        ([0, 1], 30.0, [0, 1]),
        ([0, 1, 2], 30.0, [0, 1, 2]),
        ([0, 3, 7, 9], 30.0, list(range(10))),
        (list(range(20)), 1.0, list(range(20))),
        (list(range(300)), 240.0, list(range(300))),
        ([*range(6), *range(200, 206)], 30.0, [*range(6), *range(200, 206)]),
    ],
    ids=["one frame", "two", "three", "short gaps", "1 fps", "240 fps", "a gap that is too long"],
)
def test_clips_of_any_length_and_rate_give_finite_hands(frames, fps, expected):
    found = estimate(seen_in(frames, fps))
    assert found.frame.tolist() == expected
    assert np.isfinite(found.joints).all()
    still = found.joints - found.joints[:, :1]
    assert np.linalg.norm(still - still.mean(0), axis=-1).max() < 0.005


@pytest.mark.parametrize("joints", [np.nan, -1.0], ids=["no numbers", "behind the camera"])
def test_a_run_without_usable_hands_is_refused(joints):
    request = seen_in([0, 1, 2], 30.0)
    start = estimate(request)
    broken = replace(start, joints=np.full_like(start.joints, joints))
    with pytest.raises(UnsupportedModelError, match="no hand in front of the camera"):
        estimate(replace(request, start=broken))


def test_hands_of_the_refined_run_without_detections_are_kept():
    whole = estimate(seen_in(list(range(12)), 30.0))
    found = estimate(replace(seen_in(list(range(6)), 30.0), start=whole))
    assert found.frame.tolist() == list(range(12))
    assert np.linalg.norm(found.joints - whole.joints, axis=-1).mean() < 0.015
    (record,) = found.meta["keypoints"]
    assert (record["side"], record["first"]) == ("right", 0)
    assert record["sources"] == "dddddd" + "pppppp"
    assert record["confidence"][0] == "9"
    assert set(record["confidence"][6:]) == {"4"}
    assert found.visible.any(1).tolist() == [True] * 6 + [False] * 6


def test_frames_without_keypoints_are_missing_in_the_record():
    found = estimate(seen_in([0, 3, 7, 9], 30.0))
    (record,) = found.meta["keypoints"]
    assert record["sources"] == "dmmdmmmdmd"
    assert (record["failures"], record["jumps"]) == ([], [])
    assert found.visible.any(1).tolist() == [source == "d" for source in "dmmdmmmdmd"]


def test_a_refined_run_far_from_the_detections_keeps_more_of_its_orientation():
    """Of two runs whose hands are turned by 0.3 rad from what the detector saw, one lies on the detected joints.

    World landmarks that contradict the image do not say how the hand is turned.
    """
    request = seen_in(list(range(20)), 30.0)
    start = estimate(request)
    (track,) = request.keypoints.tracks
    wrong = replace(track, world=np.roll(track.world, 5, axis=1))
    request = replace(request, keypoints=replace(request.keypoints, tracks=(wrong,)))
    turn = roma.rotvec_to_rotmat(torch.tensor([0.3, 0.0, 0.0]))
    pose = start.pose.copy()
    pose[:, 0] = roma.rotmat_to_rotvec(turn @ roma.rotvec_to_rotmat(torch.as_tensor(pose[:, 0]))).numpy()
    aside = 40 * start.joints[..., 2:] / start.intrinsics[0, 0] * np.array([1, 0, 0], np.float32)
    turned_back = []
    for joints in (start.joints, start.joints + aside):
        found = estimate(replace(request, start=replace(start, pose=pose, joints=joints)))
        apart = roma.rotvec_geodesic_distance(torch.as_tensor(found.pose[:, 0]), torch.as_tensor(pose[:, 0]))
        turned_back.append(float(apart.mean()))
    assert turned_back[1] < 0.95 * turned_back[0], turned_back

"""What the image network sees beside the detector, and how the joints of both become one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import roma
import torch

from ml.clip import open_clip
from ml.hand.camera import project
from ml.keypoints.detector import detect
from ml.methods.image_evidence import BALANCED, MOST, NEAR_DETECTOR, SINGLE_IMAGES, image_evidence, pose_of_both, seen_by_both
from ml.methods.interface import Request, load_method
from ml.synthetic.clips import make_clip, write_clip
from ml.synthetic.subjects import make_subject

FRAMES = 6
JOINTS = 100 * torch.rand(4, 21, 2, generator=torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("clip")
    made = make_clip(5, make_subject(0, "test", 2), seconds=FRAMES / 30, width=320, height=240, hands=("left",))
    write_clip(made, folder)
    opened = open_clip(folder / "video.mp4")
    return Request(opened, detect(opened), made.truth.intrinsics.astype("float32"), intrinsics_known=True), made.truth


def test_joints_and_orientation_are_near_the_truth(clip):
    request, truth = clip
    (track,) = request.keypoints.tracks
    (seen,) = image_evidence(request.clip, [track], request.intrinsics, lambda fraction: None)
    joints = torch.as_tensor(truth.hands[0].joints[track.frames])
    pixels = project(joints, torch.as_tensor(request.intrinsics))
    box = float((pixels.amax(1) - pixels.amin(1)).max())
    assert float((seen.pixels - pixels).norm(dim=-1).mean()) < 0.06 * box
    assert seen.rotations.shape == (len(track.frames), 16, 3, 3)
    torch.testing.assert_close(torch.linalg.det(seen.rotations), torch.ones(len(track.frames), 16), atol=1e-4, rtol=0)


def test_the_pose_of_both_lies_between_them_and_is_turned_as_the_image_shows():
    landmarks, image = roma.random_rotmat((3, 16)), roma.random_rotmat((3, 16))
    image[:, 1:] = landmarks[:, 1:] @ roma.rotvec_to_rotmat(torch.full((3, 15, 3), 0.2))
    both = pose_of_both(landmarks, image)
    assert torch.equal(both[:, 0], image[:, 0])
    halfway = landmarks[:, 1:] @ roma.rotvec_to_rotmat(torch.full((3, 15, 3), 0.1))
    torch.testing.assert_close(both[:, 1:], halfway, atol=1e-5, rtol=0)


def test_a_fit_says_whether_it_looked_at_the_images(clip, tmp_path):
    request, _ = clip
    looked = load_method("fused-fit").estimate(request, lambda stage, fraction: None)
    assert "image network" in looked.meta["evidence"]


@pytest.mark.parametrize("blend", [NEAR_DETECTOR, BALANCED, SINGLE_IMAGES])
def test_where_both_agree_the_detector_counts_most(blend):
    box = (JOINTS.amax(1) - JOINTS.amin(1)).amax(-1)[:, None, None]
    near = JOINTS + 0.02 * box
    torch.testing.assert_close(seen_by_both(JOINTS, near, blend), torch.lerp(JOINTS, near, blend.share))
    assert torch.equal(seen_by_both(JOINTS, JOINTS, blend), JOINTS)


def test_where_they_disagree_over_the_whole_hand_the_network_counts_most():
    far = JOINTS + 60
    torch.testing.assert_close(seen_by_both(JOINTS, far, NEAR_DETECTOR), torch.lerp(JOINTS, far, MOST))
    one = JOINTS.clone()
    one[:, 4] += 30  # one joint alone says little of the others
    assert float((seen_by_both(JOINTS, one, NEAR_DETECTOR) - JOINTS)[:, 4].abs().max()) < 30 * 2 * NEAR_DETECTOR.share


def test_the_unit_does_not_matter():
    other = JOINTS + 10 * torch.randn(JOINTS.shape, generator=torch.Generator().manual_seed(1))
    larger = seen_by_both(7 * JOINTS, 7 * other, BALANCED)
    torch.testing.assert_close(larger, 7 * seen_by_both(JOINTS, other, BALANCED), atol=1e-3, rtol=0)


def test_the_pose_of_a_submitted_run_is_not_joined_with_ours(clip):
    """It may come from a better network: only methods of the platform are known to err as the image network's partner."""
    request, _ = clip
    start = load_method("kong2022").estimate(request, lambda stage, fraction: None)
    turned = start.pose.copy()
    turned[:, 1:, 2] -= 0.2  # bends all finger joints
    bent = []
    for method in ("kong2022", "team/network"):
        begin = replace(start, pose=turned, meta={**start.meta, "method": method})
        found = load_method("hmp2024").estimate(
            replace(request, start=begin, options={"views": 0}), lambda stage, fraction: None
        )
        bent.append(float(np.abs(found.pose[:, 1:] - turned[:, 1:]).mean()))
    assert bent[1] < bent[0]


@pytest.mark.parametrize("method", ["fused-fit", "kong2022-image-identity-opt"])
def test_single_images_follow_the_network_more_than_videos_do(clip, method):
    request, _ = clip
    (seen,) = image_evidence(request.clip, request.keypoints.tracks, request.intrinsics, lambda fraction: None)
    apart = []
    for independent in (False, True):
        found = load_method(method).estimate(replace(request, independent=independent), lambda stage, fraction: None)
        pixels = torch.as_tensor(project(found.joints, request.intrinsics))
        apart.append(float((pixels - seen.pixels).norm(dim=-1).mean()))
    assert apart[1] < apart[0]

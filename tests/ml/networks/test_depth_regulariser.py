"""Back-projection and the depth regulariser of Cai et al."""

from __future__ import annotations

import torch

from ml.networks.depth_regulariser import DEPTH_MAP, DepthRegulariser, KeypointDepth, PixelDepth, back_projected
from ml.networks.hand_batch import HandBatch


def test_back_projected_joints_lie_on_their_rays():
    torch.manual_seed(0)
    points, depths = torch.rand(4, 21, 2) - 0.5, 0.3 * torch.randn(4, 21)
    windows = torch.tensor([[0.02, -0.03, 0.25]]).expand(4, 3)
    joints = back_projected(points, depths, windows)
    assert (joints[:, 0] == 0).all()
    wrist = torch.cat([windows[:, :2] + windows[:, 2:] * points[:, 0], torch.ones(4, 1)], 1) / windows[:, 2:]
    seen = joints + wrist[:, None]
    rays = (seen[..., :2] / seen[..., 2:] - windows[:, None, :2]) / windows[:, None, 2:]
    torch.testing.assert_close(rays, points, atol=1e-5, rtol=0)
    torch.testing.assert_close(joints[..., 2], depths - depths[:, :1], atol=1e-5, rtol=0)


def test_the_keypoint_network_puts_its_joints_on_the_rays_of_its_2d_joints():
    windows = torch.tensor([[0.0, 0.0, 0.2]]).expand(3, 3)
    network = KeypointDepth().eval()
    batch = HandBatch(torch.zeros(3, 132), torch.rand(3, 21, 2), windows=windows)
    found = network(batch)
    torch.testing.assert_close(found.joints, back_projected(found.landmarks, network.found(batch)[1], windows))


def test_black_crops_give_finite_joints_of_the_pixel_network():
    windows = torch.tensor([[0.0, 0.0, 0.2]]).expand(2, 3)
    batch = HandBatch(torch.zeros(2, 132), torch.zeros(2, 21, 2), torch.zeros(2, 3, 96, 96, dtype=torch.uint8), windows)
    found = PixelDepth().eval()(batch)
    assert torch.isfinite(found.joints).all()
    assert found.landmarks.shape == (2, 21, 2)


def test_the_drawn_map_depends_on_every_joint():
    torch.manual_seed(0)
    depths = torch.zeros(2, 21, requires_grad=True)
    drawn = DepthRegulariser()(torch.rand(2, 21, 2) - 0.5, depths)
    assert drawn.shape == (2, DEPTH_MAP, DEPTH_MAP)
    (slope,) = torch.autograd.grad(drawn.abs().sum(), depths)
    assert (slope != 0).all()

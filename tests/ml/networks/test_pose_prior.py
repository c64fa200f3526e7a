"""The canonical frame of Zimmermann and Brox, and the crop tightened to a silhouette."""

from __future__ import annotations

import pytest
import roma
import torch

from ml.hand.model import load_hand_model
from ml.networks.hand_batch import HandBatch
from ml.networks.pose_prior import (
    SILHOUETTE_MARGIN,
    DirectLifting,
    KeypointPosePrior,
    PixelPosePrior,
    canonical_hand,
    proximal_bone,
    silhouette_windows,
    tightened,
)


def hands(count: int = 5) -> torch.Tensor:
    """Joints of right hands in several poses and orientations."""
    torch.manual_seed(0)
    pose = roma.rotvec_to_rotmat(0.3 * torch.randn(count, 16, 3))
    return load_hand_model("open", "right").joints(pose, torch.randn(count, 10), torch.randn(count, 3))


def test_the_canonical_hand_turned_to_the_viewpoint_is_the_hand():
    joints = hands()
    canonical, viewpoint = canonical_hand(joints)
    torch.testing.assert_close(proximal_bone(joints) * (canonical @ viewpoint), joints - joints[:, :1], atol=1e-6, rtol=0)
    torch.testing.assert_close(torch.linalg.det(viewpoint), torch.ones(5))


def test_the_canonical_frame_is_defined_as_in_the_paper():
    canonical, _ = canonical_hand(hands())
    zero = torch.zeros(5)
    torch.testing.assert_close(canonical[:, 0], torch.zeros(5, 3))
    torch.testing.assert_close(canonical[:, 9, 0], zero, atol=1e-5, rtol=0)
    torch.testing.assert_close(canonical[:, 9, 2], zero, atol=1e-5, rtol=0)
    assert (canonical[:, 9, 1] > 0).all()
    torch.testing.assert_close(canonical[:, 17, 2], zero, atol=1e-5, rtol=0)
    assert (canonical[:, 17, 0] > 0).all()
    torch.testing.assert_close((canonical[:, 10] - canonical[:, 9]).norm(dim=-1), torch.ones(5))


def test_the_canonical_hand_does_not_depend_on_the_viewpoint():
    joints, turn = hands(), roma.random_rotmat(5)
    canonical, viewpoint = canonical_hand(joints)
    turned, other = canonical_hand(joints @ turn)
    torch.testing.assert_close(turned, canonical, atol=1e-4, rtol=0)
    torch.testing.assert_close(other, viewpoint @ turn, atol=1e-4, rtol=0)


def test_a_window_is_the_bounding_box_of_the_silhouette_with_a_margin_and_ignores_specks():
    silhouettes = torch.zeros(2, 48, 48)
    silhouettes[0, 12:36, 10:22] = 1
    silhouettes[0, 2, 40] = 1
    windows = silhouette_windows(silhouettes)
    # 24 cells high and 12 wide around cell (16, 24), within half a cell
    expected = torch.tensor([-1 + 2 * 16 / 48, 0.0, SILHOUETTE_MARGIN * 0.5])
    torch.testing.assert_close(windows[0], expected, atol=0.04, rtol=0)
    assert windows[1].tolist() == [0.0, 0.0, 1.0], "nothing was found: the whole crop"


def test_a_tightened_crop_shows_its_window():
    crops = torch.zeros(1, 3, 96, 96)
    crops[:, :, 48:, 48:] = 200
    whole = tightened(crops, torch.tensor([[0.0, 0.0, 1.0]]))
    torch.testing.assert_close(whole, crops)
    quarter = tightened(crops, torch.tensor([[0.5, 0.5, 0.4]]))
    torch.testing.assert_close(quarter, torch.full_like(quarter, 200.0))


def test_the_one_stream_network_has_as_many_weights_as_the_two_stream_network():
    one, two = (sum(p.numel() for p in network.parameters()) for network in (DirectLifting(), KeypointPosePrior()))
    assert one == pytest.approx(two, rel=0.01)


def test_black_crops_give_finite_joints_and_2d_joints():
    network = PixelPosePrior().eval()
    batch = HandBatch(torch.zeros(2, 132), torch.zeros(2, 21, 2), torch.zeros(2, 3, 96, 96, dtype=torch.uint8))
    found = network(batch)
    assert found.joints.shape == (2, 21, 3)
    assert found.landmarks.shape == (2, 21, 2)
    assert torch.isfinite(found.joints).all()
    assert torch.equal(network(batch).joints, found.joints)

"""Hand size from a ruler, a card and a distance, and that these sources must agree."""

from __future__ import annotations

import numpy as np
import pytest
import roma
import torch

from ml.hand.measure import measure_hand
from ml.hand.model import load_hand_model
from ml.identity.scale import ScaleError, agreed, at_depth, depth_of_object, ruler

INTRINSICS = np.array([[600.0, 0, 320], [0, 600.0, 240], [0, 0, 1]], np.float32)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("beta", [-1.5, 0.0, 2.0])
def test_a_known_depth_gives_the_true_length_for_any_estimated_size(side, beta):
    model = load_hand_model("open", side)
    betas = torch.zeros(10)
    betas[0] = beta
    rotations = roma.rotvec_to_rotmat(0.2 * torch.randn(16, 3, generator=torch.Generator().manual_seed(5)))
    joints = model.joints(rotations[None], betas[None], torch.tensor([0.02, -0.01, 0.6]))[0]
    pixels = (joints[:, :2] / joints[:, 2:] * 600 + torch.tensor([320.0, 240.0])).numpy()
    found = at_depth(
        "distance", float(joints[:, 2].mean()), model=model, betas=betas, rotations=rotations, joints_2d=pixels,
        intrinsics=INTRINSICS, relative_std=0.02,
    )  # fmt: skip
    assert found.length.metres == pytest.approx(float(measure_hand(model, betas).length), rel=2e-3)


def test_the_distance_of_a_card_follows_from_its_size_in_the_image():
    assert depth_of_object(85.6, 100, 500) == pytest.approx(0.428)


def test_agreeing_sources_are_averaged_by_their_precision():
    assert agreed([]) is None
    both = agreed([ruler(190), ruler(192)])
    assert both is not None
    assert both.metres == pytest.approx(0.191)
    assert both.sigma < 0.0015


@pytest.mark.parametrize(("first", "second"), [(160, 195), (210, 180)])
def test_sources_that_contradict_each_other_are_refused_by_name(first, second):
    with pytest.raises(ScaleError, match=rf"contradict each other.*{first} mm.*{second} mm"):
        agreed([ruler(first), ruler(second)])


def test_every_pair_of_sources_is_compared():
    with pytest.raises(ScaleError, match=r"contradict each other.*180 mm.*207 mm"):
        agreed([ruler(180), ruler(193), ruler(207)])


@pytest.mark.parametrize("length", [19.0, 1900.0, 90.0])
def test_lengths_that_no_hand_has_are_refused(length):
    with pytest.raises(ScaleError, match="expected 120 to 250 mm"):
        agreed([ruler(length)])

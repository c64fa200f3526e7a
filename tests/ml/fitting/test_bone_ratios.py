"""Shapes from bone ratios: the minimum of the energy, for many hands at once."""

from __future__ import annotations

import pytest
import torch
from scipy.optimize import least_squares

from ml.fitting.bone_ratios import bone_ratios, shape_from_ratios
from ml.hand.model import load_hand_model

RIGHT = load_hand_model("open", "right")


@pytest.fixture(scope="module")
def ratios():
    random = torch.Generator().manual_seed(0)
    exact = bone_ratios(RIGHT.rest_joints(torch.randn(40, 10, generator=random)))
    return exact + 0.05 * torch.randn(exact.shape, generator=random)


def energy(betas, ratios, weight):
    return (bone_ratios(RIGHT.rest_joints(betas)) - ratios).square().sum(-1) + weight * betas.square().sum(-1)


@pytest.mark.parametrize("weight", [1e-3, 1e-1])
def test_it_finds_the_minimum(ratios, weight):
    found = energy(shape_from_ratios(RIGHT, ratios, weight), ratios, weight)
    for number in range(0, 40, 10):

        def residuals(betas, row=ratios[number]):
            one = torch.as_tensor(betas, dtype=torch.float32)[None]
            apart = (bone_ratios(RIGHT.rest_joints(one)) - row)[0]
            return torch.cat([apart, weight**0.5 * one[0]]).double().numpy()

        best = 2 * least_squares(residuals, torch.zeros(10).numpy(), diff_step=1e-3).cost
        assert float(found[number]) < best * 1.001


def test_ratios_do_not_depend_on_size_and_position(ratios):
    joints = RIGHT.rest_joints(torch.zeros(1, 10))
    moved = 3.0 * joints + torch.tensor([1.0, -2.0, 0.5])
    torch.testing.assert_close(bone_ratios(moved), bone_ratios(joints), atol=1e-5, rtol=0)


def test_exact_ratios_are_followed_where_the_prior_is_weak():
    wanted = bone_ratios(RIGHT.rest_joints(torch.linspace(-1, 1, 10)))
    found = bone_ratios(RIGHT.rest_joints(shape_from_ratios(RIGHT, wanted, 1e-6)))
    assert (found - wanted).abs().max() < 2e-3


def test_the_mean_hand_has_the_mean_shape():
    assert shape_from_ratios(RIGHT, bone_ratios(RIGHT.rest_joints(torch.zeros(1, 10)))).abs().max() < 1e-3


def test_coincident_joints_give_a_finite_shape():
    assert torch.isfinite(shape_from_ratios(RIGHT, bone_ratios(torch.zeros(2, 21, 3)))).all()

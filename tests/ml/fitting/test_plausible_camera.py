"""An assumed focal length grows until hands are no nearer than people hold them, and no further."""

from __future__ import annotations

import pytest
import torch

from ml.fitting.plausible_camera import LEAST_DISTANCE, plausible_intrinsics

ASSUMED = torch.tensor([[222.0, 0, 128], [0, 222.0, 128], [0, 0, 1]])


def test_hands_that_would_be_too_near_increase_the_focal_length_in_proportion():
    found = plausible_intrinsics(ASSUMED, torch.full((20,), 0.15))
    assert float(found[0, 0]) == pytest.approx(222 * LEAST_DISTANCE / 0.15, rel=1e-5)
    assert found[0, 0] == found[1, 1]
    assert torch.equal(found[:2, 2], ASSUMED[:2, 2])


@pytest.mark.parametrize("depths", [torch.full((20,), 0.7), torch.tensor([0.1] + [0.7] * 30), torch.zeros(0)])
def test_plausible_hands_leave_the_focal_length_unchanged_even_if_a_few_are_near(depths):
    assert torch.equal(plausible_intrinsics(ASSUMED, depths), ASSUMED)


def test_the_focal_length_has_an_upper_limit():
    assert float(plausible_intrinsics(ASSUMED, torch.full((3,), 1e-6))[0, 0]) == pytest.approx(8 * 222)

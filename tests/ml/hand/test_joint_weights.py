"""Skinning weights by the 21 joints."""

import numpy as np
import pytest

from ml.hand.joint_weights import joint_weights
from ml.hand.open_model import load_open_hand
from ml.hand.skeleton import OPENPOSE_TO_MANO, SIDES, TIPS


@pytest.mark.parametrize("side", SIDES)
def test_each_vertex_is_moved_by_joints_near_it(side):
    arrays = load_open_hand(side)
    weights = joint_weights(arrays)
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-6)
    assert weights.min() >= 0
    for tip, vertex in zip(TIPS, next(iter(arrays.tip_sets.values())), strict=True):
        assert weights[vertex, tip] > 0.8
        last = OPENPOSE_TO_MANO.index(tip - 1)
        np.testing.assert_allclose(weights[:, tip] + weights[:, tip - 1], arrays.weights[:, last], atol=1e-9)

"""Joint orders and camera frames: exact inverses, and the joints where the data sets have them."""

from __future__ import annotations

import numpy as np
import pytest

from ml.formats.orders import TO_OPENPOSE, from_openpose, stb_palm, stb_wrist, to_opencv, to_openpose
from ml.hand.skeleton import JOINTS, MANO_JOINTS


@pytest.mark.parametrize("order", TO_OPENPOSE)
def test_orders_are_exact_inverses(order):
    joints = np.random.default_rng(0).normal(size=(5, 21, 3))
    assert sorted(TO_OPENPOSE[order]) == list(range(21))
    assert (from_openpose(to_openpose(joints, order), order) == joints).all()
    assert (to_openpose(from_openpose(joints, order), order) == joints).all()


def test_orders_by_name():
    fingers = ("thumb", "index", "middle", "ring", "pinky")
    files = {
        "openpose": list(JOINTS),
        "mano": [*MANO_JOINTS, *(f"{finger}4" for finger in fingers)],
        "rhd": ["wrist", *(f"{finger}{k}" for finger in fingers for k in (4, 3, 2, 1))],
        "stb": ["wrist", *(f"{finger}{k}" for finger in reversed(fingers) for k in (1, 2, 3, 4))],
        "interhand": [*(f"{finger}{k}" for finger in fingers for k in (4, 3, 2, 1)), "wrist"],
    }
    # MANO's thumb has three posed joints, 1-3, as every finger: base, middle, far; the names agree with OpenPose order.
    for order, names in files.items():
        assert [names[joint] for joint in TO_OPENPOSE[order]] == list(JOINTS)


def test_axes_are_their_own_inverse():
    points = np.random.default_rng(1).normal(size=(3, 4, 3))
    turned = to_opencv(points, "opengl")
    assert (turned == points * [1, -1, -1]).all()
    assert (to_opencv(turned, "opengl") == points).all()
    assert to_opencv(points, "opencv") is points


@pytest.mark.parametrize("rule", ["middle-2.0", "ring-2.0", "middle-2.2", "mean-2.25"])
def test_the_stb_wrist_is_computed_from_the_palm_and_back(rule):
    joints = np.random.default_rng(2).normal(size=(3, 21, 3))
    wrist = stb_wrist(joints, rule)
    assert (wrist[:, 1:] == joints[:, 1:]).all()
    assert stb_palm(wrist, rule) == pytest.approx(joints, abs=1e-12)
    joints[:, 9], joints[:, 0] = [0, 0, 0], [0, -0.04, 0]
    assert stb_wrist(joints, "middle-2.0")[0, 0] == pytest.approx([0, -0.08, 0])

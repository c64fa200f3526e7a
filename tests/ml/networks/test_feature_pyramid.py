"""Maps over a crop: drawn at points, and points read from them."""

from __future__ import annotations

import pytest
import torch

from ml.networks.feature_pyramid import drawn_maps, expected_points


def test_drawn_maps_are_highest_where_the_points_are():
    points = torch.zeros(1, 21, 2)
    points[0, 3] = torch.tensor([-1 + 2 * 5.5 / 24, -1 + 2 * 20.5 / 24])
    maps = drawn_maps(points)
    assert maps[0, 3].argmax() == 20 * 24 + 5
    assert float(maps[0, 3].max()) == pytest.approx(1.0, abs=1e-5)


def test_points_are_read_back_from_maps():
    points = torch.rand(4, 21, 2, generator=torch.Generator().manual_seed(0)) - 0.5
    logits = drawn_maps(points, side=32).clamp_min(1e-12).log()
    torch.testing.assert_close(expected_points(logits), points, atol=1e-2, rtol=0)

"""Maps over a crop, drawn at points."""

from __future__ import annotations

import pytest
import torch

from ml.networks.feature_pyramid import drawn_maps


def test_drawn_maps_are_highest_where_the_points_are():
    points = torch.zeros(1, 21, 2)
    points[0, 3] = torch.tensor([-1 + 2 * 5.5 / 24, -1 + 2 * 20.5 / 24])
    maps = drawn_maps(points)
    assert maps[0, 3].argmax() == 20 * 24 + 5
    assert float(maps[0, 3].max()) == pytest.approx(1.0, abs=1e-5)

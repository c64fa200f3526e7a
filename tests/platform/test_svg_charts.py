"""Axes of plots that the server draws: round ticks in any range, and every value inside."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from palmares.svg_charts import HEIGHT, LEFT, WIDTH, Axis, Line, axis_around, curves


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0, 50), (1, 20), (184.2, 186.9), (-3, 3), (0, 0.004), (1, 2)])
def test_ticks_are_few_round_and_inside(low: float, high: float):
    ticks = Axis("", low, high).ticks()
    assert 2 <= len(ticks) <= 6
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in ticks)
    steps = {round(b - a, 9) for a, b in pairwise(ticks)}
    assert len(steps) == 1
    assert f"{steps.pop():e}"[0] in "125"


@pytest.mark.parametrize("values", [[185.0, 185.0], [184.2, 186.9, 185.1], [0.0], [61.13, 61.12]])
def test_an_axis_contains_all_values_and_has_a_least_width(values: list[float]):
    axis = axis_around("mm", values, least=1.0)
    assert axis.low <= min(values) <= max(values) <= axis.high
    assert axis.high - axis.low >= 1.0 - 1e-9
    assert len(axis.ticks()) >= 2


def test_curves_have_both_axes_and_stay_inside():
    axis = axis_around("mm", [184.0, 187.0], least=1.0)
    drawn = curves([Line("Length", [(1, 187.0), (2, 184.0)], "red")], x=Axis("images", 1, 2), y=axis, label="Length")
    assert ">images</text>" in drawn
    assert ">mm</text>" in drawn
    points = [tuple(map(float, pair.split(","))) for pair in re.search(r'points="([^"]*)"', drawn)[1].split()]
    assert all(LEFT <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert points[0][1] < points[1][1]

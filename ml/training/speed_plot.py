"""Accuracy against speed of all methods as SVG: numbered points, and their names beside the plot."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Any, Final

from ml.catalog import METHODS

_WIDTH: Final = 860
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 600, 28, 48
"""Of the plot's area within the drawing: distance of its left side, its right side, and distances above and below."""
_ROW: Final = 15
"""Height of a name's row."""
_RADIUS: Final = 4.5
_PLACES: Final = ((0, -9), (0, 9), (11, 0), (-11, 0), (9, -8), (-9, -8), (9, 8), (-9, 8), (0, -19), (0, 19), (20, 0), (-20, 0))
"""Where a number may stand beside its point, best first."""

Point = tuple[float, float]


def speed_plot(found: dict[str, Any]) -> str:
    """PA-MPJPE (mm) against frames/s (logarithmic), best first; hollow points are networks without their fit."""
    rows = {name: (row["fps"], row["pa_mpjpe"]) for name, row in found["methods"].items() if "fps" in row}
    names = sorted(rows, key=lambda name: rows[name][1])
    height = max(400, _TOP + _BOTTOM + _ROW * len(names))
    speeds, errors = ([float(row[side]) for row in rows.values()] for side in (0, 1))
    low, high = math.floor(math.log10(min(speeds))), math.ceil(math.log10(max(speeds)))
    least, most = math.floor(min(errors)), math.ceil(max(errors))

    def x(fps: float) -> float:
        return _LEFT + float((math.log10(fps) - low) / (high - low)) * (_RIGHT - _LEFT)

    def y(error: float) -> float:
        share = (error - least) / (most - least)
        return float(height - _BOTTOM - share * (height - _BOTTOM - _TOP))

    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="#fff"/>',
        f'<text x="{_LEFT - 36}" y="16">PA-MPJPE (mm)</text>',
        f'<text x="{(_LEFT + _RIGHT) / 2}" y="{height - 8}" text-anchor="middle">frames/s of one hand on a core</text>',
    ]
    for power in range(low, high + 1):
        at = x(10.0**power)
        lines.append(f'<path d="M{at:.1f} {_TOP}V{height - _BOTTOM}" stroke="#ddd"/>')
        lines.append(f'<text x="{at:.1f}" y="{height - _BOTTOM + 18}" text-anchor="middle">{10**power:g}</text>')
    for step in range(least, most + 1):
        lines.append(f'<path d="M{_LEFT} {y(step):.1f}H{_RIGHT}" stroke="#ddd"/>')
        lines.append(f'<text x="{_LEFT - 8}" y="{y(step) + 4:.1f}" text-anchor="end">{step}</text>')
    points = [(x(rows[name][0]), y(rows[name][1])) for name in names]
    labels = _labels(points)
    for number, (name, point, label) in enumerate(zip(names, points, labels, strict=True), start=1):
        lines.append(_mark(name, *point))
        lines.append(f'<text x="{label[0]:.1f}" y="{label[1] + 3.5:.1f}" text-anchor="middle" font-size="10">{number}</text>')
        row = _TOP + _ROW * (number - 0.5)
        lines.append(f'<text x="{_RIGHT + 36}" y="{row + 4:.1f}" text-anchor="end" font-size="10">{number}</text>')
        lines.append(_mark(name, _RIGHT + 48, row))
        lines.append(f'<text x="{_RIGHT + 60}" y="{row + 4:.1f}">{escape(name)}</text>')
    return "\n".join([*lines, "</svg>"]) + "\n"


def _mark(name: str, x: float, y: float) -> str:
    colour = METHODS[name.partition("/")[0]].colour
    fill = "#fff" if "/" in name else colour
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS}" fill="{fill}" stroke="{colour}" stroke-width="2"/>'


def _labels(points: Sequence[Point]) -> list[Point]:
    """A place for each point's number, as far as possible over no point and no other number."""
    placed: list[Point] = []
    for x, y in points:

        def crossed(place: tuple[int, int], x: float = x, y: float = y) -> float:
            at = x + place[0], y + place[1]
            over = sum(_overlap(at, point, 8, 8) for point in points) + sum(_overlap(at, other, 13, 10) for other in placed)
            return over + 0.01 * _PLACES.index(place)

        best = min(_PLACES, key=crossed)
        placed.append((x + best[0], y + best[1]))
    return placed


def _overlap(a: Point, b: Point, width: float, height: float) -> float:
    """Share by which two boxes about a and b overlap, 0 to 1."""
    return max(0.0, 1 - abs(a[0] - b[0]) / width) * max(0.0, 1 - abs(a[1] - b[1]) / height)

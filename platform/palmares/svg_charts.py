"""Curves and bars as SVG, drawn on the server: they print, copy into a paper, and need no script."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

COLOURS: Final = ("#4477AA", "#EE6677", "#228833", "#CCBB44", "#66CCEE", "#AA3377", "#BBBBBB", "#000000")
"""Paul Tol's bright scheme, which people with any colour vision can tell apart."""
WIDTH, HEIGHT = 420, 240
LEFT, RIGHT, TOP, BOTTOM = 48, 8, 8, 34


@dataclass(frozen=True)
class Line:
    """One curve: points (x, y), how it is called, and its colour."""

    name: str
    points: Sequence[tuple[float, float]]
    colour: str


@dataclass(frozen=True)
class Axis:
    """Title (with the unit) and range of an axis, `low` below `high`."""

    title: str
    low: float
    high: float

    def share(self, value: float) -> float:
        """Where a value lies between `low` (0) and `high` (1); values outside lie at the ends."""
        return min(max((value - self.low) / (self.high - self.low), 0.0), 1.0)

    def ticks(self) -> list[float]:
        """Three to six round numbers within the range."""
        step = _step(self.high - self.low)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [number * step for number in range(first, last + 1)]


def axis_around(title: str, values: Sequence[float], *, least: float) -> Axis:
    """An axis that shows all values with a margin, and spans at least `least`, so that noise does not fill it."""
    low, high = min(values), max(values)
    margin = max((least - (high - low)) / 2, 0.05 * (high - low))
    return Axis(title, low - margin, high + margin)


def curves(lines: Sequence[Line], *, x: Axis, y: Axis, label: str) -> SafeString:
    """Lines over axes.

    Args:
        lines: in the order of the legend.
        x: the horizontal axis.
        y: the vertical axis.
        label: what the plot shows, for screen readers.
    """
    parts = [_axes(x, y)]
    for line in lines:
        points = " ".join(f"{_x(a, x):.1f},{_y(b, y):.1f}" for a, b in line.points if b is not None)
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{line.colour}" stroke-width="1.8" stroke-linejoin="round">'
            f"<title>{escape(line.name)}</title></polyline>"
        )
    return _svg(parts, label)


@dataclass(frozen=True)
class Point:
    """One mark of a scatter plot: where, whose colour, what it is, and the page it opens (empty: none)."""

    x: float
    y: float
    colour: str
    name: str
    address: str = ""
    is_mean: bool = False


def scatter(points: Sequence[Point], *, x: Axis, y: Axis, label: str) -> SafeString:
    """Points over axes; means are drawn larger, as diamonds.

    Args:
        points: of all methods.
        x: the horizontal axis.
        y: the vertical axis.
        label: what the plot shows, for screen readers.
    """
    parts = [_axes(x, y)]
    for point in points:
        a, b = _x(point.x, x), _y(point.y, y)
        title = f"<title>{escape(point.name)}</title>"
        if point.is_mean:
            corners = f"{a:.1f},{b - 7:.1f} {a + 7:.1f},{b:.1f} {a:.1f},{b + 7:.1f} {a - 7:.1f},{b:.1f}"
            mark = f'<polygon class="mean" points="{corners}" fill="{point.colour}">{title}</polygon>'
        else:
            mark = f'<circle cx="{a:.1f}" cy="{b:.1f}" r="4" fill="{point.colour}" fill-opacity=".75">{title}</circle>'
        name = escape(point.name)
        parts.append(f'<a href="{escape(point.address)}" aria-label="{name}">{mark}</a>' if point.address else mark)
    return _svg(parts, label)


@dataclass(frozen=True)
class Bar:
    """What a group of bars shows: a few letters below it, and its name."""

    letters: str
    name: str


def bars(
    groups: Sequence[tuple[Bar, Sequence[float | None]]], colours: Sequence[str], *, x: str, y: str, label: str
) -> SafeString:
    """Groups of bars side by side, from 0.

    Args:
        groups: what, and one value a series (None leaves a gap).
        colours: of the series.
        x: title of the horizontal axis.
        y: title of the vertical axis, with its unit.
        label: what the plot shows, for screen readers.
    """
    top = max((v for _, values in groups for v in values if v is not None), default=1.0) or 1.0
    height = Axis(y, 0.0, round_up(top))
    parts = [_axes(Axis(x, 0.0, 0.0), height)]
    slot = (WIDTH - LEFT - RIGHT) / max(1, len(groups))
    for index, (bar, values) in enumerate(groups):
        thick = 0.8 * slot / max(1, len(values))
        for series, value in enumerate(values):
            if value is None:
                continue
            left, above = LEFT + (index + 0.1) * slot + series * thick, _y(value, height)
            parts.append(
                f'<rect x="{left:.1f}" y="{above:.1f}" width="{max(thick - 0.5, 0.8):.1f}" '
                f'height="{_y(0, height) - above:.1f}" '
                f'fill="{colours[series % len(colours)]}"><title>{escape(bar.name)}: {value:.2f}</title></rect>'
            )
        parts.append(_text(LEFT + (index + 0.5) * slot, HEIGHT - BOTTOM + 14, bar.letters, "middle"))
    return _svg(parts, label)


def _svg(parts: Sequence[str], label: str) -> SafeString:
    content = "".join(parts)
    role = "group" if "<a " in content else "img"  # assistive technology cannot reach links inside an image
    drawn = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="{role}" aria-label="{escape(label)}">{content}</svg>'
    return mark_safe(drawn)  # noqa: S308 - every text in it was escaped above


def _axes(x: Axis, y: Axis) -> str:
    """Lines and numbers of both axes; an `x` without a range has a title only."""
    parts = []
    for value in y.ticks():
        height = _y(value, y)
        parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height:.1f}" y2="{height:.1f}"/>')
        parts.append(_text(LEFT - 6, height + 4, f"{value:g}", "end"))
    for value in x.ticks() if x.high > x.low else ():
        parts.append(_text(_x(value, x), HEIGHT - BOTTOM + 14, f"{value:g}", "middle"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, x.title, "middle"))
    turned = f'transform="rotate(-90 12 {HEIGHT / 2 - 10})"'
    parts.append(f'<text x="12" y="{HEIGHT / 2 - 10}" text-anchor="middle" {turned}>{escape(y.title)}</text>')
    return "".join(parts)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>' if text else ""


def _x(value: float, axis: Axis) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * axis.share(value)


def _y(value: float, axis: Axis) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - axis.share(value))


def round_up(value: float) -> float:
    """Where an axis from 0 ends that shows a value: at the next tick."""
    step = _step(value)
    return step * math.ceil(value / step - 1e-9)


def _step(span: float) -> float:
    """From tick to tick of an axis: 1, 2 or 5 times a power of ten, so that there are three to six."""
    power: float = 10.0 ** math.floor(math.log10(span))
    return next(step * power for step in (0.2, 0.5, 1.0, 2.0) if span <= 5.01 * step * power)

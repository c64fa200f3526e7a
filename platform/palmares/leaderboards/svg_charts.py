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


def curves(lines: Sequence[Line], *, x: str, y: str, x_max: float, y_max: float = 1.0, label: str) -> SafeString:
    """Lines over axes from 0.

    Args:
        lines: in the order of the legend.
        x: title of the axis, with its unit.
        y: title of the other.
        x_max: where the axis ends.
        y_max: where the other ends.
        label: what the picture shows, for those who hear it.
    """
    parts = [_axes(x, y, x_max, y_max)]
    for line in lines:
        points = " ".join(f"{_x(a, x_max):.1f},{_y(b, y_max):.1f}" for a, b in line.points if b is not None)
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{line.colour}" stroke-width="1.8" stroke-linejoin="round">'
            f"<title>{escape(line.name)}</title></polyline>"
        )
    return _svg(parts, label)


@dataclass(frozen=True)
class Bar:
    """What a group of bars shows: a few letters below it, and its name."""

    letters: str
    name: str


def bars(
    groups: Sequence[tuple[Bar, Sequence[float | None]]], colours: Sequence[str], *, x: str, y: str, label: str
) -> SafeString:
    """Groups of bars side by side.

    Args:
        groups: what, and one value a series (None leaves a gap).
        colours: of the series.
        x: title of the axis.
        y: title of the axis, with its unit.
        label: what the picture shows, for those who hear it.
    """
    top = max((v for _, values in groups for v in values if v is not None), default=1.0) or 1.0
    y_max = round_up(top)
    parts = [_axes(x, y, 0, y_max)]
    slot = (WIDTH - LEFT - RIGHT) / max(1, len(groups))
    for index, (bar, values) in enumerate(groups):
        thick = 0.8 * slot / max(1, len(values))
        for series, value in enumerate(values):
            if value is None:
                continue
            left, height = LEFT + (index + 0.1) * slot + series * thick, _y(0, y_max) - _y(value, y_max)
            parts.append(
                f'<rect x="{left:.1f}" y="{_y(value, y_max):.1f}" width="{max(thick - 0.5, 0.8):.1f}" height="{height:.1f}" '
                f'fill="{colours[series % len(colours)]}"><title>{escape(bar.name)}: {value:.2f}</title></rect>'
            )
        parts.append(_text(LEFT + (index + 0.5) * slot, HEIGHT - BOTTOM + 14, bar.letters, "middle"))
    return _svg(parts, label)


def _svg(parts: Sequence[str], label: str) -> SafeString:
    drawn = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'
    return mark_safe(drawn)  # noqa: S308 - every text in it was escaped above


def _axes(x: str, y: str, x_max: float, y_max: float) -> str:
    parts = []
    for value in _ticks(y_max):
        height = _y(value, y_max)
        parts.append(f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{height:.1f}" y2="{height:.1f}"/>')
        parts.append(_text(LEFT - 6, height + 4, f"{value:g}", "end"))
    for value in _ticks(x_max) if x_max else ():
        parts.append(_text(_x(value, x_max), HEIGHT - BOTTOM + 14, f"{value:g}", "middle"))
    parts.append(_text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, x, "middle"))
    turned = f'transform="rotate(-90 12 {HEIGHT / 2 - 10})"'
    parts.append(f'<text x="12" y="{HEIGHT / 2 - 10}" text-anchor="middle" {turned}>{escape(y)}</text>')
    return "".join(parts)


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>' if text else ""


def _x(value: float, x_max: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * min(max(value / x_max, 0.0), 1.0)


def _y(value: float, y_max: float) -> float:
    return TOP + (HEIGHT - TOP - BOTTOM) * (1 - min(max(value / y_max, 0.0), 1.0))


def round_up(value: float) -> float:
    """Where an axis ends that shows a value: at the next tick."""
    step = _step(value)
    return step * math.ceil(value / step - 1e-9)


def _step(top: float) -> float:
    """From tick to tick of an axis: 1, 2 or 5 times a power of ten, so that there are three to six."""
    power: float = 10.0 ** math.floor(math.log10(top))
    return next(step * power for step in (0.2, 0.5, 1.0, 2.0) if top <= 5.01 * step * power)


def _ticks(top: float) -> list[float]:
    step = _step(top)
    return [number * step for number in range(math.floor(top / step + 1e-9) + 1)]

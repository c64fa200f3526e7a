"""A drawing (SVG) of what a motion set covers: ranges of joint angles and of their speeds, beside real clips."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from ml.hand.joint_limits import LIMITS
from ml.hand.skeleton import MANO_JOINTS
from ml.priors.motion_window import FPS
from ml.training.recorded_motion import Motion

AXES: Final = ("twist", "flexion", "deviation")
SHOWN: Final = [*((joint, 1) for joint in range(1, 16)), *((joint, 2) for joint in (1, 4, 7, 10, 13))]
"""(joint, axis) of the rows: flexion of all joints, deviation of the fingers' bases."""
COLOURS: Final = ("#4477aa", "#228833", "#cc6677")
_LEFT, _PANEL, _BETWEEN, _ROW, _TOP = 130, 330, 40, 24, 64
_FASTEST: Final = 1000.0
"""Degrees a second at the right end of the panel of speeds."""


class Part(NamedTuple):
    """One series of bars: its name in the legend, and motions."""

    label: str
    motions: Sequence[Motion]


def draw(parts: Sequence[Part], path: Path) -> None:
    """Write the drawing: for each angle a bar from the 1st to the 99th percentile and a thicker one from the 10th to the 90th.

    Args:
        parts: at most three, which are not empty.
        path: of the SVG.
    """
    width, height = _LEFT + 2 * _PANEL + _BETWEEN + 20, _TOP + len(SHOWN) * _ROW + 40
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
    ]
    for k, part in enumerate(parts):
        x = _LEFT + 220 * k
        lines.append(
            f'<rect x="{x}" y="14" width="12" height="8" fill="{COLOURS[k]}"/><text x="{x + 18}" y="22">{part.label}</text>'
        )
    for k, title in enumerate(
        ("angle, degrees (the joint limits are grey)", "speed, degrees a second (10th, 90th, 99th percentile)")
    ):
        lines.append(f'<text x="{_LEFT + k * (_PANEL + _BETWEEN)}" y="46" font-weight="600">{title}</text>')
    values = [_percentiles(part.motions) for part in parts]
    for row, (joint, axis) in enumerate(SHOWN):
        y = _TOP + row * _ROW
        lines.append(f'<text x="{_LEFT - 8}" y="{y + 14}" text-anchor="end">{MANO_JOINTS[joint]} {AXES[axis]}</text>')
        low, high = np.degrees(LIMITS[joint, axis])
        lines.append(_bar(_angle_x(low), _angle_x(high), y, _ROW - 3, "#eeeeee"))
        for k, (angles, speeds) in enumerate(values):
            index = 3 * (joint - 1) + axis
            top = y + 1 + 7 * k
            for at, (first, last), thick in ((_angle_x, (0, 3), 2), (_angle_x, (1, 2), 5)):
                lines.append(_bar(at(angles[first, index]), at(angles[last, index]), top + (5 - thick) / 2, thick, COLOURS[k]))
            for first, last, thick in ((0, 2, 2), (0, 1, 5)):
                ends = _speed_x(speeds[first, index]), _speed_x(speeds[last, index])
                lines.append(_bar(*ends, top + (5 - thick) / 2, thick, COLOURS[k]))
    lines += [*_ticks(height), "</svg>"]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")


def _percentiles(motions: Sequence[Motion]) -> tuple[np.ndarray, np.ndarray]:
    """Percentiles 1, 10, 90, 99 of the angles [4, 45] (degrees) and 10, 90, 99 of the speeds [3, 45] (degrees/s)."""
    angles = np.degrees(np.concatenate([m.angles for m in motions]))
    speeds = np.concatenate([np.abs(np.diff(np.degrees(m.angles), axis=0)) * FPS for m in motions])
    return np.percentile(angles, (1, 10, 90, 99), axis=0), np.percentile(speeds, (10, 90, 99), axis=0)


def _angle_x(degrees: float) -> float:
    return _LEFT + (float(degrees) + 30) / 140 * _PANEL


def _speed_x(speed: float) -> float:
    """Logarithmic from 1 degree a second on."""
    share = np.log10(max(float(speed), 1.0)) / np.log10(_FASTEST)
    return _LEFT + _PANEL + _BETWEEN + min(1.0, float(share)) * _PANEL


def _bar(first: float, last: float, y: float, height: float, colour: str) -> str:
    return f'<rect x="{first:.1f}" y="{y:.1f}" width="{max(last - first, 0.5):.1f}" height="{height:g}" fill="{colour}"/>'


def _ticks(height: float) -> list[str]:
    places = [(_angle_x(v), f"{v}") for v in (-30, 0, 30, 60, 90)] + [(_speed_x(v), f"{v}") for v in (1, 10, 100, 1000)]
    return [f'<text x="{x:.1f}" y="{height - 18}" text-anchor="middle" fill="#555555">{label}</text>' for x, label in places]

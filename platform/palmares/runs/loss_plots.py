"""Plots of a fit in stages: each term of the loss over the solver's steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.safestring import SafeString

from palmares.svg_charts import COLOURS, Axis, Line, curves

LEAST = 1e-6
"""Of a term's largest value: smaller ones are not drawn."""


@dataclass(frozen=True)
class LossPlot:
    """Of one stage and side: title, drawing, and (colour, term, last value) for the legend."""

    title: str
    drawing: SafeString
    legend: list[tuple[str, str, float]]


def loss_plots(losses: Sequence[Mapping[str, Any]]) -> list[LossPlot]:
    """A plot for each side and stage, in the order in which they were fitted."""
    groups: dict[tuple[str, int], list[Mapping[str, float]]] = {}
    for entry in losses:
        groups.setdefault((entry["side"], entry["stage"]), []).append(entry["terms"])
    return [_plot(side, stage, steps) for (side, stage), steps in groups.items()]


def _plot(side: str, stage: int, steps: list[Mapping[str, float]]) -> LossPlot:
    top = max((value for terms in steps for value in terms.values()), default=0.0) or 1.0
    names = [name for name in steps[-1] if max(terms.get(name, 0.0) for terms in steps) > LEAST * top]
    lines = [
        Line(name, [(number + 1.0, terms.get(name, 0.0)) for number, terms in enumerate(steps)], COLOURS[k % len(COLOURS)])
        for k, name in enumerate(names)
    ]
    title = f"Stage {'I' * stage}, {side} hand{'' if len(steps) > 1 else ' (one step)'}"
    x = Axis("step", 1.0, float(max(2, len(steps))))
    drawing = curves(lines, x=x, y=Axis("weighted term", 0.0, 1.05 * top), label=f"Terms of the loss by step: {title}")
    return LossPlot(title, drawing, [(line.colour, line.name, steps[-1][line.name]) for line in lines])

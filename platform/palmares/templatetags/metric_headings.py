"""Metrics as tables show them: title, unit and direction from the catalogue, and the values of a run's summary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from django import template

from ml.catalog import METRICS

register = template.Library()

SUMMARY: Final = ("reprojection", "jitter")
"""What tables of runs show of each."""


@register.inclusion_tag("parts/metric_heading.html")
def metric_heading(metric: str, title: str = "", unit: str = "") -> dict[str, str]:
    """A metric's title with ↓ or ↑ for the direction that is better, its unit, and its definition on hover.

    Args:
        metric: its name in the catalogue; a curve of a protocol has `@` and the curve's name behind it.
        title: instead of the catalogue's.
        unit: instead of the catalogue's.
    """
    entry = METRICS[metric.partition("@")[0]]
    unit = unit or ("" if entry.unit == "1" else entry.unit)
    return {"title": title or entry.title, "unit": unit, "direction": entry.direction, "definition": entry.definition}


@register.inclusion_tag("parts/metric_headers.html")
def summary_headers() -> dict[str, Any]:
    """Column headings of a run's summary."""
    return {"metrics": [METRICS[name] for name in SUMMARY]}


@register.inclusion_tag("parts/metric_cells.html")
def summary_cells(summary: Mapping[str, float | None] | str | None) -> dict[str, Any]:
    """Cells of a run's summary, in the order of `summary_headers`.

    Args:
        summary: metric → value; None or empty of a run without a prediction.
    """
    values = summary if isinstance(summary, Mapping) else {}
    entries = [METRICS[name] for name in SUMMARY]
    return {"cells": [(entry.title, _shown(values.get(entry.name), entry.decimals)) for entry in entries]}


def _shown(value: float | None, decimals: int) -> str:
    return "–" if value is None else f"{value:.{decimals}f}"

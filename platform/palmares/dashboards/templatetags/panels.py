"""Cells of the metrics table, as text."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.safestring import SafeString

from palmares.dashboards.drawings import draw_frame

register = template.Library()


@register.filter
def cells(row: dict[str, Any], data: dict[str, Any]) -> list[dict[str, Any]]:
    """The cells of a row of `data`: text, whether it is best, and the address of its run."""
    digits, reference = data["decimals"], data["reference"]
    found = []
    for place, (column, value) in enumerate(zip(data["columns"], row["values"], strict=True)):
        shown, sign = value, ""
        if reference and column["name"] != reference and "differences" in row:
            shown, sign = row["differences"][place], "+"
        run = row["runs"][place] if "runs" in row else None
        found.append(
            {
                "text": "–" if shown is None else f"{shown:{sign}.{digits}f}",
                "is_best": row["best"][place],
                "address": f"/uploads/{row['id']}/view/?runs={run}" if run else "",
            }
        )
    return found


@register.filter
def mean_cells(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The last row of the table: mean and 95% interval of each column."""
    digits = data["decimals"]
    return [
        {
            "text": "–" if column["mean"] is None else f"{column['mean']:.{digits}f}",
            "interval": "" if column["low"] is None else f"[{column['low']:.{digits}f}, {column['high']:.{digits}f}]",
            "is_best": best,
        }
        for column, best in zip(data["columns"], data["best_mean"], strict=True)
    ]


@register.filter
def decimals(value: float, digits: int) -> str:
    """A number with so many decimals."""
    return f"{value:.{digits}f}"


@register.filter
def percent(share: float) -> str:
    """A share as a percentage."""
    return f"{100 * share:.0f}%"


@register.simple_tag
def thumbnail(frame: dict[str, Any], colour: str, addresses: bool) -> SafeString:
    """A frame of the gallery: the part of the video around the hand, where it may be shown, and the joints over it."""
    return draw_frame(frame, colour, video=addresses)

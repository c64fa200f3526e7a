"""Benchmarks, scores and leaderboards as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ml.catalog import METRICS

_CONTROL = dict.fromkeys((*range(32), *range(127, 160)))
"""Removed, since text that others wrote must not control the terminal."""


def table(heads: list[str], rows: Iterable[list[str]]) -> str:
    """Columns under their headings; numbers are aligned to the right."""
    lines = [[cell.translate(_CONTROL) for cell in line] for line in [heads, *rows]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    numeric = [all(_is_number(line[i]) for line in lines[1:]) for i in range(len(heads))]
    text = [
        "  ".join(c.rjust(w) if right else c.ljust(w) for c, w, right in zip(line, widths, numeric, strict=True))
        for line in lines
    ]
    return "\n".join(line.rstrip() for line in text)


def benchmarks_table(found: Iterable[Mapping[str, Any]]) -> str:
    """One line for each benchmark."""
    rows = [
        [b["slug"], b["name"], b["protocol"], b["visibility"], str(b["daily_limit"]), b.get("deadline") or ""] for b in found
    ]
    return table(["benchmark", "name", "protocol", "visibility", "per day", "deadline"], rows)


def scores_text(scores: Mapping[str, Any]) -> str:
    """Metrics with their units, and the versions that computed them."""
    lines = [f"coverage {100 * scores['coverage']:.2f}%"]
    rows = [[name, number(value), unit_of(name)] for name, value in scores["figures"].items()]
    lines += [table(["metric", "value", "unit"], rows)]
    protocol, scorer = scores["protocol_version"], scores["scorer_version"]
    lines += [f"ground truth {scores['truth_sha256'][:12]}, protocol {protocol}, scorer {scorer}"]
    return "\n".join(lines)


def submissions_table(found: Iterable[Mapping[str, Any]], metric: str) -> str:
    """One line for each submission, with its coverage and one metric where it has a score."""
    rows = []
    for one in found:
        scores = one.get("scores") or {}
        value = scores.get("figures", {}).get(metric)
        shown = [number(value), f"{100 * scores['coverage']:.1f}%"] if scores else ["", ""]
        rows.append([one["id"], one["created_at"][:16], one["benchmark"], one["method"], one["status"], *shown])
    return table(["submission", "sent (UTC)", "benchmark", "method", "status", _with_unit(metric), "coverage"], rows)


def board_table(board: Mapping[str, Any], own: str = "") -> str:
    """A leaderboard; the submission `own` is marked, published results have no rank."""
    rows = []
    for row in board["rows"]:
        rank = "published" if row["published"] else str(row["rank"] or "–")
        interval = "" if row["low"] is None else f"{number(row['low'])} – {number(row['high'])}"
        coverage = "" if row.get("coverage") is None else f"{100 * row['coverage']:.1f}%"
        mark = "←" if own and row["submission"] == own else ""
        rows.append([rank, row["method"], row["team"], number(row["value"]), interval, coverage, mark])
    heads = ["rank", "method", "team", _with_unit(board["metric"], board["unit"]), "95% interval", "coverage", ""]
    better = f"{board['direction']} is better"
    shown = f"page {board.get('page', 1)} of {board.get('pages', 1)}"
    return f"{table(heads, rows)}\n{better}; {shown}"


def number(value: float | None) -> str:
    """A value with four decimals; a dash where there is none."""
    return "–" if value is None else f"{value:.4f}"


def unit_of(metric: str) -> str:
    """The unit of a metric; empty for metrics without one."""
    entry = METRICS.get(metric.partition("@")[0])
    return "" if entry is None or entry.unit == "1" else entry.unit


def _with_unit(metric: str, unit: str | None = None) -> str:
    shown = unit_of(metric) if unit is None else unit
    return metric if shown in ("", "1") else f"{metric} ({shown})"


def _is_number(text: str) -> bool:
    return text in ("", "–") or text.replace(".", "").replace("-", "").isdigit()

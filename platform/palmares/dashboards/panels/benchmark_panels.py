"""Panels over a benchmark: its board, PCK curves, errors by joint, significance, and sequences × methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ml.catalog import METHODS, METRICS
from palmares.api.problems import NotFoundError
from palmares.benchmarks.private_truth import shows_details
from palmares.dashboards.panels.method_table import finish_table
from palmares.dashboards.panels.nothing_yet import NothingYetError
from palmares.dashboards.visibility import Access
from palmares.leaderboards.leaderboard import Leaderboard, Row, leaderboard
from palmares.leaderboards.plots import colours_of
from palmares.submissions.models import Score
from palmares.submissions.serializers import content_of_board

DRAWN: Final = 6
"""Submissions that are drawn together."""
JOINT_PREFIXES: Final = ("pa", "ra", "st", "pr")


def board(access: Access, options: Mapping[str, Any]) -> dict[str, Any]:
    """The first rows of a board."""
    found = _board(access, options, rows=options["rows"])
    rows = _of_methods(access, found)
    return {
        "title": f"{found.benchmark.name}{f' · {found.board.name}' if found.board.tag else ''}",
        "benchmark": found.benchmark.slug,
        "board": found.board.slug,
        "is_rounded": not shows_details(found.benchmark, access.person_for(found.benchmark)),
        "columns": [_heading(metric) for metric in found.columns],
        "total": found.total,
        "rows": [
            {
                "rank": row.rank,
                "submission": str(row.submission.pk),
                "method": row.submission.method,
                "team": row.submission.team.name,
                "coverage": row.coverage,
                "cells": [
                    cell
                    and {
                        "value": cell.value,
                        "low": cell.low,
                        "high": cell.high,
                        "text": cell.text,
                        "interval": cell.interval_text,
                    }
                    for cell in row.cells
                ],
            }
            for row in rows
        ],
    }


def pck(access: Access, options: Mapping[str, Any]) -> dict[str, Any]:
    """Share of joints within a threshold, of the first submissions of a board."""
    found, scores = _scores(access, options)
    name = f"{_prefix(found.metric)}auc_joints"
    lines = []
    for score, colour, content in scores:
        entry = next((each for each in content.get("pck", []) if each["metric"] == name), None)
        if entry:
            points = [list(pair) for pair in zip(entry["thresholds_mm"], entry["share"], strict=True)]
            lines.append({"method": score.submission.method, "colour": colour, "points": points})
    _some(lines, found, access)
    return {"title": f"PCK · {METRICS[name].title} · {found.benchmark.name}", "metric": name, "lines": lines}


def joints(access: Access, options: Mapping[str, Any]) -> dict[str, Any]:
    """Mean error of each joint, of the first submissions of a board."""
    found, scores = _scores(access, options)
    name = f"{_prefix(found.metric)}mpjpe"
    hands = [
        {"method": score.submission.method, "colour": colour, "errors_mm": content["by_joint_mm"][name]}
        for score, colour, content in scores
        if content.get("by_joint_mm", {}).get(name)
    ]
    _some(hands, found, access)
    return {"title": f"{METRICS[name].title} by joint · {found.benchmark.name}", "metric": name, "hands": hands}


def significance(access: Access, options: Mapping[str, Any]) -> dict[str, Any]:
    """Which submissions of a board differ: adjusted p of paired tests over clusters."""
    found = _board(access, options, rows=1)
    if found.summary is None:
        raise NothingYetError(
            f"The submissions of “{found.benchmark}” have not been compared by {METRICS[_base(found.metric)].title} yet."
        )
    names = found.summary.first_submissions(access.person_for(found.benchmark))
    rows = found.summary.significance_map(names)
    if not rows:
        why = found.summary.why_none
        raise NothingYetError(f"No significance on “{found.benchmark}”: {why or 'fewer than two submissions'}.")
    return {
        "title": f"Significance · {METRICS[_base(found.metric)].title} · {found.benchmark.name}",
        "rows": [
            {
                "number": row.number,
                "submission": str(row.submission.pk),
                "method": row.submission.method,
                "cells": [{"kind": cell.kind, "mark": cell.mark, "title": cell.title} for cell in row.cells],
            }
            for row in rows
        ],
    }


def metrics_table(access: Access, options: Mapping[str, Any]) -> dict[str, Any]:
    """Sequences × submissions by one metric."""
    found, scores = _scores(access, options)
    metric = found.metric
    tables = [
        {row["name"]: row.get("figures", {}).get(metric) for row in content.get("by_sequence", [])} for _, _, content in scores
    ]
    names = list(dict.fromkeys(name for table in tables for name in table))
    cells = {row.submission.pk: row.cells[0] for row in found.rows}
    columns = [
        {
            "name": score.submission.method,
            "title": score.submission.method,
            "colour": colour,
            "mean": cell.value if (cell := cells.get(score.submission_id)) else None,
            "low": cell.low if cell else None,
            "high": cell.high if cell else None,
            "count": len(table),
        }
        for (score, colour, _), table in zip(scores, tables, strict=True)
    ]
    _some(names, found, access)
    rows = [{"name": name, "values": [table.get(name) for table in tables]} for name in names]
    return {"title": f"{found.benchmark.name} by sequence", **finish_table(metric, columns, rows, options, thing="sequence")}


def _board(access: Access, options: Mapping[str, Any], *, rows: int) -> Leaderboard:
    """The board that a panel names, in the slice and under the alignment of the filters.

    Raises:
        NotFoundError: there is no such benchmark or board, or it may not be shown.
        InvalidError: the board has no such metric.
    """
    benchmark = access.benchmark(options["benchmark"]) if options["benchmark"] else None
    if benchmark is None:
        if not options["benchmark"]:
            raise NothingYetError("No benchmark is chosen for this panel.")
        why = "or its board is not shared" if access.is_shared else "or you may not see it"
        raise NotFoundError(f"The benchmark “{options['benchmark']}” of this panel has been deleted, {why}.")
    slug = access.filters.slice or options.get("board") or "all"
    metric = options["metric"] or benchmark.primary_metric
    aligned = access.filters.aligned(metric)
    person = access.person_for(benchmark)
    shown = leaderboard(benchmark=benchmark, user=person, board=slug, page_rows=rows, metric="")
    chosen = next((name for name in (aligned, metric) if name in shown.metrics), "")
    if not chosen or chosen == shown.metric:
        return shown
    return leaderboard(benchmark=benchmark, user=person, board=slug, page_rows=rows, metric=chosen)


def _of_methods(access: Access, found: Leaderboard) -> list[Row]:
    """Rows of the methods that the filter names; all where none of them is on the board."""
    titles = {METHODS[name].title if name in METHODS else name for name in access.filters.methods}
    return [row for row in found.rows if row.submission.method in titles] or found.rows


def _scores(access: Access, options: Mapping[str, Any]) -> tuple[Leaderboard, list[tuple[Score, str, dict[str, Any]]]]:
    """A board, and of its first submissions score, colour and what the board shows of their content."""
    found = _board(access, options, rows=3 * DRAWN)
    wanted = [row.submission.pk for row in _of_methods(access, found)][:DRAWN]
    loaded = Score.objects.filter(submission__in=wanted, revision=found.revision).select_related(
        "submission__benchmark__team", "submission__team"
    )
    scores = sorted(loaded, key=lambda score: wanted.index(score.submission_id))
    colours = colours_of(scores)
    person = access.person_for(found.benchmark)
    return found, [(score, colours[score.submission_id], content_of_board(score, found.board, person)) for score in scores]


def _some(found_data: list[Any], found: Leaderboard, access: Access) -> None:
    """Stop where there is nothing to draw.

    Raises:
        NotFoundError: with the reason.
    """
    if found_data:
        return
    if not shows_details(found.benchmark, access.person_for(found.benchmark)):
        raise NotFoundError(f"The ground truth of “{found.benchmark}” is private: this is shown to its own team only.")
    raise NothingYetError(f"“{found.benchmark}” has no scored submission with this yet.")


def _heading(metric: str) -> dict[str, str]:
    entry = METRICS[_base(metric)]
    return {
        "metric": metric,
        "title": entry.title,
        "unit": "" if entry.unit == "1" else entry.unit,
        "direction": entry.direction,
    }


def _prefix(metric: str) -> str:
    first = metric.partition("_")[0]
    return f"{first}_" if first in JOINT_PREFIXES else ""


def _base(metric: str) -> str:
    return metric.partition("@")[0]

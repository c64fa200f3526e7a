"""A board as CSV, JSON, LaTeX or Markdown."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any, Final

from palmares.benchmarks import ranking_rules
from palmares.leaderboards.leaderboard import Cell, Leaderboard, PublishedRow, Row
from palmares.spreadsheet_cells import plain_cell

_TEX: Final = str.maketrans(
    {
        "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}", "²": "$^2$",
    }
)  # fmt: skip


_MARKDOWN: Final = re.compile(r"[\\`*_\[\]<>|]")
"""What means something in a table of Markdown."""


def table(board: Leaderboard) -> tuple[list[str], list[list[str]]]:
    """Headings and rows as text, each cell one line: ranked and unranked submissions, then published rows without a rank."""
    heads = ["Rank", "Rank interval", "Method", "Team", "Coverage"]
    partial = {metric for row in board.rows for metric, cell in zip(board.columns, row.cells, strict=True) if _is_partial(cell)}
    for metric in board.columns:
        unit = ranking_rules.unit_at(metric, board.fps)
        heads += [f"{ranking_rules.title(metric)} ({unit})" if unit else ranking_rules.title(metric), "95% interval"]
        heads += ["detected hands only"] if metric in partial else []
    rows = []
    for row in board.rows:
        interval = "" if row.rank_low is None else f"{row.rank_low}–{row.rank_high}"
        cells = [str(row.rank or "–"), interval, row.submission.method, row.submission.team.name, f"{row.coverage:.4f}"]
        for metric, cell in zip(board.columns, row.cells, strict=True):
            digits = ranking_rules.ties_at(metric)
            has_ends = cell is not None and cell.low is not None
            cells += [cell.text if cell else "", f"{cell.low:.{digits}f}–{cell.high:.{digits}f}" if cell and has_ends else ""]
            cells += [cell.detected_text if cell else ""] if metric in partial else []
        rows.append(cells)
    for published in board.published:
        note = f"{published.citation}; {published.note}" if published.note else published.citation
        cells = ["published", "", published.method, note, ""]
        for metric, figure in zip(board.columns, published.cells, strict=True):
            cells += [f"{figure.value:g}" if figure else "", "", *([""] if metric in partial else [])]
        rows.append(cells)
    return heads, [[" ".join(cell.split()) for cell in row] for row in rows]


def as_csv(board: Leaderboard) -> str:
    """Comma-separated, RFC 4180; no cell that a spreadsheet takes for a formula."""
    heads, rows = table(board)
    sink = io.StringIO()
    csv.writer(sink).writerows([[plain_cell(cell) for cell in row] for row in [heads, *rows]])
    return sink.getvalue()


def as_markdown(board: Leaderboard) -> str:
    """A table as GitHub and notebooks read it."""
    heads, rows = table(board)
    lines = [heads, ["---"] * len(heads), *rows]
    written = [[_MARKDOWN.sub(r"\\\g<0>", cell) for cell in line] for line in lines]
    return "".join(f"| {' | '.join(line)} |\n" for line in written)


def as_latex(board: Leaderboard) -> str:
    """A `tabular` in the manner of booktabs."""
    heads, rows = table(board)

    def line(cells: list[str]) -> str:
        return " & ".join(cell.translate(_TEX) for cell in cells) + r" \\"

    columns = "rcll" + "r" * (len(heads) - 4)
    body = [line(row) for row in rows]
    parts = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule", line(heads), r"\midrule", *body, r"\bottomrule", r"\end{tabular}"]
    return "\n".join(parts) + "\n"


def as_data(board: Leaderboard) -> dict[str, Any]:
    """For JSON: the board and its rows, with values and intervals as numbers."""
    return {
        "benchmark": board.benchmark.slug,
        "board": board.board.slug,
        "revision": board.revision.number if board.revision else None,
        "metric": board.metric,
        "unit": ranking_rules.unit(board.metric),
        "direction": ranking_rules.direction(board.metric),
        "fps": board.fps,
        "columns": board.columns,
        "metrics": board.metrics,
        "page": board.page,
        "pages": board.pages,
        "total": board.total,
        "ranked": board.ranked,
        "statistics": _statistics(board),
        "rows": [_row(board, row) for row in board.rows] + [_published_row(board, row) for row in board.published],
    }


def _row(board: Leaderboard, row: Row) -> dict[str, Any]:
    first = row.cells[0]
    return {
        "rank": row.rank,
        "rank_low": row.rank_low,
        "rank_high": row.rank_high,
        "submission": str(row.submission.pk),
        "method": row.submission.method,
        "team": row.submission.team.name,
        "is_baseline": row.submission.is_baseline,
        "is_public": row.submission.is_public,
        "shape": row.submission.shape,
        "is_optimised": row.submission.is_optimised,
        "coverage": row.coverage,
        "scored_at": row.scored_at,
        "value": first.value if first else None,
        "low": first.low if first else None,
        "high": first.high if first else None,
        "figures": {
            metric: {"value": cell.value, "low": cell.low, "high": cell.high, "detected": cell.detected}
            for metric, cell in zip(board.columns, row.cells, strict=True)
            if cell
        },
        "published": False,
        "note": "",
    }


def _published_row(board: Leaderboard, row: PublishedRow) -> dict[str, Any]:
    return {
        "rank": None,
        "submission": None,
        "method": row.method,
        "team": row.citation,
        "value": row.cells[0].value if row.cells[0] else None,
        "low": None,
        "high": None,
        "figures": {
            metric: {"value": cell.value, "low": None, "high": None}
            for metric, cell in zip(board.columns, row.cells, strict=True)
            if cell
        },
        "published": True,
        "note": row.note,
    }


def _statistics(board: Leaderboard) -> dict[str, Any] | None:
    """How sure the order is, for JSON; None until a worker has compared the submissions."""
    summary = board.summary
    if summary is None:
        return None
    return {
        "compared": summary.compared,
        "clusters": summary.clusters,
        "cluster_unit": summary.unit,
        "obstacle": summary.content["obstacle"],
        "resolvable": summary.content.get("resolvable"),
    }


def _is_partial(cell: Cell | None) -> bool:
    return cell is not None and cell.detected is not None


WRITERS: Final[dict[str, tuple[str, str, Callable[[Leaderboard], str]]]] = {
    "csv": ("text/csv; charset=utf-8", "csv", as_csv),
    "markdown": ("text/markdown; charset=utf-8", "md", as_markdown),
    "latex": ("application/x-tex; charset=utf-8", "tex", as_latex),
}
"""By name: content type, ending, and what writes it."""

"""The table of one metric: rows × methods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ml.catalog import METRICS


def finish_table(
    metric: str, columns: list[dict[str, Any]], rows: list[dict[str, Any]], options: Mapping[str, Any], *, thing: str
) -> dict[str, Any]:
    """A table with its differences from a reference method, its best values, and without rows in which nothing differs.

    Args:
        metric: of the catalogue.
        columns: `name`, `title`, `colour`, `mean`, `low`, `high` of each method.
        rows: `name` and `values`, one a column (None where there is none).
        options: `differences` and `reference`.
        thing: what a row is.
    """
    entry = METRICS[metric.partition("@")[0]]
    sign = 1.0 if entry.direction == "lower" else -1.0
    at = next((i for i, column in enumerate(columns) if column["name"] == options["reference"]), None)
    total = len(rows)
    if options["differences"]:
        rows = [row for row in rows if len({round(v, entry.decimals) for v in row["values"] if v is not None}) > 1]
    for row in rows:
        row["best"] = _best(row["values"], sign, entry.decimals)
        if at is not None:
            base = row["values"][at]
            row["differences"] = [None if v is None or base is None else v - base for v in row["values"]]
    return {
        "metric": metric,
        "title_of_metric": entry.title,
        "unit": "" if entry.unit == "1" else entry.unit,
        "direction": entry.direction,
        "decimals": entry.decimals,
        "needs_truth": entry.needs_truth,
        "reference": columns[at]["name"] if at is not None else "",
        "thing": thing,
        "columns": columns,
        "best_mean": _best([column["mean"] for column in columns], sign, entry.decimals),
        "rows": rows,
        "hidden": total - len(rows),
        "missing_reference": bool(options["reference"]) and at is None,
    }


def _best(values: list[float | None], sign: float, decimals: int) -> list[bool]:
    """Which values of a row are best, as far as they are shown; none where there is only one."""
    shown = [None if value is None else round(sign * value, decimals) for value in values]
    present = [value for value in shown if value is not None]
    return [len(present) > 1 and value is not None and value == min(present) for value in shown]

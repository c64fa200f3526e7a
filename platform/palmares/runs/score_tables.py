"""Scores of runs as tables of pages: values in the decimals of their unit, a dash where there is none."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from ml.catalog import RUN_ALIGNMENTS, RUN_MEASURES
from palmares.runs.models import Run, RunScore
from palmares.runs.scores import JOINTS

TITLES: Final = {
    "mpjpe": "MPJPE", "mpvpe": "MPVPE", "auc": "AUC (joints)", "auc_vertices": "AUC (vertices)", "f5": "F@5 mm",
    "f15": "F@15 mm", "acceleration": "Acceleration error",
}  # fmt: skip
ALIGNMENT_TITLES: Final = {
    "none": "none", "root": "root", "scale-translation": "scale and translation", "procrustes": "Procrustes (PA)",
    "procrustes-rotation": "Procrustes without reflection",
}  # fmt: skip
COMPARED: Final = (
    ("PA-MPJPE", "procrustes", "mpjpe"), ("RA-MPJPE", "root", "mpjpe"), ("PA-MPVPE", "procrustes", "mpvpe"),
    ("PA-F@5 mm", "procrustes", "f5"), ("RA-ACC", "root", "acceleration"),
)  # fmt: skip
"""What the table of all runs of an upload shows."""


@dataclass(frozen=True)
class Heading:
    """A column's title, unit (empty: none) and which direction is better."""

    title: str
    unit: str
    direction: str


def heading(title: str, measure: str) -> Heading:
    """The heading of a measure."""
    unit = RUN_MEASURES[measure]
    return Heading(title, "" if unit == "1" else unit, "higher" if unit == "1" else "lower")


def by_alignment(score: RunScore) -> dict[str, Any]:
    """Measures of one run: a row for each alignment, the hands that were found and, where some are missing, all hands."""
    content = score.content
    parts = [("Hands that were found", "alignments")] + ([("All hands", "penalised")] if content["coverage"] < 1 else [])
    tables = []
    for title, part in parts:
        rows = [
            (ALIGNMENT_TITLES[name], [shown_value(content[part][name].get(measure), measure) for measure in RUN_MEASURES])
            for name in RUN_ALIGNMENTS
        ]
        tables.append({"title": title, "rows": rows})
    return {
        "headings": [heading(TITLES[measure], measure) for measure in RUN_MEASURES],
        "tables": tables,
        "joints": [(joint, shown_value(value, "mpjpe")) for joint, value in _in_order(content["joints"]["procrustes"])],
    }


def _in_order(joints: dict[str, Any]) -> list[tuple[str, Any]]:
    """Joints from the wrist to the tips, finger by finger: the database keeps keys in an order of its own."""
    return sorted(joints.items(), key=lambda entry: JOINTS.index(entry[0]))


def of_runs(runs: Iterable[Run]) -> dict[str, Any]:
    """The most looked-for measures of each run that has a score, and the state of those that are being scored."""
    rows = []
    for run in runs:
        score: RunScore | None = getattr(run, "score", None)
        if score is None:
            continue
        content = score.content
        cells = [
            {"heading": title, "value": shown_value(content.get("alignments", {}).get(name, {}).get(measure), measure)}
            for title, name, measure in COMPARED
        ]
        coverage = f"{100 * content['coverage']:.1f}%" if "coverage" in content else "–"
        rows.append({"run": run, "score": score, "cells": cells, "coverage": coverage})
    return {"headings": [heading(title, measure) for title, _, measure in COMPARED], "rows": rows}


def shown_value(value: float | None, measure: str) -> str:
    """A value in the decimals of its unit."""
    return "–" if value is None else f"{value:.{4 if RUN_MEASURES[measure] == '1' else 2}f}"

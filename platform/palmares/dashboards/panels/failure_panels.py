"""Panels on where methods fail: errors by slices of the frames, and a gallery of the worst frames."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ml.catalog import METRICS, RUN_SLICES
from palmares.dashboards.content import ALIGNMENTS
from palmares.dashboards.panels.nothing_yet import NothingYetError
from palmares.dashboards.run_values import RunValues, interval, method_facts, methods_of, run_values
from palmares.dashboards.visibility import Access

IN_A_GROUP: Final = 4
"""Frames of one method in one pose, at most."""
NO_SCORE: Final = "No finished run here has been scored against ground truth yet. Attach one to an upload."


def slices(access: Access, options: Mapping[str, Any]) -> dict[str, Any]:
    """MPJPE of each method by categories of an attribute of the true hands, over all clips."""
    attribute, alignment = options["by"], access.filters.alignment or "procrustes"
    metric = METRICS[f"{ALIGNMENTS[alignment][0]}mpjpe"]
    runs = [run for run in run_values(access, part="slices") if isinstance(run.part, dict) and attribute in run.part]
    if not runs:
        raise NothingYetError(NO_SCORE)
    known = {category for run in runs for category in run.part[attribute]}
    categories = [category for category in RUN_SLICES[attribute] if category in known]
    rows: list[dict[str, Any]] = []
    for m in methods_of(runs):
        own = [run for run in runs if run.method == m.name]
        cells = [_cell(own, attribute, category, alignment) for category in categories]
        rows.append({"name": m.name, "title": m.title, "colour": m.colour, "cells": cells})
    for at in range(len(categories)):
        means = [row["cells"][at]["mean"] for row in rows]
        shown = [None if mean is None else round(mean, metric.decimals) for mean in means]
        best = min((mean for mean in shown if mean is not None), default=None)
        for row, mean in zip(rows, shown, strict=True):
            row["cells"][at]["best"] = len(rows) > 1 and mean is not None and mean == best
    return {
        "title": f"{metric.title} by {attribute}",
        "by": attribute,
        "alignment": alignment,
        "metric": metric.name,
        "unit": metric.unit,
        "decimals": metric.decimals,
        "columns": categories,
        "rows": rows,
    }


def _cell(runs: list[RunValues], attribute: str, category: str, alignment: str) -> dict[str, Any]:
    """A method in a category: true hands, those with a value, their mean (mm) and its interval over clips; the worst run."""
    entries = [(run, run.part[attribute][category]) for run in runs if category in run.part[attribute]]
    known = [(run, each["found"], value) for run, each in entries if (value := each["mpjpe"].get(alignment)) is not None]
    found = sum(count for _, count, _ in known)
    ends = interval([value for _, _, value in known])
    worst = max(known, key=lambda each: each[2], default=None)
    return {
        "n": sum(each["n"] for _, each in entries),
        "found": found,
        "mean": sum(count * value for _, count, value in known) / found if found else None,
        "low": ends[0] if ends else None,
        "high": ends[1] if ends else None,
        "worst_run": str(worst[0].run) if worst else None,
    }


def failures(access: Access, options: Mapping[str, Any]) -> dict[str, Any]:
    """The worst frames by PA-MPJPE, together by pose and method; joints in pixels of the video."""
    runs = [run for run in run_values(access, part="worst") if run.part]
    if not runs:
        raise NothingYetError(NO_SCORE)
    uploads = access.uploads().in_bulk({run.upload for run in runs})
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    shown = 0
    for run, entry in sorted(((of, each) for of in runs for each in of.part), key=lambda pair: -pair[1]["value"]):
        group = groups.setdefault((entry["pose"], run.method), [])
        if len(group) == IN_A_GROUP or shown == options["rows"]:
            continue
        shown += 1
        upload = uploads[run.upload]
        group.append(
            {
                **{name: entry[name] for name in ("frame", "side", "value", "prediction")},
                "truth": entry["truth"] if access.truth else [],
                "run": str(run.run),
                "upload": str(run.upload),
                "clip": run.clip,
                "size": [upload.width, upload.height],
                "seconds": (entry["frame"] + 0.5) / upload.fps if upload.fps else None,
            }
        )
    return {
        "title": "Worst frames by pose and method",
        "metric": "pa_mpjpe",
        "groups": [
            {
                "pose": pose,
                "method": method,
                "title_of_method": (m := method_facts(method)).title,
                "colour": m.colour,
                "frames": f,
            }
            for (pose, method), f in groups.items()
            if f
        ],
    }


def motion_of(runs: list[RunValues]) -> list[dict[str, Any]]:
    """Lag and kept amplitude of each method, means over its clips that have them; of `run_values` with the part `motion`."""
    runs = [run for run in runs if run.part]
    return [
        {
            "name": m.name,
            "title": m.title,
            "colour": m.colour,
            "clips": len(own),
            "lag_frames": sum(run.part["lag_frames"] for run in own) / len(own),
            "kept_amplitude": sum(run.part["kept_amplitude"] for run in own) / len(own),
        }
        for m in methods_of(runs)
        if (own := [run for run in runs if run.method == m.name])
    ]

"""Panels over a team's runs: the table of metrics, the scatter plot, and whether a method is smooth or true."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ml.catalog import METRICS
from palmares.dashboards.content import ALIGNMENTS
from palmares.dashboards.panels import benchmark_panels
from palmares.dashboards.panels.failure_panels import motion_of
from palmares.dashboards.panels.method_table import finish_table
from palmares.dashboards.panels.nothing_yet import NothingYetError
from palmares.dashboards.run_values import RunValues, interval, methods_of, metrics_of, run_values
from palmares.dashboards.visibility import Access

TRUE: Final = ("pa_mpjpe", "ra_mpjpe", "mpjpe", "reprojection")
"""What says how true a method is: the first that runs have."""


def metrics_table(access: Access, options: Mapping[str, Any]) -> dict[str, Any]:
    """Uploads (or sequences of a benchmark) × methods: one metric, its mean with a 95% interval, the best of each row."""
    if options["source"] == "benchmark":
        return benchmark_panels.metrics_table(access, options)
    runs = run_values(access)
    metric = _metric(access, options["metric"] or "reprojection", runs)
    methods = methods_of(runs)
    table: dict[str, dict[str, Any]] = {}
    for run in runs:
        row = table.setdefault(str(run.upload), {"id": str(run.upload), "name": run.clip, "values": {}, "runs": {}})
        row["values"][run.method] = run.values.get(metric)
        row["runs"][run.method] = str(run.run)
    columns = [
        {
            "name": method.name,
            "title": method.title,
            "colour": method.colour,
            **_mean([run.values[metric] for run in runs if run.method == method.name and metric in run.values]),
        }
        for method in methods
    ]
    rows = [
        {**row, **{name: [row[name].get(method.name) for method in methods] for name in ("values", "runs")}}
        for row in table.values()
    ]
    table_data = finish_table(metric, columns, rows, options, thing="upload")
    return {"title": f"{table_data['title_of_metric']} by upload", **table_data}


def joints(access: Access, options: Mapping[str, Any]) -> dict[str, Any]:
    """Mean error of each joint of each method over the clips that have ground truth; of a benchmark where one is chosen."""
    if options["benchmark"]:
        return benchmark_panels.joints(access, options)
    alignment = access.filters.alignment or "procrustes"
    metric = f"{ALIGNMENTS[alignment][0]}mpjpe"
    runs = [run for run in run_values(access) if run.joints.get(alignment)]
    if not runs:
        raise NothingYetError(
            "No finished run here has been scored against ground truth yet. Attach one to an upload, or choose a benchmark."
        )
    hands = []
    for method in methods_of(runs):
        columns = zip(*(run.joints[alignment] for run in runs if run.method == method.name), strict=True)
        known = [[value for value in column if value is not None] for column in columns]
        errors = [_average(values) if values else None for values in known]
        hands.append({"method": method.title, "colour": method.colour, "errors_mm": errors})
    return {"title": f"{METRICS[metric].title} by joint", "metric": metric, "hands": hands}


def scatter(access: Access, options: Mapping[str, Any]) -> dict[str, Any]:
    """One metric against another; a point is a run on a clip, and opens it."""
    runs = run_values(access)
    x, y = (_metric(access, options[axis], runs) for axis in ("x", "y"))
    return _points(runs, x, y)


def smooth_or_true(access: Access, options: Mapping[str, Any]) -> dict[str, Any]:
    """Jitter against error: a method can be smooth because it follows slowly; towards the lower left it is both."""
    runs = run_values(access)
    present = metrics_of(runs)
    y = next((name for name in TRUE if access.filters.aligned(name) in present), "reprojection")
    drawn = _points(runs, "jitter", access.filters.aligned(y))
    motion = motion_of([run for run in runs if str(run.run) in {point["run"] for point in drawn["points"]}])
    return {**drawn, "means": True, "motion": motion}


def _points(runs: list[RunValues], x: str, y: str) -> dict[str, Any]:
    shown = [run for run in runs if x in run.values and y in run.values]
    if not shown:
        raise NothingYetError(f"No finished run has both {METRICS[x].title} and {METRICS[y].title} yet.")
    methods = methods_of(shown)
    return {
        "title": f"{METRICS[y].title} against {METRICS[x].title}",
        "axes": [{"metric": name, "title": METRICS[name].title, "unit": METRICS[name].unit} for name in (x, y)],
        "methods": [
            {
                "name": m.name,
                "title": m.title,
                "colour": m.colour,
                "mean": [_average([r.values[name] for r in shown if r.method == m.name]) for name in (x, y)],
            }
            for m in methods
        ],
        "points": [
            {
                "run": str(run.run),
                "upload": str(run.upload),
                "clip": run.clip,
                "method": run.method,
                "x": run.values[x],
                "y": run.values[y],
            }
            for run in shown
        ],
    }


def _metric(access: Access, wanted: str, runs: list[RunValues]) -> str:
    """The metric under the chosen alignment; what runs have instead where none has it.

    Raises:
        NothingYetError: no run has it.
    """
    present = metrics_of(runs)
    if not runs:
        raise NothingYetError(
            "No finished run matches the filters." if access.filters.narrows_runs else "No run has finished yet."
        )
    aligned = access.filters.aligned(wanted)
    found = next((name for name in (aligned, wanted) if name in present), "")
    if not found:
        titles = ", ".join(METRICS[name].title for name in present) or "no metric"
        needs = " It needs ground truth of the upload." if METRICS[aligned].needs_truth else ""
        raise NothingYetError(f"No run here has {METRICS[aligned].title}; there is {titles}.{needs}")
    return found


def _mean(values: list[float]) -> dict[str, Any]:
    ends = interval(values)
    return {
        "mean": _average(values) if values else None,
        "low": ends[0] if ends else None,
        "high": ends[1] if ends else None,
        "count": len(values),
    }


def _average(values: list[float]) -> float:
    return sum(values) / len(values)

"""What a missing hand does to a rank. The benchmark declares it, a revision keeps it; coverage stands beside every figure."""

from __future__ import annotations

from typing import Final

import numpy as np

from ml.catalog import METRICS
from palmares.benchmarks.models import Benchmark, Revision

FEWEST: Final = 10
"""Hands whose errors are summed up at least, where a benchmark does not show errors by frame."""

UNTOLD: Final = (
    f"Fewer than {FEWEST} hands were predicted. Metrics of so few hands are withheld, because they would reveal single frames."
)


def is_distance(metric: str) -> bool:
    """Whether a metric is a mean distance of points, so that a missing hand can count as one that is far off."""
    return metric.endswith(("mpjpe", "mpvpe"))


def is_share(metric: str) -> bool:
    """Whether it is a share that counts what is missing as missed."""
    return METRICS[metric.partition("@")[0]].unit == "1" and not metric.startswith("shape")


def ranked_values(
    rule: Benchmark | Revision, metric: str, values: np.ndarray, found: np.ndarray, nothing: np.ndarray | float
) -> np.ndarray:
    """Per-frame values [N] as they are ranked: missing hands (`found` bool [N]) with the penalty where that is the policy.

    A missing hand counts no less than a prediction that says nothing (`nothing`, mm [N], `ml.metrics.absence`), so that a
    hand or two which were guessed well never stand before a whole submission.
    """
    if rule.missing == Benchmark.Missing.PENALISED and is_distance(metric):
        return np.where(found, values, np.maximum(rule.penalty_mm, nothing))
    return values


def is_ranked(rule: Benchmark | Revision, metric: str, coverage: float) -> bool:
    """Whether a figure with this coverage takes part in the ranking: an incomplete one only where a missing hand costs."""
    return coverage == 1.0 or (rule.missing == Benchmark.Missing.PENALISED and (is_distance(metric) or is_share(metric)))


def is_told(benchmark: Benchmark, found: int, rows: int, *, is_subset: bool) -> bool:
    """Whether figures of so many predicted hands, of `rows` that were asked for, are told at all.

    A submission of one hand would be told that hand's errors: where errors by frame are not shown, figures are of `FEWEST`
    hands at least, or of the whole of a truth that has no more.
    """
    if benchmark.shows_frames:
        return found > 0
    return found >= (FEWEST if is_subset else max(min(FEWEST, rows), 1))


def has_interval(metric: str) -> bool:
    """Whether a metric is a mean over frames, from which a bootstrap can draw."""
    return "median" not in metric and not metric.startswith("shape")


def direction(metric: str) -> str:
    """`lower` or `higher`: what is better."""
    return METRICS[metric.partition("@")[0]].direction


def unit(metric: str) -> str:
    """Of its figures; `1` for shares."""
    return METRICS[metric.partition("@")[0]].unit


def unit_at(metric: str, fps: float | None) -> str:
    """The unit as people read it, empty for shares; of what is told by frame with the video's frame rate."""
    found = unit(metric)
    if found == "1":
        return ""
    return f"{found}, {fps:g} frames/s" if "frame" in found and fps else found


def title(metric: str) -> str:
    """As people read it; curves other than the protocol's own with their thresholds."""
    name, _, curve = metric.partition("@")
    return METRICS[name].title + (f" [{curve}]" if curve else "")


def ties_at(metric: str) -> int:
    """Decimals to which figures are compared and shown: beyond them two submissions share a rank."""
    return METRICS[metric.partition("@")[0]].decimals

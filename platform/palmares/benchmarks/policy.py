"""What a missing hand does to a rank. The benchmark declares it, a revision keeps it; coverage stands beside every figure."""

from __future__ import annotations

from typing import Final

import numpy as np

from ml.catalog import METRICS
from palmares.benchmarks.models import Benchmark, Revision

FEWEST: Final = 10
"""Hands whose errors are summed up at least, where a benchmark does not show errors by frame."""
MOSTLY: Final = 0.9
"""Coverage from which figures that know no penalty (accelerations, medians, shapes) are ranked on a penalised board."""


def is_distance(metric: str) -> bool:
    """Whether a metric is a mean distance of points, so that a missing hand can count as one that is far off."""
    return metric.endswith(("mpjpe", "mpvpe"))


def is_share(metric: str) -> bool:
    """Whether it is a share that counts what is missing as missed."""
    return METRICS[metric.partition("@")[0]].unit == "1" and not metric.startswith("shape")


def ranked_values(rule: Benchmark | Revision, metric: str, values: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Per-frame values [N] as they are ranked: missing hands (`found` bool [N]) with the penalty where that is the policy."""
    if rule.missing == Benchmark.Missing.PENALISED and is_distance(metric):
        return np.where(found, values, rule.penalty_mm)
    return values


def is_ranked(rule: Benchmark | Revision, metric: str, coverage: float) -> bool:
    """Whether a figure with this coverage takes part in the ranking."""
    if rule.missing == Benchmark.Missing.UNRANKED:
        return coverage == 1.0
    return is_distance(metric) or is_share(metric) or coverage >= MOSTLY


def direction(metric: str) -> str:
    """`lower` or `higher`: what is better."""
    return METRICS[metric.partition("@")[0]].direction


def unit(metric: str) -> str:
    """Of its figures; `1` for shares."""
    return METRICS[metric.partition("@")[0]].unit


def title(metric: str) -> str:
    """As people read it; curves other than the protocol's own with their thresholds."""
    name, _, curve = metric.partition("@")
    return METRICS[name].title + (f" [{curve}]" if curve else "")


def ties_at(metric: str) -> int:
    """Decimals to which figures are compared and shown: beyond them two submissions share a rank."""
    return 4 if unit(metric) == "1" else 2

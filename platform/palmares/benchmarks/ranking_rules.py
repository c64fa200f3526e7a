"""What a benchmark discloses, and how its metrics are named, compared and rounded."""

from __future__ import annotations

from typing import Final

from ml.catalog import METRICS
from palmares.benchmarks.models import Benchmark

FEWEST: Final = 10
"""Hands whose errors are summed up at least, where a benchmark does not show errors by frame."""

WITHHELD: Final = (
    f"Fewer than {FEWEST} hands were predicted. Values of so few would be those of single frames, so they are withheld."
)


def is_disclosed(benchmark: Benchmark, found: int, rows: int, *, is_subset: bool) -> bool:
    """Whether values of so many predicted hands, of `rows` that were asked for, are disclosed at all.

    A submission of one hand would learn that hand's errors: where errors by frame are not shown, values are of `FEWEST`
    hands at least, or of the whole of a truth that has no more.
    """
    if benchmark.shows_frames:
        return found > 0
    return found >= (FEWEST if is_subset else max(min(FEWEST, rows), 1))


def has_interval(metric: str) -> bool:
    """Whether a metric is a mean over frames, which has an interval."""
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

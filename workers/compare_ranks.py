"""Comparing all submissions of a revision: cluster means are read, `ml.metrics.ranking` compares them, results are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from django.db import transaction

from ml.catalog import METRICS, PROTOCOLS
from ml.metrics.ranking import RankStatistics, obstacle, rank_statistics
from ml.progress import ProgressCallback
from palmares.benchmarks.models import Benchmark, Board
from palmares.submissions.models import BoardRanks, ClusterMeans, RankComparison
from palmares.submissions.rank_comparison import compared_submissions, request_outdated_again

_ALL_METRICS_UP_TO: Final = 300
"""Submissions up to which all metrics are compared; of more, those that the board shows first."""


class RankComparing:
    """The work of a comparison."""

    def folder(self, item: RankComparison) -> str:
        return f"benchmarks/{item.revision.benchmark_id}/ranks/{item.lease}"

    def perform(self, item: RankComparison, scratch: Path, report: ProgressCallback) -> Callable[[], None]:
        """Compare them on every board, by every metric."""
        RankComparison.objects.filter(pk=item.pk).update(is_outdated=False)
        benchmark = item.revision.benchmark
        boards = list(benchmark.boards.all())
        found = []
        for number, board in enumerate(boards):
            report(f"Comparing the submissions on {board.name}"[:80], number / len(boards))
            found += [
                BoardRanks(revision=item.revision, board=board, metric=metric, content=content)
                for metric, content in _board_ranks(item, benchmark, board).items()
            ]
        return lambda: _publish(item, found)

    def discard(self, item: RankComparison) -> None:
        """No file was stored."""

    def cleanup(self, item: RankComparison) -> None:
        """No file was stored; but scores may have changed meanwhile."""
        request_outdated_again(RankComparison.objects.filter(pk=item.pk))


@transaction.atomic
def _publish(item: RankComparison, found: list[BoardRanks]) -> None:
    BoardRanks.objects.filter(revision=item.revision_id).delete()
    BoardRanks.objects.bulk_create(found)


def _board_ranks(item: RankComparison, benchmark: Benchmark, board: Board) -> dict[str, dict[str, Any]]:
    """What is known of the ranks on a board, by metric."""
    tables: dict[str, dict[str, tuple[np.ndarray, np.ndarray]]] = {}
    means = ClusterMeans.objects.filter(score__revision=item.revision, board=board)
    rows = means.filter(score__submission__in=compared_submissions(benchmark)).order_by("score__created_at", "score_id")
    for pk, metrics, packed, counted in rows.values_list("score__submission_id", "metrics", "means", "counts"):
        values = np.frombuffer(packed, "<f4").reshape(len(metrics), -1).astype(np.float64)
        counts = np.frombuffer(counted, "<i4").reshape(len(metrics), -1)
        for metric, own, of in zip(metrics, values, counts, strict=True):
            tables.setdefault(metric, {})[str(pk)] = own, of
    first = {*PROTOCOLS[benchmark.protocol].metrics, benchmark.primary_metric}
    unit = item.revision.truth.cluster_unit
    return {
        metric: {"unit": unit} | _content(metric, table)
        for metric, table in tables.items()
        if len(table) <= _ALL_METRICS_UP_TO or metric in first
    }


def _content(metric: str, table: dict[str, tuple[np.ndarray, np.ndarray]]) -> dict[str, Any]:
    """For JSON: submissions best first, and everything else in this order."""
    usual, _ = Counter(counts.tobytes() for _, counts in table.values()).most_common(1)[0]
    comparable = {pk: row for pk, row in table.items() if row[1].tobytes() == usual}
    counts = next(iter(comparable.values()))[1]
    filled = counts > 0
    counts = counts[filled].astype(np.float64)
    content: dict[str, Any] = {"clusters": len(counts), "obstacle": obstacle(counts), "submissions": []}
    if content["obstacle"]:
        return content
    keys = list(comparable)
    sums = np.array([comparable[pk][0][filled] for pk in keys]) * counts
    direction = METRICS[metric.partition("@")[0]].direction
    return content | _as_json(keys, rank_statistics(sums, counts, lower_is_better=direction == "lower"))


def _as_json(keys: list[str], found: RankStatistics) -> dict[str, Any]:
    return {
        "submissions": [keys[place] for place in found.order.tolist()],
        "rank_low": found.rank_low.tolist(),
        "rank_high": found.rank_high.tolist(),
        "first_share": [round(share, 4) for share in found.first_share.tolist()],
        "p": [[float(f"{p:.3g}") for p in row] for row in found.p.tolist()],
        "resolvable": found.resolvable,
    }

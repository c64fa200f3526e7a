"""Is A better than B? A paired test on the frames that both were asked for, with sequences or subjects as its units."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from django.core.cache import cache

from palmares.api.problems import ForbiddenError, InvalidError, NotFoundError
from palmares.benchmarks import ranking_rules
from palmares.benchmarks.models import Board, Revision
from palmares.benchmarks.private_truth import shows_details
from palmares.submissions.frame_file import compare_scores
from palmares.submissions.models import MetricValue, Score, Submission
from palmares.teams.models import User

FEWEST_CLUSTERS: Final = 6
"""Of which a verdict is given: `ml.metrics.statistics.MIN_CLUSTERS`, which the web does not import; a test compares them."""
_KEPT_SECONDS: Final = 7 * 24 * 3600


def compare(*, user: User, a: Submission, b: Submission, board: Board, metric: str, revision: Revision) -> dict[str, Any]:
    """A minus B on a board: mean, 95% interval, p, and a verdict in words.

    Raises:
        ForbiddenError: the truth is private, and `user` is not of its team.
        NotFoundError: one of them has no score under this revision.
        InvalidError: the metric has no values by frame on both, or the board withholds those of one of them.
    """
    if not shows_details(board.benchmark, user):
        raise ForbiddenError(
            f"The ground truth of “{board.benchmark}” is private: differences are tested for its own team, because those of "
            "submissions that differ in few frames would reveal these."
        )
    first, second = (_score(each, revision) for each in (a, b))
    if not all(MetricValue.objects.filter(score=score, board=board).exists() for score in (first, second)):
        raise InvalidError(f'On the board "{board.name}" values of one of them are withheld, and so is their difference.')
    key = f"compare:{first.pk}:{second.pk}:{board.pk}:{metric}"
    found = cache.get(key)
    if found is None:
        try:
            difference = compare_scores(first, second, board, metric)
        except KeyError as error:
            title = ranking_rules.title(metric)
            raise InvalidError(f"{title} is not a mean of frames: differences are not tested.", field="metric") from error
        found = {name: None if value != value else value for name, value in asdict(difference).items()}  # noqa: PLR0124 - NaN
        cache.set(key, found, _KEPT_SECONDS)
    unit = first.revision.truth.cluster_unit
    return {
        **found,
        "units": found["clusters"],
        "cluster_unit": unit,
        "metric": metric,
        "unit": ranking_rules.unit(metric),
        "board": board.slug,
        "revision": revision.number,
        "a": str(a.pk),
        "b": str(b.pk),
        "verdict": verdict(a.method, b.method, metric, found, unit),
    }


def plural(count: int, unit: str) -> str:
    """Clusters of tests in words: "1 sequence", "12 sequences"."""
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def why_no_verdict(obstacle: str, clusters: int, unit: str) -> str:
    """What is missing for a test, as the end of a sentence: "3 sequences, at least 6 are needed"."""
    if obstacle == "few":
        return f"{plural(clusters, unit)}, at least {FEWEST_CLUSTERS} are needed"
    return f"the {plural(clusters, unit)} are too unequal in length"


def verdict(a: str, b: str, metric: str, difference: dict[str, Any], unit: str) -> str:
    """A sentence: which is better, by how much and how sure that is; or why that cannot be said."""
    mean, low, high = difference["mean"], difference["low"], difference["high"]
    if mean is None:
        return f"{a} and {b} have no frame in common."
    digits = ranking_rules.ties_at(metric)
    of = "" if ranking_rules.unit(metric) == "1" else f" {ranking_rules.unit(metric)}"
    if difference["obstacle"]:
        why = why_no_verdict(difference["obstacle"], difference["clusters"], unit)
        return f"{a} minus {b}: {mean:+.{digits}f}{of}. No verdict: {why}."
    if low <= 0 <= high:
        return f"{a} and {b} do not differ significantly: {mean:+.{digits}f}{of}, [{low:.{digits}f}, {high:.{digits}f}]."
    a_wins = (mean < 0) == (ranking_rules.direction(metric) == "lower")
    first, second = (a, b) if a_wins else (b, a)
    ends = sorted((abs(low), abs(high)))
    return f"{first} is better than {second} by {abs(mean):.{digits}f}{of}, [{ends[0]:.{digits}f}, {ends[1]:.{digits}f}]."


def _score(submission: Submission, revision: Revision) -> Score:
    found = Score.objects.filter(submission=submission, revision=revision).select_related("revision__truth").first()
    if found is None:
        raise NotFoundError(f'"{submission.method}" has no score under revision {revision.number}.')
    return found

"""What others than the owning team see of scores on a private ground truth: nothing from which hands could be reconstructed.

They see means over all predicted hands of a board, rounded at random to one of the two nearest multiples of a step. Two
submissions that differ in one hand differ by far less than the step; whoever averages over a year's quota of submissions
learns a hand's position no better than `docs/scoring.md` states.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser

from ml.catalog import PROTOCOLS, is_distance
from palmares.benchmarks.models import Benchmark, Board, Revision, Truth
from palmares.benchmarks.ranking_rules import FEWEST
from palmares.teams.models import User
from palmares.teams.services import role_in

_CONTENT: Final = (
    "official_units", "protocol", "truth", "prediction", "scorer", "coverage", "missing_policy", "counts", "fps",
)  # fmt: skip
"""Parts of a score's content that say nothing of distances to the truth."""

POSITION_MM: Final = 10.0
"""Standard error, per axis, with which a hand's position can be known at the best from all submissions of a year."""
LARGEST_STEP_MM: Final = 20.0
"""Values that would be rounded more coarsely are withheld."""
_MM_OF_ONE: Final = {"f5": 5.0, "f15": 15.0, "auc": 30.0}
"""Millimetres over which a share rises from 0 to 1 at the steepest."""
_ACCELERATION: Final = 4.0
"""How much an acceleration changes with the position of one hand: it is in three of them, once doubly."""


def shows_details(benchmark: Benchmark, user: User | AnonymousUser) -> bool:
    """Whether a person sees exact values, those by joint, sequence and frame, distributions, and tests of differences.

    The owning team does; others where its owners allow errors per frame (`shows_frames`).
    """
    return benchmark.shows_frames or role_in(user=user, team=benchmark.team) is not None


def disclosed_content(content: dict[str, Any]) -> dict[str, Any]:
    """What others see of a score's content. Counts of mirrored hands are left out: each is a bit about single hands."""
    return {name: content[name] for name in _CONTENT if name in content}


def disclosed_metrics(protocol: str) -> tuple[str, ...]:
    """Metrics of a protocol that others see: means, which no single hand can dominate. A median can be one hand's value."""
    return tuple(name for name in PROTOCOLS[protocol].metrics if _mm_per_unit(name) is not None)


@dataclass(frozen=True)
class Rounding:
    """How values of one board are rounded for others than the owning team.

    Attributes:
        benchmark: private.
        board: one of its boards.
        truth: its truth.
        boards: how many boards the benchmark has.
    """

    benchmark: Benchmark
    board: Board
    truth: Truth
    boards: int

    def step(self, metric: str, coverage: float) -> float | None:
        """The step of a metric's values; None where they are withheld.

        Args:
            metric: name.
            coverage: share of the board's hands that were predicted.
        """
        rows = _rows(self.board, self.truth)
        others = (self.truth.rows or 0) - rows
        hands = round(coverage * rows)
        scale = _mm_per_unit(metric) if metric in disclosed_metrics(self.benchmark.protocol) else None
        if scale is None or hands < FEWEST or 0 < others < FEWEST:
            return None
        answers = self.benchmark.yearly_limit * len(disclosed_metrics(self.benchmark.protocol)) * self.boards
        # Rounding at random has a standard deviation of step / √6; a third of the answers goes to each axis.
        millimetres = POSITION_MM * math.sqrt(2 * answers) / hands
        return _one_digit(millimetres / scale) if _one_digit(millimetres) <= LARGEST_STEP_MM else None

    def rounded(self, *, submission: UUID, metric: str, value: float, coverage: float) -> float | None:
        """A value as others see it: always the same one for a submission, board and metric."""
        step = self.step(metric, coverage)
        if step is None or not math.isfinite(value):
            return None
        message = f"{submission} {self.board.pk} {metric}".encode()
        digest = hmac.new(settings.SECRET_KEY.encode(), b"palmares.rounding " + message, hashlib.sha256).digest()
        offset = int.from_bytes(digest[:7], "big") / 2**56
        return round(step * math.floor(value / step + offset), decimals(step))


def rounding_for(board: Board, revision: Revision, user: User | AnonymousUser) -> Rounding | None:
    """How a person sees the values of a board; None where exactly."""
    benchmark = board.benchmark
    if shows_details(benchmark, user):
        return None
    return Rounding(benchmark, board, revision.truth, benchmark.boards.count())


def decimals(step: float) -> int:
    """Decimals of the multiples of a step of one digit."""
    return max(0, -math.floor(math.log10(step) + 1e-9))


def _mm_per_unit(metric: str) -> float | None:
    """Millimetres that one unit of a metric stands for; None for metrics that are no bounded means."""
    name = metric.partition("@")[0]
    if is_distance(name):
        return 1.0
    if name == "ra_acceleration_error":
        return 1 / _ACCELERATION
    kind = name.rpartition("_")[2] if name.rpartition("_")[2] in ("f5", "f15") else "auc" if "auc_" in name else ""
    return _MM_OF_ONE.get(kind)


def _rows(board: Board, truth: Truth) -> int:
    if not board.tag:
        return truth.rows or 0
    return sum(last - first + 1 for first, last in truth.subsets.get(board.tag, ()))


def _one_digit(value: float) -> float:
    """The next larger number with one significant digit."""
    power = math.floor(math.log10(value))
    return float(f"{math.ceil(value / 10**power - 1e-9)}e{power}")

"""How sure the order of a board is: rank intervals, who is tied for the first place, the significance map, stability."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import AnonymousUser

from palmares.benchmarks import ranking_rules
from palmares.benchmarks.models import Board, Revision
from palmares.leaderboards.comparison import plural, why_no_verdict
from palmares.submissions.models import BoardRanks, Submission
from palmares.teams.models import User

SIGNIFICANT: Final = 0.05
NAMED: Final = 15
"""Submissions that are named beside the board: as many as the significance map has rows."""


@dataclass(frozen=True)
class RankSummary:
    """The stored comparison of a board's submissions by one metric.

    Attributes:
        metric: that ranks.
        content: as `workers.compare_ranks` wrote it.
    """

    metric: str
    content: dict[str, Any]

    @property
    def unit(self) -> str:
        """What the units of the tests are, in one word: `subject`, `sequence`, `frame`."""
        return str(self.content["unit"])

    @property
    def clusters(self) -> int:
        return int(self.content["clusters"])

    @property
    def compared(self) -> int:
        return len(self.content["submissions"])

    def intervals(self) -> dict[UUID, tuple[int, int]]:
        """Best and worst rank that the tests leave open, of each submission that was compared."""
        ends = zip(self.content.get("rank_low", ()), self.content.get("rank_high", ()), strict=True)
        return {UUID(pk): pair for pk, pair in zip(self.content["submissions"], ends, strict=True)}

    @property
    def why_none(self) -> str:
        """What is missing, as the end of a sentence; empty where there are ranks."""
        obstacle = self.content["obstacle"]
        return why_no_verdict(obstacle, self.clusters, self.unit) if obstacle else ""

    @property
    def resolvable(self) -> str:
        """The smallest difference that the benchmark resolves, with its unit; empty where it is not known."""
        value = self.content.get("resolvable")
        if value is None:
            return ""
        text = f"{value:.{ranking_rules.ties_at(self.metric)}f}"
        return text if ranking_rules.unit(self.metric) == "1" else f"{text} {ranking_rules.unit(self.metric)}"

    @property
    def clusters_text(self) -> str:
        return plural(self.clusters, self.unit)

    def first_submissions(self, user: User | AnonymousUser) -> dict[UUID, Submission]:
        """The first submissions of the comparison that a person sees, by id."""
        return Submission.objects.visible_to(user).filter(pk__in=self.content["submissions"][:NAMED]).in_bulk()

    def first_places(self, names: dict[UUID, Submission]) -> list[tuple[Submission, float]]:
        """Who was first in which share of half data sets, of those in `names`; the most frequent first."""
        shares = zip(self.content["submissions"], self.content.get("first_share", ()), strict=True)
        found = [(names[UUID(pk)], share) for pk, share in shares if share >= 0.005 and UUID(pk) in names]
        return sorted(found, key=lambda each: -each[1])[:3]

    def significance_map(self, names: dict[UUID, Submission]) -> list[MapRow]:
        """The first submissions against each other, best first; of those in `names`."""
        p = self.content.get("p", [])
        keys = [UUID(pk) for pk in self.content["submissions"][: len(p)]]
        shown = [place for place, key in enumerate(keys) if key in names]
        if len(shown) < 2:
            return []
        return [
            MapRow(
                number,
                names[keys[row]],
                [_cell(p[row][column], row, column, names[keys[column]].method) for column in shown],
            )
            for number, row in enumerate(shown, start=1)
        ]


@dataclass(frozen=True)
class MapCell:
    """One pair of the map: `better`, `worse`, `open` or `self`; a mark and a sentence for it."""

    kind: str
    mark: str
    title: str


@dataclass(frozen=True)
class MapRow:
    """One submission against the others."""

    number: int
    submission: Submission
    cells: list[MapCell]


def rank_summary(board: Board, metric: str, revision: Revision) -> RankSummary | None:
    """What is stored; None until a worker has compared the submissions."""
    found = BoardRanks.objects.filter(revision=revision, board=board, metric=metric).values_list("content", flat=True).first()
    return None if found is None else RankSummary(metric, found)


def _cell(p: float, row: int, column: int, other: str) -> MapCell:
    if row == column:
        return MapCell("self", "", "")
    adjusted = f"adjusted p = {p:.3f}" if p >= 0.001 else "adjusted p < 0.001"
    if p > SIGNIFICANT:
        return MapCell("open", "·", f"not significantly different from {other}, {adjusted}")
    return (
        MapCell("better", "+", f"better than {other}, {adjusted}")
        if row < column
        else MapCell("worse", "−", f"worse than {other}, {adjusted}")
    )

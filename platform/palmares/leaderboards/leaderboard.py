"""Who is best, on which board, by which metric: ranks with ties among what a person may see."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.db import connection

from ml.catalog import METRICS, PROTOCOLS
from palmares.api.problems import InvalidError, NotFoundError
from palmares.benchmarks import ranking_rules
from palmares.benchmarks.models import Benchmark, Board, Revision
from palmares.benchmarks.private_truth import Rounding, decimals, disclosed_metrics, rounding_for, shows_details
from palmares.benchmarks.published import Published, published_for
from palmares.benchmarks.revisions import shown_revision
from palmares.leaderboards.rank_summary import RankSummary, rank_summary
from palmares.submissions.models import MetricValue, Score, Submission
from palmares.teams.models import User

PAGE_ROWS: Final = 50
MAX_COLUMNS: Final = 8


@dataclass(frozen=True)
class Cell:
    """A metric value as a table shows it.

    Attributes:
        value: what is ranked.
        low, high: 95% interval; None where the metric is no mean of frames, or its clusters carry no interval.
        detected: over the predicted hands alone, where some are missing.
        text, interval_text, detected_text: rounded as they are shown.
    """

    value: float
    low: float | None
    high: float | None
    detected: float | None
    text: str
    interval_text: str
    detected_text: str


@dataclass(frozen=True)
class Row:
    """One submission on a board.

    Attributes:
        rank: None where the policy for missing hands does not let it be ranked.
        rank_low, rank_high: the ranks that the tests leave open; None where it was not compared.
    """

    rank: int | None
    rank_low: int | None
    rank_high: int | None
    submission: Submission
    scored_at: datetime
    coverage: float
    cells: list[Cell | None]


@dataclass(frozen=True)
class PublishedRow:
    """One method of a paper, in the board's columns."""

    method: str
    citation: str
    note: str
    cells: list[Published | None]


@dataclass(frozen=True)
class Leaderboard:
    """One page of a board.

    Attributes:
        columns: metrics shown; the first is the one that ranks.
        metrics: all that can be asked for.
        total: submissions on the board, `ranked` of them with a rank.
        fps: of the truth's videos, where it is one for all.
        summary: how sure the order is; None until a worker has compared the submissions.
        sees_details: whether the person sees exact values and those of parts of the ground truth.
        rounding: of the values, where they are not exact.
    """

    benchmark: Benchmark
    board: Board
    revision: Revision | None
    columns: list[str]
    metrics: list[str]
    rows: list[Row] = field(default_factory=list)
    published: list[PublishedRow] = field(default_factory=list)
    page: int = 1
    pages: int = 1
    total: int = 0
    ranked: int = 0
    fps: float | None = None
    summary: RankSummary | None = None
    sees_details: bool = False
    rounding: Rounding | None = None

    @property
    def metric(self) -> str:
        return self.columns[0]


def leaderboard(
    *,
    benchmark: Benchmark,
    user: User | AnonymousUser,
    board: str = "all",
    metric: str = "",
    columns: Iterable[str] = (),
    revision: int | None = None,
    page: int = 1,
    page_rows: int = PAGE_ROWS,
) -> Leaderboard:
    """One page of a board, as one person sees it: public submissions, and those of their own teams.

    Args:
        benchmark: one that `user` may see.
        user: who looks.
        board: its slug.
        metric: that ranks; the benchmark's own where empty.
        columns: more metrics to show; the protocol's where none is given.
        revision: number of a published revision; the newest where None.
        page: from 1.
        page_rows: rows of a page.

    Raises:
        NotFoundError: no such board or published revision.
        InvalidError: no such metric on it.
    """
    found = next((each for each in benchmark.boards.all() if each.slug == board), None)
    if found is None:
        raise NotFoundError(f"There is no board “{board}” on this benchmark.")
    shown = shown_revision(benchmark, revision)
    if shown is None and revision is not None:
        raise NotFoundError(f"There is no published revision {revision} of this benchmark.")
    details = shows_details(benchmark, user)
    metrics = available_metrics(found, shown, user, details=details)
    wanted = _columns(benchmark, metrics, metric, columns)
    published = _published(benchmark, wanted)
    if shown is None:
        return Leaderboard(benchmark, found, None, wanted, metrics, published=published, sees_details=details)
    rounding = None if details else rounding_for(found, shown, user)
    order = ranks(wanted[0], _figures(found, wanted[0], shown, user, rounding, key="score_id"))
    pages = max(1, -(-len(order) // page_rows))
    page = min(max(1, page), pages)
    summary = rank_summary(found, wanted[0], shown) if details else None
    rows = _rows(found, order[(page - 1) * page_rows : page * page_rows], wanted, summary, rounding)
    ranked = sum(rank is not None for _, rank in order)
    fps = Score.objects.filter(revision=shown).order_by("pk").values_list("content__fps", flat=True).first()
    return Leaderboard(
        benchmark, found, shown, wanted, metrics, rows, published, page, pages, len(order), ranked, fps, summary,
        sees_details=details, rounding=rounding,
    )  # fmt: skip


def _figures(
    board: Board, metric: str, revision: Revision, user: User | AnonymousUser, rounding: Rounding | None, *, key: str
) -> list[tuple[Any, float, bool]]:
    """Key, value and whether it may be ranked, of every submission that a person sees.

    Who sees what is asked for by itself: in one query the database may look at all submissions for each figure.
    """
    visible = set(Submission.objects.visible_to(user).filter(benchmark=board.benchmark_id).values_list("pk", flat=True))
    figures = MetricValue.objects.filter(board=board, metric=metric, score__revision=revision)
    found = figures.values_list(key, "value", "is_ranked", "score__submission_id", "coverage")
    if rounding is None:
        return [(row[0], row[1], row[2]) for row in found if row[3] in visible]
    rounded = [
        (row[0], rounding.rounded(submission=row[3], metric=metric, value=row[1], coverage=row[4]), row[2])
        for row in found
        if row[3] in visible
    ]
    return [(row[0], row[1], row[2]) for row in rounded if row[1] is not None]


def available_metrics(
    board: Board, revision: Revision | None, user: User | AnonymousUser, *, details: bool | None = None
) -> list[str]:
    """What a board shows under a revision of the submissions that `user` sees; what others do where it is empty.

    Most submissions have the metrics of the first; so only what it has not is looked for among all.

    Args:
        board: of a benchmark that `user` may see.
        revision: that is shown.
        user: who looks.
        details: `shows_details` of the benchmark and `user`, where it is known already.
    """
    usual = list(PROTOCOLS[board.benchmark.protocol].metrics)
    visible = Submission.objects.visible_to(user).filter(benchmark=board.benchmark_id)
    scores = Score.objects.filter(revision=revision, submission__in=visible).only("metrics")
    first = scores.order_by("pk").first() if revision else None
    if first is None:
        return usual
    figures = MetricValue.objects.filter(board=board).order_by()
    names = set(figures.filter(score=first).values_list("metric", flat=True))
    if rest := _metrics_of(board) - names:
        seen = figures.filter(metric__in=rest, score__revision=revision, score__submission__in=visible)
        names.update(seen.values_list("metric", flat=True).distinct())
    if not (shows_details(board.benchmark, user) if details is None else details):
        names &= set(disclosed_metrics(board.benchmark.protocol))
        return in_order(names) or usual
    return in_order(names or (name for name, value in first.metrics.items() if value is not None)) or usual


def _metrics_of(board: Board) -> set[str]:
    """All metrics of a board, of whichever submission. Each is one step in the index; `DISTINCT` would read every value."""
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE names AS ((SELECT metric FROM submissions_metricvalue WHERE board_id = %(board)s"
            " ORDER BY metric LIMIT 1) UNION ALL SELECT (SELECT metric FROM submissions_metricvalue"
            " WHERE board_id = %(board)s AND metric > names.metric ORDER BY metric LIMIT 1)"
            " FROM names WHERE names.metric IS NOT NULL) SELECT metric FROM names WHERE metric IS NOT NULL",
            {"board": board.pk},
        )
        return {name for (name,) in cursor.fetchall()}


def in_order(metrics: Iterable[str]) -> list[str]:
    """Metrics as the catalogue orders them."""
    place = {name: number for number, name in enumerate(METRICS)}
    return sorted(metrics, key=lambda name: (place[name.partition("@")[0]], name))


def ranks(metric: str, figures: Iterable[tuple[Any, float, bool]]) -> list[tuple[Any, int | None]]:
    """Keys with their ranks, best first; equal figures (as far as they are shown) share a rank, unranked ones come last.

    Args:
        metric: says what is better, and to how many decimals figures count.
        figures: key, value, and whether it may be ranked.
    """
    sign = 1.0 if ranking_rules.direction(metric) == "lower" else -1.0
    digits = ranking_rules.ties_at(metric)
    ordered = sorted(figures, key=lambda f: (not f[2], sign * f[1], str(f[0])))
    found: list[tuple[Any, int | None]] = []
    last: tuple[float, int] | None = None
    for place, (key, value, is_ranked) in enumerate(ordered, start=1):
        shown = round(value, digits)
        if not is_ranked:
            found.append((key, None))
            continue
        if last is None or last[0] != shown:
            last = (shown, place)
        found.append((key, last[1]))
    return found


def rank_of(*, submission: Submission, user: User, board: Board, metric: str, revision: Revision) -> tuple[int | None, int]:
    """A submission's rank among what a person sees, and how many are ranked."""
    figures = _figures(board, metric, revision, user, rounding_for(board, revision, user), key="score__submission_id")
    order = ranks(metric, figures)
    return dict(order).get(submission.pk), sum(rank is not None for _, rank in order)


def changes(revision: Revision, user: User) -> list[dict[str, Any]]:
    """Before publishing: old → new rank and figure, on the board of everything, of each submission that a person sees."""
    benchmark = revision.benchmark
    board = benchmark.boards.order_by("position", "id").first()
    before = shown_revision(benchmark)
    metric = benchmark.primary_metric
    tables: list[dict[UUID, tuple[int | None, float]]] = []
    for each in (before, revision):
        figures: list[tuple[Any, float, bool]] = []
        if board and each:
            rounding = rounding_for(board, each, user)
            figures = _figures(board, metric, each, user, rounding, key="score__submission_id")
        values = {key: value for key, value, _ in figures}
        tables.append({key: (rank, values[key]) for key, rank in ranks(metric, figures)})
    old, new = tables
    named = Submission.objects.filter(pk__in=[*old, *new]).select_related("team").in_bulk()
    return [
        {"submission": named[key], "old": old.get(key), "new": new.get(key)}
        for key in [*new, *(key for key in old if key not in new)]
    ]


def _columns(benchmark: Benchmark, metrics: list[str], metric: str, columns: Iterable[str]) -> list[str]:
    first = metric or (benchmark.primary_metric if benchmark.primary_metric in metrics else metrics[0])
    usual = [name for name in PROTOCOLS[benchmark.protocol].metrics if name in metrics]
    wanted = list(dict.fromkeys([first, *(list(columns) or usual)]))[:MAX_COLUMNS]
    for name in wanted:
        if name not in metrics:
            raise InvalidError(f"There is no metric {name!r} on this board; there are {', '.join(metrics)}.", field="metric")
    return wanted


def _rows(
    board: Board,
    order: list[tuple[int, int | None]],
    columns: list[str],
    summary: RankSummary | None,
    rounding: Rounding | None,
) -> list[Row]:
    keys = [key for key, _ in order]
    scores = (
        Score.objects.filter(pk__in=keys).defer("content", "report", "metrics").select_related("submission__team").in_bulk()
    )
    cells: dict[tuple[int, str], MetricValue] = {
        (figure.score_id, figure.metric): figure
        for figure in MetricValue.objects.filter(board=board, score__in=keys, metric__in=columns)
    }
    intervals = summary.intervals() if summary else {}
    none = (None, None)
    return [
        Row(
            rank=rank,
            rank_low=intervals.get(scores[key].submission_id, none)[0],
            rank_high=intervals.get(scores[key].submission_id, none)[1],
            submission=scores[key].submission,
            scored_at=scores[key].created_at,
            coverage=cells[key, columns[0]].coverage,
            cells=[cell(metric, cells.get((key, metric)), rounding, scores[key].submission_id) for metric in columns],
        )
        for key, rank in order
    ]


def cell(metric: str, figure: MetricValue | None, rounding: Rounding | None, submission: UUID) -> Cell | None:
    """A metric value as a table shows it: exactly, or rounded and without an interval."""
    if figure is None:
        return None
    if rounding is not None:
        step = rounding.step(metric, figure.coverage)
        value = rounding.rounded(submission=submission, metric=metric, value=figure.value, coverage=figure.coverage)
        if step is None or value is None:
            return None
        return Cell(value, None, None, None, f"{value + 0.0:.{decimals(step)}f}", "", "")
    digits = ranking_rules.ties_at(metric)
    low, high = (figure.low, figure.high) if ranking_rules.has_interval(metric) else (None, None)
    detected = figure.detected
    text, lowest, highest, detected_text = (
        "" if value is None else f"{round(value, digits) + 0.0:.{digits}f}"  # no "-0.00"
        for value in (figure.value, low, high, detected)
    )
    interval = f"[{lowest}, {highest}]" if lowest else ""
    return Cell(figure.value, low, high, None if detected_text == text else detected, text, interval, detected_text)


def _published(benchmark: Benchmark, columns: list[str]) -> list[PublishedRow]:
    by_method: dict[tuple[str, str, str], list[Published]] = {}
    for row in published_for(benchmark.protocol):
        by_method.setdefault((row.method, row.variant, row.citation), []).append(row)
    found = []
    for (method, variant, citation), rows in by_method.items():
        cells = [next((row for row in rows if row.metric == metric), None) for metric in columns]
        if any(cells):
            notes = dict.fromkeys(row.note for row in rows if row.note)
            found.append(PublishedRow(f"{method}, {variant}" if variant else method, citation, "; ".join(notes), cells))
    sign = 1.0 if ranking_rules.direction(columns[0]) == "lower" else -1.0
    return sorted(found, key=lambda row: sign * row.cells[0].value if row.cells[0] else float("inf"))

"""Comparisons of whole boards by a worker: rank intervals, the top group, the map and stability, whenever scores change."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from palmares.benchmarks import services
from palmares.benchmarks.models import Benchmark
from palmares.leaderboards.leaderboard import leaderboard
from palmares.queue.models import Status
from palmares.submissions import services as submissions
from palmares.submissions.models import BoardRanks, RankComparison, Submission
from palmares.submissions.rank_comparison import request_comparison, request_outdated_again
from tests.predictions import moved, zipped
from tests.workers.test_score_submission import submit
from tests.workers.test_verdicts import EIGHT, make_benchmark  # noqa: F401 - a fixture
from workers.attempt import attempt
from workers.compare_ranks import RankComparing

pytestmark = pytest.mark.django_db(transaction=True)


def send(benchmark: Benchmark, by: Any, millimetres: float, method: str, **facts: Any) -> Submission:
    """One that is off by about so many millimetres, a little more or less in each sequence."""
    rng = np.random.default_rng(len(method) * 1000 + ord(method[0]))
    return submit(
        benchmark, by, zipped(**{n: moved(s, millimetres + rng.normal(0, 0.3)) for n, s in EIGHT.items()}), method, **facts
    )


def compare_all(benchmark: Benchmark) -> RankComparison:
    row = RankComparison.objects.get(revision=benchmark.revisions.get())
    attempt(RankComparison, str(row.pk), RankComparing)
    row.refresh_from_db()
    assert row.status == Status.SUCCEEDED, row.error
    return row


def intervals(benchmark: Benchmark, user: Any, metric: str = "mpjpe") -> dict[str, tuple[int | None, int | None]]:
    board = leaderboard(benchmark=benchmark, user=user, metric=metric)
    return {row.submission.method: (row.rank_low, row.rank_high) for row in board.rows}


@pytest.fixture
def ours(make_benchmark, member) -> Benchmark:  # noqa: F811
    """Two that are about as good, and one that is far behind."""
    made = make_benchmark(zipped(**EIGHT))
    for method, millimetres in (("A", 10.0), ("B", 10.05), ("far", 30.0)):
        send(made, member, millimetres, method)
    compare_all(made)
    return made


def test_those_that_cannot_be_told_apart_share_the_first_place(ours, member, client):
    assert intervals(ours, member) == {"A": (1, 2), "B": (1, 2), "far": (3, 3)}
    assert intervals(ours, member, "auc_joints") == {"A": (1, 2), "B": (1, 2), "far": (3, 3)}
    client.force_login(member)
    page = client.get(f"/benchmarks/{ours.slug}/?metric=mpjpe").content.decode()
    assert page.count(">top group</span>") == 2
    page = client.get(f"/benchmarks/{ours.slug}/?metric=mpjpe&tab=significance").content.decode()
    assert "3 submissions on 8 sequences, by MPJPE" in page
    assert "A is better than far, adjusted p &lt; 0.001" in page
    assert "A is not significantly different from B" in page
    assert "mm is the smallest difference that a paired test of two of the first submissions finds in 80% of cases" in page
    assert "of random halves of the sequences" in page
    content = BoardRanks.objects.get(board__slug="all", metric="mpjpe").content
    assert content["first_share"][0] + content["first_share"][1] == pytest.approx(1)
    assert 0.1 < content["resolvable"] < 1


def test_the_api_returns_rank_intervals_and_the_resolvable_difference(ours, member, client):
    client.force_login(member)
    body = client.get(f"/api/v1/benchmarks/{ours.slug}/leaderboard/?metric=mpjpe").json()
    assert [(row["rank_low"], row["rank_high"]) for row in body["rows"]] == [(1, 2), (1, 2), (3, 3)]
    statistics = body["statistics"]
    assert (statistics["compared"], statistics["clusters"], statistics["cluster_unit"]) == (3, 8, "sequence")
    table = client.get(f"/api/v1/benchmarks/{ours.slug}/leaderboard/?metric=mpjpe&as=csv").content.decode().splitlines()
    assert table[0].startswith("Rank,Rank interval,Method,")
    assert table[3].startswith("3,3–3,far,")


def test_the_board_is_compared_again_after_every_change(ours, member):
    send(ours, member, 5.0, "nearest")
    compare_all(ours)
    assert intervals(ours, member)["nearest"] == (1, 1)
    submissions.delete_submission(submission=Submission.objects.get(method="nearest"), by=member)
    compare_all(ours)
    assert intervals(ours, member)["A"] == (1, 2)


def test_on_a_public_benchmark_private_submissions_are_neither_compared_nor_named(ours, owner, member, outsider, client):
    for name in ("A", "far"):
        submissions.change_submission(submission=Submission.objects.get(method=name), by=member, is_public=True)
    services.update_benchmark(benchmark=ours, by=owner, visibility=Benchmark.Visibility.PUBLIC, shows_frames=True)
    client.force_login(outsider)
    assert ">B</a>" not in client.get(f"/benchmarks/{ours.slug}/?metric=mpjpe").content.decode()
    assert "different from B" not in client.get(f"/benchmarks/{ours.slug}/?metric=mpjpe&tab=significance").content.decode()
    compare_all(ours)
    assert intervals(ours, member) == {"A": (1, 1), "B": (None, None), "far": (2, 2)}
    submissions.change_submission(submission=Submission.objects.get(method="B"), by=member, is_public=True)
    compare_all(ours)
    assert intervals(ours, outsider) == {"A": (1, 2), "B": (1, 2), "far": (3, 3)}


def test_few_sequences_have_no_ranks_and_the_page_says_what_is_missing(make_benchmark, member, client):  # noqa: F811
    three = {name: EIGHT[name] for name in list(EIGHT)[:3]}
    made = make_benchmark(zipped(**three))
    for by in (10.0, 30.0):
        submit(made, member, zipped(**{n: moved(s, by) for n, s in three.items()}), f"{by}")
    compare_all(made)
    assert set(intervals(made, member).values()) == {(None, None)}
    client.force_login(member)
    page = client.get(f"/benchmarks/{made.slug}/?tab=significance").content.decode()
    assert "No rank intervals and no significance map: 3 sequences, at least 6 are needed." in page
    assert "top group" not in client.get(f"/benchmarks/{made.slug}/").content.decode()


def test_incomplete_submissions_are_compared_if_missing_hands_are_penalised(ours, member):
    partial = {name: moved(s, 1.0).rows(np.arange(len(s)) < 3) for name, s in EIGHT.items()}
    submit(ours, member, zipped(**partial), "partial")
    compare_all(ours)
    assert intervals(ours, member)["partial"] == (4, 4)
    assert intervals(ours, member, "ra_acceleration_error")["partial"] == (None, None)


def test_submissions_scored_during_a_comparison_are_compared_afterwards(ours, member, monkeypatch):
    row = RankComparison.objects.get()
    send(ours, member, 5.0, "first late one")
    perform = RankComparing.perform

    def meanwhile(self: RankComparing, item: RankComparison, *args: Any) -> Any:
        publish = perform(self, item, *args)
        if item.attempts == 1 and not Submission.objects.filter(method="second late one").exists():
            send(ours, member, 4.0, "second late one")
        return publish

    monkeypatch.setattr(RankComparing, "perform", meanwhile)
    attempt(RankComparison, str(row.pk), RankComparing)
    assert intervals(ours, member)["second late one"] == (None, None)
    row.refresh_from_db()
    assert (row.status, row.is_outdated) == (Status.QUEUED, False)
    compare_all(ours)
    assert intervals(ours, member)["second late one"] == (1, 1)


def test_a_comparison_left_outdated_by_a_killed_worker_is_queued_again(ours, member):
    RankComparison.objects.update(is_outdated=True)
    request_outdated_again(RankComparison.objects.all())  # as every worker does that starts
    assert RankComparison.objects.get().status == Status.QUEUED
    request_comparison(revision=ours.revisions.get())
    assert RankComparison.objects.get().status == Status.QUEUED

"""Ranks, ties, rows from papers, exports, and that unpublished scores of other teams are not shown."""

from __future__ import annotations

import csv
import io
import itertools

import pytest
from hypothesis import given, settings, strategies

from ml.metrics.statistics import MIN_CLUSTERS
from palmares.benchmarks.models import Benchmark, Revision
from palmares.benchmarks.published import published_for, published_rows
from palmares.leaderboards.comparison import FEWEST_CLUSTERS, verdict
from palmares.leaderboards.leaderboard import ranks
from palmares.submissions.models import MetricValue, Score, Submission
from tests.factories import TeamFactory

URL = "/api/v1/benchmarks/contest-of-ours/leaderboard/"


def test_equal_figures_share_a_rank_and_the_next_is_skipped():
    figures = [("a", 2.0, True), ("b", 1.0, True), ("c", 2.001, True), ("d", 3.0, True), ("e", 0.1, False)]
    assert ranks("pa_mpjpe", figures) == [("b", 1), ("a", 2), ("c", 2), ("d", 4), ("e", None)]
    assert ranks("pa_auc_joints", [("a", 0.5, True), ("b", 0.9, True)]) == [("b", 1), ("a", 2)]


@given(strategies.lists(strategies.tuples(strategies.floats(0, 100), strategies.booleans()), max_size=40))
@settings(derandomize=True)
def test_for_any_values_ranks_follow_the_rounded_values(rows):
    found = ranks("pa_mpjpe", [(i, value, is_ranked) for i, (value, is_ranked) in enumerate(rows)])
    assert sorted(key for key, _ in found) == list(range(len(rows)))
    ranked = [(rank, rows[key][0]) for key, rank in found if rank is not None]
    assert len(ranked) == sum(is_ranked for _, is_ranked in rows)
    for (rank, value), (after, larger) in itertools.pairwise(ranked):
        assert round(value, 2) <= round(larger, 2)
        assert (rank == after) == (round(value, 2) == round(larger, 2))


def test_the_board_is_sorted_by_what_is_asked_for(api, contest, scored, member):
    scored("worse", figures={"pa_mpjpe": 12.0, "pa_auc_joints": 0.9})
    scored("better", figures={"pa_mpjpe": 8.0, "pa_auc_joints": 0.7})
    body = api(member).get(URL).json()
    assert [(r["rank"], r["method"], r["value"], r["low"], r["high"]) for r in body["rows"]] == [
        (1, "better", 8.0, 7.0, 9.0),
        (2, "worse", 12.0, 11.0, 13.0),
    ]
    assert (body["metric"], body["unit"], body["direction"], body["revision"]) == ("pa_mpjpe", "mm", "lower", 1)
    by_area = api(member).get(URL, {"metric": "pa_auc_joints"}).json()
    assert [r["method"] for r in by_area["rows"]] == ["worse", "better"]


@pytest.mark.parametrize(
    ("query", "code"),
    [({"board": "none"}, 404), ({"metric": "beauty"}, 400), ({"revision": "9"}, 404), ({"revision": "x"}, 400),
     ({"page": "-1"}, 400), ({"columns": "beauty"}, 400), ({"as": "exe"}, 400), ({"page": "99"}, 200)],
)  # fmt: skip
def test_an_unknown_board_or_metric_is_refused(api, contest, scored, member, query, code):
    scored()
    assert api(member).get(URL, query).status_code == code


def test_other_teams_unpublished_scores_are_neither_shown_nor_counted(api, contest, scored, member, outsider):
    Benchmark.objects.update(visibility="public", shows_frames=True)
    scored("secret", by_team=TeamFactory(), figures={"pa_mpjpe": 1.0})
    scored("ours", figures={"pa_mpjpe": 5.0})
    scored("shown", is_public=True, figures={"pa_mpjpe": 9.0})
    mine = api(member).get(URL).json()
    assert [(r["rank"], r["method"]) for r in mine["rows"]] == [(1, "ours"), (2, "shown")]
    theirs = api(outsider).get(URL).json()
    assert [(r["rank"], r["method"], theirs["total"]) for r in theirs["rows"]] == [(1, "shown", 1)]


def test_the_number_of_queries_does_not_grow_with_the_rows(api, contest, scored, member, django_assert_max_num_queries):
    client = api(member)
    for n in range(3):
        scored(f"m{n}", figures={"pa_mpjpe": 10.0 + n})
    client.get(URL)
    with django_assert_max_num_queries(18) as few:
        client.get(URL)
    for n in range(30):
        scored(f"n{n}", figures={"pa_mpjpe": 20.0 + n})
    with django_assert_max_num_queries(18) as many:
        client.get(URL)
    assert len(many) == len(few)


def test_exports_hold_the_whole_board(api, contest, scored, member):
    for n in range(60):
        scored(f"method {n}", figures={"pa_mpjpe": 10.0 + n, "ra_mpjpe": 1.0})
    scored("=cmd|' /C calc'!A0 & 50%_x", figures={"pa_mpjpe": 1.0})
    answer = api(member).get(URL, {"as": "csv"})
    rows = list(csv.DictReader(io.StringIO(answer.content.decode())))
    assert len(rows) == 61
    assert rows[0]["Method"].startswith("'=cmd")
    assert (rows[1]["Rank"], rows[1]["PA-MPJPE (mm)"], rows[1]["95% interval"]) == ("2", "10.00", "0.00–2.00")
    latex = api(member).get(URL, {"as": "latex"}).content.decode()
    assert r"\& 50\%\_x" in latex
    assert latex.count(r"\\") == 62
    markdown = api(member).get(URL, {"as": "markdown"}).content.decode()
    assert r"calc'!A0" in markdown
    assert markdown.splitlines()[1].startswith("| --- |")


def test_rows_from_papers_are_listed_without_rank_and_with_their_notes(api, contest, scored, member):
    Benchmark.objects.update(protocol="ho3d-v3")
    body = api(member).get(URL).json()
    published = [row for row in body["rows"] if row["published"]]
    assert published
    assert all(row["rank"] is None for row in published)
    assert any("unit of RA-ACC not printed" in row["note"] for row in published)
    assert any("WACV 2024" in row["team"] for row in published)
    values = [row["value"] for row in published if row["value"] is not None]
    assert values == sorted(values)


def test_every_published_figure_is_of_a_known_metric_and_paper():
    assert len(published_rows()) > 150
    assert {row.unit for row in published_for("dexycb")} <= {"mm", "mm/frame^2", "beta^2"}
    assert all(row.citation for row in published_rows())


def test_verdicts_say_who_is_better_by_how_much():
    difference = {"mean": -0.8, "low": -1.2, "high": -0.3, "clusters": 12, "obstacle": ""}
    assert verdict("A", "B", "pa_mpjpe", difference, "sequence") == "A is better than B by 0.80 mm, [0.30, 1.20]."
    assert verdict("A", "B", "pa_auc_joints", difference, "sequence") == "B is better than A by 0.8000, [0.3000, 1.2000]."
    unclear = {**difference, "mean": 0.1, "low": -1.0, "high": 0.5}
    assert verdict("A", "B", "pa_mpjpe", unclear, "frame") == "A and B do not differ significantly: +0.10 mm, [-1.00, 0.50]."
    nothing = {**difference, "mean": None, "low": None, "high": None, "obstacle": "no frames"}
    assert "no frame in common" in verdict("A", "B", "pa_mpjpe", nothing, "frame")


@pytest.mark.parametrize(
    ("obstacle", "clusters", "unit", "sentence"),
    [
        ("few", 3, "sequence", "A minus B: -0.80 mm. No verdict: 3 sequences, at least 6 are needed."),
        ("few", 1, "subject", "A minus B: -0.80 mm. No verdict: 1 subject, at least 6 are needed."),
        ("unequal", 8, "sequence", "A minus B: -0.80 mm. No verdict: the 8 sequences are too unequal in length."),
    ],
)
def test_without_enough_sequences_there_is_no_verdict_and_the_sentence_says_what_is_missing(obstacle, clusters, unit, sentence):
    assert FEWEST_CLUSTERS == MIN_CLUSTERS
    difference = {"mean": -0.8, "low": None, "high": None, "p": None, "clusters": clusters, "obstacle": obstacle}
    assert verdict("A", "B", "pa_mpjpe", difference, unit) == sentence


def test_rows_can_be_grouped_by_where_the_hand_shape_comes_from(client, contest, scored, member):
    scored("plain")
    scored("knows", shape="calibrated")
    scored("knows and fits", shape="calibrated", is_optimised=True)
    client.force_login(member)
    page = client.get(f"/benchmarks/{contest.slug}/?group=shape").content.decode()
    table = page[page.index("<tbody>") :]
    expected = (
        ">Estimated shape<",
        ">plain<",
        ">Calibrated shape<",
        ">knows<",
        ">Calibrated shape, optimised<",
        ">knows and fits<",
    )
    places = [table.index(words) for words in expected]
    assert places == sorted(places)
    assert "One table" in page
    assert "Group by hand shape" in client.get(f"/benchmarks/{contest.slug}/").content.decode()


def test_the_owning_team_sees_the_changes_that_a_revision_would_make(api, contest, scored, owner, member, outsider, team):
    mine = scored("mine", figures={"pa_mpjpe": 10.0})
    theirs = scored("theirs", by_team=TeamFactory(name="Others"), figures={"pa_mpjpe": 5.0})
    new = Revision.objects.create(benchmark=contest, number=2, truth=contest.truths.get(), missing=contest.missing)
    score = Score.objects.create(submission=mine, revision=new, coverage=1.0, report={}, metrics={}, content={}, folder="x")
    board = contest.boards.get()
    MetricValue.objects.create(
        score=score, board=board, metric="pa_mpjpe", value=9.0, low=8, high=10, coverage=1.0, is_ranked=True
    )
    address = f"/api/v1/revisions/{new.pk}/changes/"
    assert api(outsider).get(address).status_code == 404
    found = api(owner).get(address).json()
    assert found == [
        {"submission": str(mine.pk), "method": "mine", "old": {"rank": 1, "value": 10.0}, "new": {"rank": 1, "value": 9.0}}
    ], "what others have not published is not counted"
    Submission.objects.filter(pk=theirs.pk).update(is_public=True)
    found = {row["method"]: row for row in api(member).get(address).json()}
    assert (found["mine"]["old"]["rank"], found["theirs"]["new"]) == (2, None)


def test_metrics_are_those_of_every_submission_on_the_board(api, contest, scored, member):
    scored("joints alone", figures={"pa_mpjpe": 10.0})
    scored("meshes", figures={"pa_mpjpe": 11.0, "pa_mpvpe": 9.0})
    found = api(member).get(f"/api/v1/benchmarks/{contest.slug}/leaderboard/?metric=pa_mpvpe").json()
    assert [row["method"] for row in found["rows"]] == ["meshes"]
    assert set(found["metrics"]) == {"pa_mpjpe", "pa_mpvpe"}


def test_medians_have_no_interval_and_accelerations_state_the_frame_rate(api, contest, scored, member):
    made = scored("m", figures={"pa_median_joint_error": 3.0, "ra_acceleration_error": 2.0})
    Score.objects.filter(submission=made).update(content={"fps": 30.0})
    url = f"/api/v1/benchmarks/{contest.slug}/leaderboard/?metric=pa_median_joint_error&columns=ra_acceleration_error"
    found = api(member).get(url).json()
    figures = found["rows"][0]["figures"]
    assert figures["pa_median_joint_error"] == {"value": 3.0, "low": None, "high": None, "detected": None}
    assert figures["ra_acceleration_error"] == {"value": 2.0, "low": 1.0, "high": 3.0, "detected": None}
    assert found["fps"] == 30.0
    heads = api(member).get(f"{url}&as=csv").content.decode().splitlines()[0]
    assert "RA-ACC (mm/frame², 30 frames/s)" in heads

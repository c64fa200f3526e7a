"""From a prediction's file to figures on boards: truths read, submissions scored, and scored again."""

from __future__ import annotations

import io
import json
import threading
import zipfile
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.utils import timezone

from palmares.api.problems import ConflictError, InvalidError
from palmares.benchmarks import ranking_rules, revisions, services
from palmares.benchmarks.models import Benchmark, Revision, Truth
from palmares.leaderboards.comparison import compare
from palmares.leaderboards.leaderboard import changes, leaderboard
from palmares.queue.models import Status
from palmares.queue.services import _is_startable
from palmares.submissions import quotas
from palmares.submissions import services as submissions
from palmares.submissions.models import Submission
from tests.factories import RunFactory
from tests.predictions import hands, moved, npz, zipped
from tests.score_waiting import score_waiting
from workers import scoring_work
from workers.attempt import attempt
from workers.import_truth import TruthImport

pytestmark = pytest.mark.django_db(transaction=True)

SEQUENCES = {"clear-a": hands(seed=1), "clear-b": hands(seed=2), "hard": hands(10, seed=3)}
ALL = sum(len(sequence) for sequence in SEQUENCES.values())


def file(content: bytes, name: str = "pred.zip") -> ContentFile:
    return ContentFile(content, name=name)


@pytest.fixture
def empty(team, owner, media_root) -> Benchmark:
    """A benchmark without a truth."""
    return services.create_benchmark(
        team=team, by=owner, slug="ours", name="Ours", protocol="palmares", missing="penalised", penalty_mm=50.0, daily_limit=20
    )


@pytest.fixture
def ours(empty, owner) -> Benchmark:
    """One with a truth of three sequences; one is the subset `hard`, and every tenth row `tenths`."""
    subsets = {"hard": ["hard"], "tenths": [*range(0, ALL, 10)], "twelve": [*range(5, 17)]}
    truth = services.add_truth(benchmark=empty, by=owner, file=file(with_subsets(subsets), "truth.zip"))
    attempt(Truth, str(truth.pk), TruthImport)
    truth.refresh_from_db()
    assert truth.status == Status.SUCCEEDED, truth.error
    score_waiting()
    for subset in subsets:
        services.add_board(benchmark=empty, by=owner, slug=subset, name=subset.title(), tag=subset)
    return empty


def with_subsets(subsets: Any) -> bytes:
    sink = io.BytesIO(zipped(**SEQUENCES))
    with zipfile.ZipFile(sink, "a") as archive:
        archive.writestr("subsets.json", subsets if isinstance(subsets, str) else json.dumps(subsets))
    return sink.getvalue()


def submit(benchmark: Benchmark, by, content: bytes, method: str = "m", name: str = "pred.zip", **facts) -> Submission:
    made = submissions.submit(benchmark=benchmark, by=by, file=file(content, name), method=method, sha256="0" * 64, **facts)
    score_waiting()
    made.refresh_from_db()
    return made


def figure(benchmark: Benchmark, user, method: str, metric: str, board: str = "all", revision: int | None = None) -> float:
    found = leaderboard(benchmark=benchmark, user=user, board=board, metric=metric, revision=revision)
    return next(row.cells[0].value for row in found.rows if row.submission.method == method)


def test_a_truth_is_read_hashed_and_kept_by_sequence(ours):
    truth = ours.truths.get()
    assert (truth.version, truth.rows) == (1, ALL)
    assert [(s["name"], s["rows"]) for s in truth.sequences] == [("clear-a", 20), ("clear-b", 20), ("hard", 10)]
    assert len(truth.sha256) == 64
    assert truth.subsets["hard"] == [[40, 49]]
    assert truth.subsets["tenths"] == [[n, n] for n in range(0, ALL, 10)]
    assert truth.subsets["twelve"] == [[5, 16]]
    revision = ours.revisions.get()
    assert revision.status == Status.SUCCEEDED
    assert revision.published_at is not None


@pytest.mark.parametrize(
    ("subsets", "sentence"),
    [
        ("{", "subsets.json is not JSON"),
        ([], "is not an object of at most 200 subsets"),
        ({"": [1]}, "is not a name for a subset"),
        ({"x" * 41: [1]}, "is not a name for a subset"),
        ({"a": {}}, "`a` in subsets.json is not a list"),
        ({"a": []}, "`a` in subsets.json is not a list"),
        ({"a": ["hard", "nowhere"]}, "names `nowhere`, which is not a sequence"),
        ({"a": [0, 50]}, "names row 50; the truth has rows 0 to 49"),
        ({"a": [-1]}, "names row -1"),
        ({"a": [10**30]}, "mixes sequence names and row numbers"),
        ({"a": [0, "hard"]}, "mixes sequence names and row numbers"),
        ({"a": [True]}, "mixes sequence names and row numbers"),
        ({"a": [0.5]}, "mixes sequence names and row numbers"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_invalid_subsets_are_refused_with_a_message(empty, owner, subsets, sentence):
    truth = services.add_truth(benchmark=empty, by=owner, file=file(with_subsets(subsets), "truth.zip"))
    attempt(Truth, str(truth.pk), TruthImport)
    truth.refresh_from_db()
    assert truth.status == Status.FAILED
    assert sentence in truth.error


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        (b"PK\x03\x04broken", "truth.zip", "truth.zip"),
        (b"[[1, 2], [", "truth.json", "truth"),
        (npz(replace(hands(3), joints=np.full((3, 21, 3), np.nan, np.float32))), "truth.npz", "not finite"),
    ],
)
def test_a_truth_that_cannot_be_read_fails_with_a_sentence(empty, owner, content, name, sentence):
    truth = services.add_truth(benchmark=empty, by=owner, file=file(content, name))
    attempt(Truth, str(truth.pk), TruthImport)
    truth.refresh_from_db()
    assert truth.status == Status.FAILED
    assert sentence in truth.error
    assert "Something went wrong inside" not in truth.error
    assert truth.benchmark.revisions.get().status == Status.FAILED
    with pytest.raises(ConflictError, match="no ground truth"):
        submit(empty, owner, zipped(**SEQUENCES))


def test_figures_are_exact_on_every_board(ours, member):
    sent = {name: moved(sequence, 30.0 if name == "hard" else 10.0) for name, sequence in SEQUENCES.items()}
    made = submit(ours, member, zipped(**sent))
    assert made.status == Status.SUCCEEDED, made.error
    assert figure(ours, member, "m", "mpjpe") == pytest.approx((40 * 10 + 10 * 30) / 50, abs=1e-3)
    assert figure(ours, member, "m", "mpjpe", board="hard") == pytest.approx(30, abs=1e-3)
    assert figure(ours, member, "m", "mpjpe", board="twelve") == pytest.approx(10, abs=1e-3)
    few = leaderboard(benchmark=ours, user=member, metric="mpjpe", board="tenths")
    assert few.rows == [], "of five hands nothing is told"
    assert figure(ours, member, "m", "ra_mpjpe") == pytest.approx(0, abs=1e-3)
    score = made.scores.get()
    assert score.coverage == 1.0
    assert score.metrics["mpjpe"] == pytest.approx(14, abs=1e-3)
    assert [s["coverage"] for s in score.content["by_sequence"]] == [1, 1, 1]
    assert sum(score.content["histogram"]["mpjpe"]) == ALL
    boards = score.content["boards"]
    assert set(boards) == {"hard", "twelve"}, "of five hands nothing is told"
    assert boards["hard"]["by_joint_mm"]["mpjpe"] == pytest.approx([30] * 21, abs=1e-3)
    assert [s["name"] for s in boards["hard"]["by_sequence"]] == ["hard"]
    assert sum(boards["twelve"]["histogram"]["mpjpe"]) == boards["twelve"]["by_sequence"][0]["rows"] == 12


def test_values_of_subsets_with_one_or_two_hands_are_withheld(ours, member, client):
    """Or its errors would be those of single frames, from which a truth can be rebuilt."""
    one = submit(ours, member, zipped(**{"hard": SEQUENCES["hard"].rows(np.array([3]))}), "one hand")
    score = one.scores.get()
    assert score.coverage == pytest.approx(1 / ALL)
    assert (score.metrics, [v for v in score.report.values() if v is not None]) == ({}, [])
    assert {"pck", "by_joint_mm", "histogram", "by_sequence", "boards"}.isdisjoint(score.content)
    assert score.content["flags"]["notes"] == [ranking_rules.WITHHELD]
    client.force_login(member)
    page = client.get(f"/submissions/{one.pk}/").content.decode()
    assert ranking_rules.WITHHELD in page
    assert 'id="figures"' not in page
    assert "has not published" not in page
    assert leaderboard(benchmark=ours, user=member).rows == []
    whole = submit(ours, member, zipped(**SEQUENCES), "whole")
    revision = ours.revisions.get()
    for board in ours.boards.filter(slug__in=("all", "tenths")):
        with pytest.raises(InvalidError, match="withheld"):
            compare(user=member, a=whole, b=one, board=board, metric="mpjpe", revision=revision)


def test_values_of_a_whole_truth_of_few_hands_are_shown(empty, owner, member):
    few = {"few": hands(4, seed=1)}
    truth = services.add_truth(benchmark=empty, by=owner, file=file(zipped(**few), "truth.zip"))
    attempt(Truth, str(truth.pk), TruthImport)
    score_waiting()
    submit(empty, member, zipped(few=moved(few["few"], 8.0)))
    assert figure(empty, member, "m", "mpjpe") == pytest.approx(8, abs=1e-3)


def test_several_predictions_of_one_hand_do_not_improve_its_score(ours, member):
    def with_guesses(sequence):
        worse = moved(sequence, 30.0)
        both = [getattr(worse, name) for name in ("frame", "side", "track", "score", "joints")]
        other = [sequence.frame, sequence.side, sequence.track + 1, 0.5 * sequence.score, sequence.joints]
        values = [np.concatenate(pair) for pair in zip(both, other, strict=True)]
        return replace(worse, **dict(zip(("frame", "side", "track", "score", "joints"), values, strict=True)))

    submit(ours, member, zipped(**{name: with_guesses(s) for name, s in SEQUENCES.items()}))
    assert figure(ours, member, "m", "mpjpe") == pytest.approx(30, abs=1e-3), "the surest counts, not the nearest"


def test_submissions_sent_before_a_revision_is_published_are_on_the_current_board(ours, member, owner):
    submit(ours, member, zipped(**SEQUENCES), "first")
    revision = revisions.score_again(benchmark=ours, by=owner)
    score_waiting()
    submit(ours, member, zipped(**{name: moved(s, 6.0) for name, s in SEQUENCES.items()}), "second")
    assert figure(ours, member, "second", "mpjpe") == pytest.approx(6, abs=1e-3)
    revisions.publish_revision(revision=Revision.objects.get(pk=revision.pk), by=owner)
    assert leaderboard(benchmark=ours, user=member).revision.number == 2
    assert figure(ours, member, "second", "mpjpe") == pytest.approx(6, abs=1e-3)


def test_the_interval_fits_the_mean_over_joints_that_are_annotated_unevenly(team, owner, member, media_root):
    """Dexter+Object annotates fingertips, one more often than another: the figure is a mean over joints, not over frames."""
    made = services.create_benchmark(
        team=team, by=owner, slug="tips", name="Tips", protocol="do", missing="penalised", penalty_mm=50.0, daily_limit=20
    )
    rng = np.random.default_rng(5)
    joints = rng.normal(0, 40, (40, 21, 3)) + np.array([0, 0, 600])
    joints -= joints.mean(1, keepdims=True) - np.array([0, 0, 600])
    truth = joints.copy()
    truth[:, [i for i in range(21) if i not in (4, 8)]] = np.nan
    truth[2:, 4] = np.nan  # the thumb's tip in two frames alone, and there it is far off
    given = joints + np.where(np.arange(21)[:, None] == 4, 80.0, 5.0) * np.array([1.0, 0, 0])
    for points in (truth, given):
        points[...] = np.round(points, 3)
    rows = [[None if np.isnan(p[0]) else p.tolist() for p in frame] for frame in truth]
    rows = [[[None] * 3 if p is None else p for p in frame] for frame in rows]
    sent = services.add_truth(
        benchmark=made, by=owner, file=file(json.dumps({"unit": "mm", "joints": rows}).encode(), "truth.json")
    )
    attempt(Truth, str(sent.pk), TruthImport)
    score_waiting()
    answer = submit(made, member, json.dumps({"unit": "mm", "joints": given.tolist()}).encode(), name="pred.json")
    found = answer.scores.get().metric_values.get(metric="mpjpe")
    assert found.value == pytest.approx((80 + 5) / 2, abs=0.01)
    assert found.low < found.value < found.high


def test_missing_hands_are_penalised_and_never_ranked_first(ours, member):
    submit(ours, member, zipped(**{name: moved(s, 12.0) for name, s in SEQUENCES.items()}), "whole")
    submit(ours, member, zipped(**{"clear-a": SEQUENCES["clear-a"]}), "a third")
    board = leaderboard(benchmark=ours, user=member, metric="mpjpe")
    assert [(row.rank, row.submission.method) for row in board.rows] == [(1, "whole"), (2, "a third")]
    assert board.rows[1].coverage == pytest.approx(20 / 50)
    missing = [SEQUENCES["clear-b"], SEQUENCES["hard"]]
    nothing = sum(1000 * np.linalg.norm(s.joints.astype(np.float64), axis=-1).mean(1).sum() for s in missing) / ALL
    assert nothing > 30 / 50 * 50.0, "more than the penalty: the hands are half a metre away"
    assert board.rows[1].cells[0].value == pytest.approx(nothing, abs=1e-3)
    still = leaderboard(benchmark=ours, user=member, metric="jitter")
    assert {row.submission.method: row.rank for row in still.rows}["a third"] is None


def test_a_partial_submission_has_no_rank_if_only_complete_ones_are_ranked(ours, member):
    ours.revisions.update(missing=Benchmark.Missing.UNRANKED)
    submit(ours, member, zipped(**{"hard": SEQUENCES["hard"]}), "partial")
    board = leaderboard(benchmark=ours, user=member, metric="mpjpe")
    assert [(row.rank, row.submission.method) for row in board.rows] == [(None, "partial")]


def test_another_version_of_the_scorer_scores_everything_again_and_is_shown_when_published(
    ours, member, owner, outsider, monkeypatch
):
    made = submit(ours, member, zipped(**{name: moved(s, 10.0) for name, s in SEQUENCES.items()}))
    assert scoring_work.keep_all_up() == []
    monkeypatch.setattr(scoring_work, "SCORER_VERSION", "99")
    (revision,) = scoring_work.keep_all_up()
    assert scoring_work.keep_all_up() == []
    with pytest.raises(ConflictError, match="queued"):
        revisions.publish_revision(revision=revision, by=owner)
    score_waiting()
    revision.refresh_from_db()
    assert (revision.number, revision.status, revision.published_at) == (2, Status.SUCCEEDED, None)
    assert revision.scorer_version == 99
    assert leaderboard(benchmark=ours, user=member).revision.number == 1
    assert changes(revision, outsider) == [], "it is not published"
    (change,) = changes(revision, member)
    assert change["submission"] == made
    assert (change["old"][0], change["new"][0]) == (1, 1)
    revisions.publish_revision(revision=revision, by=owner)
    assert leaderboard(benchmark=ours, user=member).revision.number == 2
    assert leaderboard(benchmark=ours, user=member, revision=1).revision.number == 1
    assert made.scores.count() == 2


def test_earlier_submissions_are_scored_against_a_new_truth(ours, member, owner):
    made = submit(ours, member, zipped(**SEQUENCES))
    shifted = {name: moved(s, 5.0) for name, s in SEQUENCES.items()}
    truth = services.add_truth(benchmark=ours, by=owner, file=file(zipped(**shifted), "truth.zip"))
    attempt(Truth, str(truth.pk), TruthImport)
    revision = ours.revisions.get(number=2)
    score_waiting()
    assert figure(ours, member, "m", "mpjpe") == pytest.approx(0, abs=1e-3)
    revisions.publish_revision(revision=Revision.objects.get(pk=revision.pk), by=owner)
    assert figure(ours, member, "m", "mpjpe") == pytest.approx(5, abs=1e-3)
    assert figure(ours, member, "m", "mpjpe", revision=1) == pytest.approx(0, abs=1e-3)
    assert made.scores.count() == 2


def test_a_submission_of_runs_starts_when_the_last_of_them_has_ended(ours, team):
    runs = [RunFactory(status=Status.RUNNING), RunFactory(status=Status.SUCCEEDED)]
    made = submissions.submit_runs(benchmark=ours, team=team, method="ours", runs=runs)
    assert not _is_startable(made.scoring)
    runs[0].status = Status.FAILED
    runs[0].save()
    assert _is_startable(made.scoring)
    score_waiting()
    made.refresh_from_db()
    assert made.status == Status.FAILED
    assert "None of the runs" in made.error


def test_what_is_deleted_while_it_is_scored_leaves_no_file(ours, member, media_root, monkeypatch):
    made = submissions.submit(benchmark=ours, by=member, file=file(zipped(**SEQUENCES)), method="m", sha256="0" * 64)
    whole = scoring_work.score_submission

    def deleted_meanwhile(*args):
        scored = whole(*args)
        submissions.delete_submission(submission=made, by=member)
        return scored

    monkeypatch.setattr(scoring_work, "score_submission", deleted_meanwhile)
    score_waiting()
    made.refresh_from_db()
    assert made.status == Status.CANCELLED
    assert made.scores.count() == 0
    assert not (media_root / f"submissions/{made.pk}").exists()


def test_ten_simultaneous_submissions_do_not_exceed_the_daily_quota(ours, member):
    ours.daily_limit = 3
    ours.save()
    content, taken, refused = zipped(**SEQUENCES), [], []

    def one() -> None:
        try:
            taken.append(submissions.submit(benchmark=ours, by=member, file=file(content), method="m", sha256="0" * 64).pk)
        except quotas.QuotaError as error:
            refused.append(str(error))
        finally:
            connection.close()

    threads = [threading.Thread(target=one) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(taken), len(refused)) == (3, 3)
    assert "3 scored submissions" in refused[0]
    assert Submission.objects.count() == 3


def test_failed_and_cancelled_submissions_do_not_count_towards_the_quota(ours, member, team):
    made = submissions.submit(benchmark=ours, by=member, file=file(zipped(**SEQUENCES)), method="m", sha256="0" * 64)
    assert quotas.left_today(benchmark=ours, team=team) == 19
    submissions.cancel_submission(submission=made, by=member)
    assert quotas.left_today(benchmark=ours, team=team) == 20
    made.refresh_from_db()
    submissions.retry_submission(submission=made, by=member)
    assert quotas.left_today(benchmark=ours, team=team) == 19


def test_after_the_deadline_nothing_is_taken(ours, member):
    ours.deadline = timezone.now()
    ours.save()
    with pytest.raises(ConflictError, match="deadline"):
        submit(ours, member, zipped(**SEQUENCES))

"""Comparisons of submissions that a worker has scored: paired, by sequence or subject, and none without enough of them."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from palmares.benchmarks import services
from palmares.benchmarks.models import Benchmark, Truth
from palmares.leaderboards.comparison import compare
from palmares.leaderboards.leaderboard import leaderboard
from palmares.leaderboards.plots import worst_frames
from palmares.queue.models import Status
from palmares.submissions.models import MetricValue
from tests.factories import RunFactory, SubjectFactory, UploadFactory, UserFactory
from tests.predictions import hands, moved, zipped
from tests.workers.test_score_submission import file, submit
from workers.attempt import attempt
from workers.import_truth import TruthImport

pytestmark = pytest.mark.django_db(transaction=True)

EIGHT = {f"clip-{number}": hands(12, seed=number) for number in range(8)}
BY_SUBJECT = {
    "unit": "subject",
    "clusters": {name: [f"clip-{n}" for n in range(start, 8, 2)] for start, name in enumerate("ab")},
}


def with_clusters(sequences: dict[str, Any], clusters: Any) -> bytes:
    sink = io.BytesIO(zipped(**sequences))
    with zipfile.ZipFile(sink, "a") as archive:
        archive.writestr("clusters.json", json.dumps(clusters))
    return sink.getvalue()


@pytest.fixture
def make_benchmark(team, owner, media_root):
    """A benchmark with this truth."""

    def make(content: bytes, **facts: Any) -> Benchmark:
        made = services.create_benchmark(
            team=team, by=owner, slug="ours", name="Ours", protocol="palmares", missing="penalised", daily_limit=20
        )
        truth = services.add_truth(benchmark=made, by=owner, file=file(content, "truth.zip"))
        attempt(Truth, str(truth.pk), TruthImport)
        truth.refresh_from_db()
        assert truth.status == Status.SUCCEEDED, truth.error
        return made

    return make


def compared(benchmark: Benchmark, a: Any, b: Any) -> dict[str, Any]:
    board, revision = benchmark.boards.get(slug="all"), benchmark.revisions.get()
    return compare(user=benchmark.created_by, a=a, b=b, board=board, metric="mpjpe", revision=revision)


def test_a_difference_in_eight_sequences_is_a_verdict(make_benchmark, member):
    ours = make_benchmark(zipped(**EIGHT))
    a = submit(ours, member, zipped(**{name: moved(s, 10.0 + n / 10) for n, (name, s) in enumerate(EIGHT.items())}), "A")
    b = submit(ours, member, zipped(**{name: moved(s, 12.5) for name, s in EIGHT.items()}), "B")
    found = compared(ours, a, b)
    assert found["mean"] == pytest.approx(-2.15, abs=1e-3)
    assert found["verdict"] == "A is better than B by 2.15 mm, [1.95, 2.35]."
    assert (found["units"], found["cluster_unit"], found["obstacle"]) == (8, "sequence", "")
    assert found["p"] < 1e-6
    same = compared(ours, a, a)
    assert (same["p"], same["verdict"][:38]) == (1, "A and A do not differ significantly: +")


def test_three_sequences_give_neither_verdict_nor_interval(make_benchmark, member):
    three = {name: EIGHT[name] for name in list(EIGHT)[:3]}
    ours = make_benchmark(zipped(**three))
    a, b = (submit(ours, member, zipped(**{n: moved(s, by) for n, s in three.items()}), str(by)) for by in (10.0, 99.0))
    found = compared(ours, a, b)
    assert (found["p"], found["low"], found["high"], found["obstacle"]) == (None, None, None, "few")
    assert found["verdict"] == "10.0 minus 99.0: -89.00 mm. No verdict: 3 sequences, at least 6 are needed."
    values = MetricValue.objects.filter(score__submission=a)
    assert set(values.values_list("low", "high")) == {(None, None)}


def test_a_single_video_is_one_sequence_however_many_frames_it_has(make_benchmark, member):
    ours = make_benchmark(zipped(one=hands(200, seed=1)))
    a, b = (submit(ours, member, zipped(one=moved(hands(200, seed=1), by)), str(by)) for by in (10.0, 99.0))
    assert compared(ours, a, b)["verdict"].endswith("No verdict: 1 sequence, at least 6 are needed.")


def test_subjects_named_in_the_truth_are_the_units_of_a_verdict(make_benchmark, member):
    ours = make_benchmark(with_clusters(EIGHT, BY_SUBJECT))
    a, b = (submit(ours, member, zipped(**{n: moved(s, by) for n, s in EIGHT.items()}), str(by)) for by in (10.0, 99.0))
    assert compared(ours, a, b)["verdict"].endswith("No verdict: 2 subjects, at least 6 are needed.")


@pytest.mark.parametrize(
    ("clusters", "sentence"),
    [
        ([], "`unit` in clusters.json is not a word"),
        ({"unit": "subject"}, "`clusters` in clusters.json is not an object"),
        ({"unit": "subject", "clusters": {"a": ["clip-0"]}}, "row 12 is in none of the clusters"),
        ({"unit": "subject", "clusters": {"a": [*EIGHT], "b": ["clip-0"]}}, "row 0 is in 2 of the clusters"),
        ({"unit": "subject", "clusters": {"a": ["nobody"]}}, "names `nobody`, which is not a sequence"),
    ],
)
def test_clusters_that_are_no_partition_are_refused_with_a_sentence(team, owner, media_root, clusters, sentence):
    made = services.create_benchmark(team=team, by=owner, slug="ours", name="Ours", protocol="palmares")
    truth = services.add_truth(benchmark=made, by=owner, file=file(with_clusters(EIGHT, clusters), "truth.zip"))
    attempt(Truth, str(truth.pk), TruthImport)
    truth.refresh_from_db()
    assert truth.status == Status.FAILED
    assert sentence in truth.error


def test_detected_only_values_stand_beside_penalised_ones(make_benchmark, member):
    ours = make_benchmark(zipped(**EIGHT))
    partial = {name: moved(s, 10.0).rows(np.arange(12) < 9) for name, s in EIGHT.items()}
    made = submit(ours, member, zipped(**partial), "partial")
    whole = submit(ours, member, zipped(**{name: moved(s, 10.0) for name, s in EIGHT.items()}), "whole")
    value = MetricValue.objects.get(score__submission=made, metric="mpjpe", board__slug="all")
    assert value.detected == pytest.approx(10.0, abs=1e-3)
    assert value.value > 15
    assert made.scores.get().content["detected"]["mpjpe"] == pytest.approx(10.0, abs=1e-3)
    assert set(MetricValue.objects.filter(score__submission=whole).values_list("detected", flat=True)) == {None}
    cells = {row.submission.method: row.cells[0] for row in leaderboard(benchmark=ours, user=member, metric="mpjpe").rows}
    assert (cells["partial"].detected_text, cells["whole"].detected) == ("10.00", None)


def test_worst_frames_have_the_frame_numbers_of_the_clip_also_with_two_hands_and_missing_frames(make_benchmark, member):
    frame = np.concatenate([np.arange(0, 200, 20), np.arange(5, 205, 20)]).astype(np.int32)
    hand = np.repeat([0, 1], 10)
    truth = replace(hands(20, seed=1), frame=frame, track=hand.astype(np.int32), side=hand.astype(np.uint8))
    ours = make_benchmark(zipped(one=truth))
    ours.shows_frames = True
    ours.save()
    off = truth.joints.copy()
    off[[4, 13]] += [[[0.05, 0, 0]], [[0.09, 0, 0]]]
    made = submit(ours, member, zipped(one=replace(truth, joints=off)), "m")
    first, second, *_ = worst_frames(made.scores.get(), "mpjpe", member)
    assert (first.frame, second.frame) == (65, 80)
    assert [round(each.value) for each in (first, second)] == [90, 50]
    assert (first.upload, first.run) == (None, None)


def test_a_worst_frame_opens_the_run_that_was_submitted_for_those_who_see_its_video(make_benchmark, member, team):
    ours = make_benchmark(zipped(one=hands(20, seed=1)))
    ours.shows_frames = True
    ours.save()
    made = submit(ours, member, zipped(one=moved(hands(20, seed=1), 10.0)), "m")
    run = RunFactory(upload=UploadFactory(subject=SubjectFactory(team=team)))
    made.runs.add(run)
    truth = ours.truths.get()
    truth.sequences[0]["upload"] = str(run.upload_id)
    truth.save()
    shown = worst_frames(made.scores.get(), "mpjpe", member)[0]
    assert (shown.upload, shown.run) == (str(run.upload_id), str(run.pk))
    hidden = worst_frames(made.scores.get(), "mpjpe", UserFactory())[0]
    assert (hidden.upload, hidden.run) == (None, None)

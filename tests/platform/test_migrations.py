"""Migrations keep the data of an installation."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone


@pytest.fixture
def migrate(transactional_db):
    """Migrates the database to some nodes and returns the models of that state; afterwards it is up to date again."""

    def to(nodes):
        executor = MigrationExecutor(connection)
        executor.migrate(nodes)
        return MigrationExecutor(connection).loader.project_state([node for node in nodes if node[1]]).apps

    yield to
    to(MigrationExecutor(connection).loader.graph.leaf_nodes())


def test_tags_become_subsets_and_revisions_keep_their_rule(migrate):
    apps = migrate([("submissions", None), ("benchmarks", "0002_sent_file")])
    team = apps.get_model("teams", "Team").objects.create(name="Old")
    facts = {"name": "Old", "protocol": "palmares", "missing": "penalised", "penalty_mm": 40.0}
    benchmark = apps.get_model("benchmarks", "Benchmark").objects.create(team=team, slug="old", **facts)
    tagged = {"a": ["x"], "b": [], "c": ["x", "y"]}
    sequences = [{"name": name, "rows": 5, "tags": tags, "upload": None} for name, tags in tagged.items()]
    truth = apps.get_model("benchmarks", "Truth").objects.create(benchmark=benchmark, version=1, sequences=sequences)
    apps.get_model("benchmarks", "Revision").objects.create(benchmark=benchmark, truth=truth, number=1)
    apps = migrate([("benchmarks", "0003_subsets_and_rules")])
    truth = apps.get_model("benchmarks", "Truth").objects.get()
    assert truth.subsets == {"x": [[0, 4], [10, 14]], "y": [[10, 14]]}
    assert truth.sequences[0] == {"name": "a", "rows": 5, "upload": None}
    revision = apps.get_model("benchmarks", "Revision").objects.get()
    assert (revision.missing, revision.penalty_mm) == ("penalised", 40.0)


BEFORE = [("runs", "0005_calibration_problem"), ("benchmarks", "0003_subsets_and_rules"), ("uploads", "0001_initial")]
"""The last migrations of version 0.1."""


def test_submissions_and_calibrations_survive_the_move_to_apps_of_their_own(migrate):
    old = migrate([("submissions", None), ("calibrations", None), *BEFORE])
    team = old.get_model("teams", "Team").objects.create(name="Old")
    user = old.get_model("teams", "User").objects.create(email="old@example.org")
    subject = old.get_model("subjects", "Subject").objects.create(team=team, name="S")
    upload = old.get_model("uploads", "Upload").objects.create(subject=subject, name="clip.mp4", size_bytes=1)
    run = old.get_model("runs", "Run").objects.create(upload=upload, method="2d-fit", method_version="1")
    calibration = old.get_model("runs", "Calibration").objects.create(
        subject=subject, problem="fused", facts={"problem": "fused", "pictures": [{"frame": 3}]}
    )
    calibration.uploads.add(upload)
    benchmark = old.get_model("benchmarks", "Benchmark").objects.create(team=team, slug="old", name="Old", protocol="palmares")
    board = old.get_model("benchmarks", "Board").objects.create(benchmark=benchmark, slug="all", name="All")
    truth = old.get_model("benchmarks", "Truth").objects.create(benchmark=benchmark, version=1)
    revision = old.get_model("benchmarks", "Revision").objects.create(
        benchmark=benchmark, truth=truth, number=1, missing="unranked"
    )
    submission = old.get_model("benchmarks", "Submission").objects.create(
        benchmark=benchmark, truth=truth, team=team, method="m", name="m.zip"
    )
    submission.runs.add(run)
    score = old.get_model("benchmarks", "Score").objects.create(
        submission=submission, revision=revision, coverage=1.0, report={}, figures={"pa_mpjpe": 7.5}, folder="x"
    )
    old.get_model("benchmarks", "Figure").objects.create(
        score=score, board=board, metric="pa_mpjpe", value=7.5, low=7.0, high=8.0, coverage=1.0, is_ranked=True
    )
    old.get_model("benchmarks", "SentFile").objects.create(created_by=user, name="p.zip", size_bytes=9)

    new = migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())
    moved = new.get_model("submissions", "Submission").objects.get()
    assert (moved.pk, [r.pk for r in moved.runs.all()]) == (submission.pk, [run.pk])
    assert (moved.scorings.get().revision_id, moved.scorings.get().status) == (revision.pk, "succeeded")
    assert moved.scores.get().metrics == {"pa_mpjpe": 7.5}
    assert new.get_model("submissions", "MetricValue").objects.get().value == 7.5
    assert new.get_model("submissions", "PendingFile").objects.get().name == "p.zip"
    calibration = new.get_model("calibrations", "Calibration").objects.get()
    assert [u.pk for u in calibration.uploads.all()] == [upload.pk]
    assert (calibration.solver, calibration.facts) == ("shrinkage", {"solver": "shrinkage", "images": [{"frame": 3}]})


def test_scorings_are_made_for_submissions_of_every_status_and_revisions_keep_their_order(migrate):
    """Where the truth was replaced during the work: what is missing on boards is queued, nothing is scored twice."""
    old = migrate([("submissions", "0004_shape_titles"), ("benchmarks", "0006_truth_clusters")])
    team = old.get_model("teams", "Team").objects.create(name="Old")
    benchmark = old.get_model("benchmarks", "Benchmark").objects.create(team=team, slug="old", name="Old", protocol="palmares")
    now = timezone.now()

    def truth(version, status):
        return old.get_model("benchmarks", "Truth").objects.create(benchmark=benchmark, version=version, status=status)

    def revision(number, truth, status, scorer, published):
        return old.get_model("benchmarks", "Revision").objects.create(
            benchmark=benchmark, truth=truth, number=number, missing="unranked", status=status, scorer_version=scorer,
            published_at=now if published else None, finished_at=now,
        )  # fmt: skip

    first, unreadable, second = truth(1, "succeeded"), truth(2, "failed"), truth(3, "succeeded")
    revision(1, first, "failed", "", True)  # it was published when it began, and failed
    shown = revision(2, first, "succeeded", "2 (0123456789ab)", True)
    revision(3, unreadable, "failed", "", False)
    revision(4, first, "succeeded", "3 (0123456789ab)", False)  # another one took its place
    pending = revision(5, second, "running", "", False)

    def submission(method, status, truth, scored=(), **facts):
        made = old.get_model("submissions", "Submission").objects.create(
            benchmark=benchmark, truth=truth, team=team, method=method, name="m.zip", status=status, **facts
        )
        for each in scored:
            made.scores.create(revision=each, coverage=1.0, report={}, metrics={}, folder="x")

    submission("scored", "succeeded", first, [shown])
    submission("scored for another truth alone", "succeeded", second, [pending])
    submission("queued while the truth was replaced", "queued", first)
    submission("at work", "running", second)
    submission("failed", "failed", first, error="20 joints, expected 21.")
    submission("deleted", "succeeded", first, deleted_at=now)
    submission("deleted before it was scored", "running", first, deleted_at=now)

    new = migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())
    revisions = new.get_model("benchmarks", "Revision").objects.order_by("number")
    assert [r.cancelled_at is not None for r in revisions] == [True, False, False, True, False]
    assert [r.scorer_version for r in revisions] == [0, 2, 0, 3, 0]
    found = {
        submission.method: {scoring.revision.number: scoring.status for scoring in submission.scorings.all()}
        for submission in new.get_model("submissions", "Submission").objects.all()
    }
    assert found == {
        "scored": {2: "succeeded", 5: "queued"},
        "scored for another truth alone": {2: "queued", 5: "succeeded"},
        "queued while the truth was replaced": {2: "queued", 5: "queued"},
        "at work": {2: "queued", 5: "queued"},
        "failed": {2: "failed"},
        "deleted": {4: "succeeded"},
        "deleted before it was scored": {4: "cancelled"},
    }
    assert new.get_model("submissions", "Scoring").objects.get(status="failed").error == "20 joints, expected 21."


def test_truths_of_rendered_clips_that_people_added_become_ground_truths(migrate):
    old = migrate([("uploads", "0003_bytes_received_at"), ("subjects", "0002_initial")])
    team = old.get_model("teams", "Team").objects.create(name="Old")
    user = old.get_model("teams", "User").objects.create(email="old@example.org")
    subject = old.get_model("subjects", "Subject").objects.create(team=team, name="S")
    uploads = old.get_model("uploads", "Upload").objects
    rendered = uploads.create(subject=subject, name="a.mp4", size_bytes=1, truth="uploads/a/truth.npz", created_by=user)
    uploads.create(subject=subject, name="of a benchmark.mp4", size_bytes=1, truth="uploads/b/truth.npz")
    uploads.create(subject=subject, name="without.mp4", size_bytes=1, created_by=user)
    new = migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())
    truth = new.get_model("uploads", "GroundTruth").objects.get()
    assert (truth.upload_id, truth.source, truth.status, truth.format) == (
        rendered.pk, "uploads/a/truth.npz", "queued", "palmares",
    )  # fmt: skip


def test_shapes_runs_and_predictions_of_the_first_open_hand_model_are_labelled_open_1(migrate):
    old = migrate([("subjects", "0002_initial"), ("runs", "0008_scores_and_external_runs"), ("uploads", "0004_ground_truth")])
    team = old.get_model("teams", "Team").objects.create(name="Old")
    subject = old.get_model("subjects", "Subject").objects.create(team=team, name="S")
    upload = old.get_model("uploads", "Upload").objects.create(subject=subject, name="clip.mp4", size_bytes=1)
    for hand_model in ("open", "mano"):
        old.get_model("subjects", "HandShape").objects.create(subject=subject, hand_model=hand_model, betas=[0.0] * 10)
        facts = {"folder": hand_model, "size_bytes": 1, "rows": 1, "hand_model": hand_model}
        made = old.get_model("runs", "Prediction").objects.create(**facts)
        given = {"given": {"side": "both", "words": "given", "betas": [0.0] * 10}}
        old.get_model("runs", "Run").objects.create(
            upload=upload, method="2d-fit", method_version="1", hand_model=hand_model, shape=given, prediction=made
        )
    new = migrate(MigrationExecutor(connection).loader.graph.leaf_nodes())
    expected = {"open-1", "mano"}
    assert set(new.get_model("subjects", "HandShape").objects.values_list("hand_model", flat=True)) == expected
    assert set(new.get_model("runs", "Prediction").objects.values_list("hand_model", flat=True)) == expected
    assert {run.shape["given"]["hand_model"] for run in new.get_model("runs", "Run").objects.all()} == expected

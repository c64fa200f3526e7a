"""What an installation holds goes with it through a change of the tables."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


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
    calibration = old.get_model("runs", "Calibration").objects.create(subject=subject)
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
    assert (moved.pk, moved.truth_id, [r.pk for r in moved.runs.all()]) == (submission.pk, truth.pk, [run.pk])
    assert moved.scores.get().metrics == {"pa_mpjpe": 7.5}
    assert new.get_model("submissions", "MetricValue").objects.get().value == 7.5
    assert new.get_model("submissions", "PendingFile").objects.get().name == "p.zip"
    assert [u.pk for u in new.get_model("calibrations", "Calibration").objects.get().uploads.all()] == [upload.pk]

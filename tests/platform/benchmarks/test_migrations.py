"""What an installation holds goes with it through a change of the tables."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def migrated(name: str):
    executor = MigrationExecutor(connection)
    executor.migrate([("benchmarks", name)])
    return executor.loader.project_state([("benchmarks", name)]).apps


@pytest.mark.django_db(transaction=True)
def test_tags_become_subsets_and_revisions_keep_their_rule():
    apps = migrated("0002_sent_file")
    team = apps.get_model("teams", "Team").objects.create(name="Old")
    facts = {"name": "Old", "protocol": "palmares", "missing": "penalised", "penalty_mm": 40.0}
    benchmark = apps.get_model("benchmarks", "Benchmark").objects.create(team=team, slug="old", **facts)
    tagged = {"a": ["x"], "b": [], "c": ["x", "y"]}
    sequences = [{"name": name, "rows": 5, "tags": tags, "upload": None} for name, tags in tagged.items()]
    truth = apps.get_model("benchmarks", "Truth").objects.create(benchmark=benchmark, version=1, sequences=sequences)
    apps.get_model("benchmarks", "Revision").objects.create(benchmark=benchmark, truth=truth, number=1)
    apps = migrated("0003_subsets_and_rules")
    truth = apps.get_model("benchmarks", "Truth").objects.get()
    assert truth.subsets == {"x": [[0, 4], [10, 14]], "y": [[10, 14]]}
    assert truth.sequences[0] == {"name": "a", "rows": 5, "upload": None}
    revision = apps.get_model("benchmarks", "Revision").objects.get()
    assert (revision.missing, revision.penalty_mm) == ("penalised", 40.0)

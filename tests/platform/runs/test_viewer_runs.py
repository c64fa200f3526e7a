"""Which runs of an upload its viewer offers: the named ones, the first methods', then the newest, nine in all."""

from __future__ import annotations

from typing import Any

from ml.catalog import METHODS
from palmares.queue.models import Status
from palmares.runs.viewer_runs import IN_VIEWER, runs_to_offer
from tests.factories import RunFactory


def test_the_first_methods_are_there_though_others_are_newer(upload: Any):
    made = [RunFactory(upload=upload, method=name, status=Status.SUCCEEDED) for name in METHODS]
    assert len(made) > IN_VIEWER
    offered = runs_to_offer(upload.runs.all())
    assert offered[:2] == [run.pk for run in made[:2]]  # the catalogue begins with them
    assert offered[2:] == [run.pk for run in reversed(made[-(IN_VIEWER - 2) :])]


def test_the_newest_of_each_first_method(upload: Any):
    old, new = (RunFactory(upload=upload, method="hmp2024") for _ in range(2))
    own = RunFactory(upload=upload, method="2d-fit")
    assert runs_to_offer(upload.runs.all()) == [new.pk, own.pk, old.pk]


def test_named_runs_come_first_however_old(upload: Any, client: Any, member: Any):
    named = RunFactory(upload=upload, method="2d-fit")
    for _ in range(IN_VIEWER):
        RunFactory(upload=upload, method="mediapipe-ik")
    RunFactory(upload=upload, method="hmp2024")
    assert runs_to_offer(upload.runs.all(), wanted=[named.pk])[0] == named.pk
    client.force_login(member)
    page = client.get(f"/uploads/{upload.pk}/view/?runs=junk, {str(named.pk).upper()}").content.decode()
    assert page.count('"method_title":') == IN_VIEWER
    assert f'"id": "{named.pk}"' in page

"""Order of the queue: teams take turns, and work requested by people goes before the demonstration."""

from __future__ import annotations

from datetime import timedelta

import pytest

from palmares.queue import services
from palmares.queue.clock import database_now
from palmares.queue.fairness import place_in_queue
from palmares.queue.models import Status
from palmares.runs.models import Run
from palmares.teams.models import Team
from tests.factories import RunFactory, SubjectFactory, TeamFactory, UploadFactory

pytestmark = pytest.mark.django_db


def queue_runs(team: Team, count: int, **facts) -> list[Run]:
    upload = UploadFactory(subject=SubjectFactory(team=team), **facts)
    start = database_now() - timedelta(minutes=5)
    upload.queued_at = start - timedelta(days=2)
    upload.save()
    return [RunFactory(upload=upload, status=Status.QUEUED, queued_at=start + timedelta(seconds=n)) for n in range(count)]


def queue_later(runs: list[Run]) -> None:
    for run in runs:
        Run.objects.filter(pk=run.pk).update(queued_at=database_now())


def take() -> Run | None:
    return services.claim_next(queue="cpu", seconds=30)


def finish(run: Run) -> None:
    services.succeed(item=run, publish=lambda: None)


def test_a_team_with_many_runs_does_not_make_another_wait(team):
    many = queue_runs(team, 120)
    few = queue_runs(TeamFactory(), 3)
    queue_later(few)
    taken = []
    for _ in range(6):
        run = take()
        taken.append(run.pk)
        finish(run)
    assert taken == [many[0].pk, few[0].pk, many[1].pk, few[1].pk, many[2].pk, few[2].pk]


def test_with_several_workers_a_team_without_a_running_run_is_next(team):
    many, few = queue_runs(team, 5), queue_runs(TeamFactory(), 1)
    assert take().pk == many[0].pk
    assert take().pk == few[0].pk
    assert take().pk == many[1].pk


def test_queue_positions_match_the_order_in_which_rows_are_claimed(team):
    rows = [*queue_runs(team, 6), *queue_runs(TeamFactory(), 3), *queue_runs(TeamFactory(), 1)]
    places = {run.pk: place_in_queue(item=run) for run in rows}
    assert sorted(places.values()) == list(range(1, 11))
    order = []
    while (run := take()) is not None:
        order.append(run.pk)
        finish(run)
    assert [places[pk] for pk in order] == list(range(1, 11))


def test_work_that_people_asked_for_precedes_the_demonstrations(team):
    demo = queue_runs(TeamFactory(), 3, facts={"synthetic": {}})
    asked = queue_runs(team, 2)
    queue_later(asked)
    for run in (*asked, *demo):
        run.refresh_from_db()
    assert [place_in_queue(item=run) for run in (*asked, *demo)] == [1, 2, 3, 4, 5]
    order = []
    while (run := take()) is not None:
        order.append(run.pk)
        finish(run)
    assert order == [run.pk for run in (*asked, *demo)]


def test_runs_of_the_demonstration_are_taken_after_a_long_wait(team):
    (demo,) = queue_runs(TeamFactory(), 1, facts={"synthetic": {}})
    queue_runs(team, 2)
    Run.objects.filter(pk=demo.pk).update(queued_at=database_now() - timedelta(hours=2))
    assert take().pk == demo.pk


def test_nothing_to_do():
    assert take() is None

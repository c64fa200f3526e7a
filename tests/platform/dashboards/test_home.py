"""The home page shows a team's first dashboard, and the demonstration brings one."""

from __future__ import annotations

import re

from django.db import connection

from palmares.dashboards.content import TITLES
from palmares.dashboards.first_dashboard import NAME, SURVEY_NAME, ensure_first_dashboard
from palmares.dashboards.home_page import RUNNING
from palmares.dashboards.models import Dashboard
from palmares.leaderboards.synthetic_benchmark import ensure_embedded
from palmares.queue.models import OPEN_STATUSES, Status
from palmares.runs.demo_team import ensure_demo
from palmares.runs.models import Prediction, Run
from palmares.teams.services import first_team
from tests.factories import RunFactory, UploadFactory


def test_without_a_dashboard_home_lists_the_latest_results(client, member, finished_run):
    client.force_login(member)
    assert "Latest results" in client.get("/").content.decode()


def test_the_number_of_queries_of_home_does_not_grow_with_runs(client, member, upload, django_assert_num_queries):
    client.force_login(member)
    for count in (1, 10):
        for _ in range(count):
            for status in (Status.SUCCEEDED, Status.QUEUED):
                run = RunFactory(upload=upload, status=status)
                if status == Status.SUCCEEDED:
                    about = {"sha256": "0" * 64, "size_bytes": 1, "rows": 1, "hand_model": "open"}
                    run.prediction = Prediction.objects.create(folder=f"runs/{run.pk}/1", **about)
                    run.save()
            UploadFactory(subject=upload.subject, status=Status.QUEUED)
        # session, person; dashboard; number and first of runs and uploads on their way; two for what to compare; roles, teams;
        # newest results
        with django_assert_num_queries(12) as asked:
            page = client.get("/").content.decode()
        assert page.count('data-live="run"') == min(RUNNING, Run.objects.filter(status=Status.QUEUED).count())
        assert not any("losses" in query["sql"] for query in asked.captured_queries)


def test_home_shows_how_many_queued_rows_it_does_not_list(client, member, upload):
    RunFactory.create_batch(RUNNING + 3, upload=upload, status=Status.QUEUED)
    UploadFactory.create_batch(RUNNING + 2, subject=upload.subject, status=Status.QUEUED)
    client.force_login(member)
    assert "And 5 more in the queue." in client.get("/").content.decode()


def test_running_work_is_listed_before_older_queued_work(client, member, upload):
    RunFactory.create_batch(RUNNING, upload=upload, status=Status.QUEUED)
    running = RunFactory(upload=upload, status=Status.RUNNING)
    client.force_login(member)
    page = client.get("/").content.decode()
    listed = re.findall(r'data-live="run" data-id="([0-9a-f-]+)"', page)
    assert listed[0] == str(running.pk)


def test_newest_results_and_open_runs_are_found_by_an_index(member):
    """However many runs there are; sorting is disabled in PostgreSQL, which would not sort a large table either."""
    runs = Run.objects.visible_to(member)
    newest = runs.filter(status=Status.SUCCEEDED).order_by("-finished_at", "-id")[:12]
    waiting = runs.filter(status__in=OPEN_STATUSES).order_by("created_at", "id")[:RUNNING]
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_sort = off")
        cursor.execute("SET LOCAL enable_incremental_sort = off")
        cursor.execute("SET LOCAL enable_seqscan = off")
    assert "run_newest_results" in newest.explain()
    assert "run_open" in waiting.explain()


def test_the_demonstration_creates_a_dashboard_that_home_shows(client, db):
    user = ensure_demo()
    team = first_team(user=user)
    ensure_embedded(team=team)
    made = ensure_first_dashboard(team=team)
    assert ensure_first_dashboard(team=team) == made
    survey = Dashboard.objects.exclude(pk=made.pk).get()
    assert survey.name == SURVEY_NAME
    client.force_login(user)
    page = client.get("/").content.decode()
    assert NAME in page
    assert "Latest results" not in page
    kinds = [panel["kind"] for panel in made.versions.get().content["panels"]]
    for dashboard in (made, survey):
        for panel in dashboard.versions.get().content["panels"]:
            answer = client.get(f"/dashboards/{dashboard.pk}/panels/{panel['id']}/")
            assert answer.status_code == 200
    assert set(kinds) == set(TITLES) - {"image"}

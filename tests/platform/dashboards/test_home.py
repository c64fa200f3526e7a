"""The home page shows a team's first dashboard, and the demonstration brings one."""

from __future__ import annotations

from palmares.dashboards.content import TITLES
from palmares.dashboards.first_dashboard import NAME, SURVEY_NAME, ensure_first_dashboard
from palmares.dashboards.models import Dashboard
from palmares.leaderboards.synthetic_benchmark import ensure_embedded
from palmares.runs.demo_team import ensure_demo
from palmares.teams.services import first_team


def test_without_a_dashboard_home_lists_the_latest_results(client, member, finished_run):
    client.force_login(member)
    assert "Latest results" in client.get("/").content.decode()


def test_the_demonstration_brings_one_that_home_shows(client, db):
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

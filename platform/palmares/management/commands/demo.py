"""`manage.py demo`: the demo team, its synthetic uploads and runs, and the embedded benchmark."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from palmares.dashboards.first_dashboard import ensure_first_dashboard
from palmares.leaderboards.synthetic_benchmark import ensure_embedded
from palmares.runs.demo_team import TEAM, ensure_demo
from palmares.teams.services import first_team


class Command(BaseCommand):
    """See `palmares.runs.demo_team` and `palmares.leaderboards.synthetic_benchmark`."""

    help = "Create the demo user, team, synthetic subjects and uploads, and queue every method on them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--again", action="store_true", help="one more synthetic upload a subject, and runs on it")

    def handle(self, *args: Any, **options: Any) -> None:
        user = ensure_demo(again=options["again"])
        team = first_team(user=user)
        ensure_embedded(team=team)
        ensure_first_dashboard(team=team)
        self.stdout.write(
            f"The team “{TEAM}” of {user.email} is there; its videos are rendered and worked on as workers get to them."
        )

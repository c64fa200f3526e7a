"""`manage.py token EMAIL`: a bearer token of the API."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from palmares.api.problems import ConflictError
from palmares.teams.access import create_token
from palmares.teams.models import User


class Command(BaseCommand):
    """Prints the token and nothing else, so that a shell can keep it."""

    help = "Print a new bearer token of the user EMAIL, and nothing else."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--name", default="manage.py token", help="what the token is listed as")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email=options["email"].lower(), is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {options['email']}; `manage.py demo` makes demo@palmares.local.")
        try:
            _, token = create_token(user=user, name=options["name"])
        except ConflictError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(token)

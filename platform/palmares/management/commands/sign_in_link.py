"""Print a one-time sign-in link."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from palmares.teams.access import LINK_LIFETIME, create_sign_in_link
from palmares.teams.models import User


class Command(BaseCommand):
    """See `palmares.teams.welcome`."""

    help = "Print a link that signs a user in once; it is valid for 12 hours."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="of the user")
        parser.add_argument("--server", default="http://localhost:8000", help="address of the server (default: %(default)s)")

    def handle(self, *args: Any, **options: Any) -> None:
        user = User.objects.filter(email__iexact=options["email"], is_active=True).first()
        if user is None:
            raise CommandError(f"There is no active user {options['email']}.")
        path = reverse("welcome", args=[create_sign_in_link(user=user)])
        self.stdout.write(f"{options['server'].rstrip('/')}{path}")
        self.stderr.write(f"Valid once, for {LINK_LIFETIME.total_seconds() / 3600:.0f} hours.")

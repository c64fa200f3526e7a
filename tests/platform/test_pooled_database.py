"""A database behind a pooler that gives every transaction another connection, such as PgBouncer in transaction mode."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.db import connection

from palmares.teams.models import User
from tests.factories import UserFactory

SHOW = """
from django.conf import settings
from palmares.api.database_pool import use_pool
use_pool(requests=1)
print(settings.DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"])
"""


@pytest.mark.parametrize(
    ("query", "expected"),
    [("", False), ("?DISABLE_SERVER_SIDE_CURSORS=true", True), ("?DISABLE_SERVER_SIDE_CURSORS=false", False)],
)
def test_the_address_of_the_database_says_whether_cursors_may_stay_open(query, expected):
    address = {"DATABASE_URL": f"postgres://u@127.0.0.1/x{query}", "REDIS_URL": "redis://127.0.0.1/0"}
    environment = {**os.environ, **address, "DJANGO_SETTINGS_MODULE": "palmares.settings.development"}
    done = subprocess.run([sys.executable, "-c", SHOW], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(expected)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("disabled", "open_cursors"), [(True, 0), (False, 1)])
def test_no_cursor_outlives_its_transaction_where_that_is_asked_for(monkeypatch, disabled, open_cursors):
    UserFactory.create_batch(3)
    monkeypatch.setitem(connection.settings_dict, "DISABLE_SERVER_SIDE_CURSORS", disabled)
    seen = []
    for _ in User.objects.iterator(chunk_size=1):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_cursors WHERE is_holdable")
            seen.append(cursor.fetchone()[0])
    assert seen == [open_cursors] * 3


@pytest.mark.django_db(transaction=True)
def test_statements_are_not_prepared():
    UserFactory()
    for _ in range(12):  # psycopg would prepare the sixth
        list(User.objects.all())
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements")
        assert cursor.fetchone()[0] == 0

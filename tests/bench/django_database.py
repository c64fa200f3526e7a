"""A PostgreSQL database for measurements of the web in this process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def django_database() -> Iterator[None]:
    """Django with an empty test database, which is removed at the end."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "palmares.settings.testing")
    import django  # noqa: PLC0415

    django.setup()
    from django.conf import settings  # noqa: PLC0415
    from django.test.utils import get_runner, setup_test_environment, teardown_test_environment  # noqa: PLC0415

    runner = get_runner(settings)(verbosity=0, interactive=False)
    setup_test_environment()
    databases = runner.setup_databases()
    try:
        yield
    finally:
        runner.teardown_databases(databases)
        teardown_test_environment()

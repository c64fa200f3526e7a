"""Machines whose clocks are minutes off: leases are compared with the database's clock alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from palmares.queue import services
from palmares.queue.models import Status
from palmares.runs.models import Run
from tests.factories import RunFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(240)]
ROOT = Path(__file__).resolve().parents[3]
_ON_A_MACHINE_WITH_A_WRONG_CLOCK = """
import sys
from datetime import timedelta
import django
django.setup()
from django.utils import timezone
right = timezone.now
timezone.now = lambda: right() + timedelta(seconds=float(sys.argv[1]))
from palmares.queue import services
from palmares.runs.models import Run
if sys.argv[2] == "reap":
    print(services.reap().lost)
else:
    item = services.claim(model=Run, pk=sys.argv[3], seconds=30)
    services.heartbeat(item=item, stage="Fitting", progress=0.5, seconds=30)
"""


@pytest.fixture
def elsewhere(settings):
    """Run a step of the queue on a machine whose clock is wrong by so many seconds; what it printed."""
    database = settings.DATABASES["default"]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "palmares.settings.testing",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
        "DATABASE_URL": f"postgres://postgres@{quote(database['HOST'], safe='')}/{database['NAME']}",
        "REDIS_URL": settings.REDIS_URL,
    }

    def run(wrong_by: float, *words: str) -> str:
        command = [sys.executable, "-c", _ON_A_MACHINE_WITH_A_WRONG_CLOCK, str(wrong_by), *words]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()

    return run


@pytest.mark.parametrize("wrong_by", [120.0, -120.0])
def test_a_reaper_with_a_wrong_clock_leaves_healthy_work_alone_and_finds_lost_work(elsewhere, wrong_by):
    healthy, lost = (RunFactory(status=Status.QUEUED) for _ in range(2))
    assert services.claim(model=Run, pk=healthy.pk, seconds=30)
    assert services.claim(model=Run, pk=lost.pk, seconds=-1)
    assert elsewhere(wrong_by, "reap") == "1"
    healthy.refresh_from_db()
    lost.refresh_from_db()
    assert (healthy.status, lost.status) == (Status.RUNNING, Status.QUEUED)


@pytest.mark.parametrize("wrong_by", [120.0, -120.0])
def test_a_worker_with_a_wrong_clock_gets_a_lease_of_normal_length(elsewhere, wrong_by):
    run = RunFactory(status=Status.QUEUED)
    elsewhere(wrong_by, "claim", str(run.pk))
    run.refresh_from_db()
    assert services.reap().lost == 0
    assert 0 < (run.lease_expires_at - services.database_now()).total_seconds() <= 30

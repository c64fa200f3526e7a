"""Every process killed under `manage.py up` is restarted automatically, together with the processes that need it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.bench.bench_recovery import VICTIMS, kill, prepare, seconds_away
from tests.bench.installation import Installation

pytestmark = pytest.mark.timeout(280)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    running = Installation(tmp_path_factory.mktemp("recovery") / "data")
    prepare(running)
    yield running
    running.stop()


@pytest.mark.parametrize("victim", VICTIMS)
def test_after_a_kill_the_process_and_its_data_are_back(platform: Installation, victim: str) -> None:
    team = platform.get("/api/v1/teams/")
    seconds_away(platform, victim)
    assert platform.get("/api/v1/teams/") == team


def test_database_and_its_daemon_killed_together_are_back(platform: Installation) -> None:
    kill(platform, "postgres daemon")
    seconds_away(platform, "postgres")

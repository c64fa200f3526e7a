"""PostgreSQL and Redis for one installation: shared by its processes, private, and stopped when no process needs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from palmares.local import embedded_servers as embedded

ROOT = Path(__file__).resolve().parents[3]
_ASK = """
import sys, time
from pathlib import Path
from palmares.local import embedded_servers as embedded
print(embedded.database_url(Path(sys.argv[1])), embedded.redis_url(Path(sys.argv[1])), flush=True)
time.sleep(float(sys.argv[2]))
"""


def ask(data: Path, seconds: float = 0.0) -> subprocess.Popen[str]:
    """A separate process that asks for both URLs and runs for so many seconds."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "platform"), "PALMARES_FSYNC": "off"}
    command = [sys.executable, "-c", _ASK, str(data), str(seconds)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def wait_until_gone(processes: list[psutil.Process]) -> None:
    assert not psutil.wait_procs(processes, timeout=30)[1]


def test_many_processes_share_one_pair_of_servers_which_ends_with_the_last(tmp_path):
    askers = [ask(tmp_path, 2.0) for _ in range(4)]
    urls = {first_line(process) for process in askers}
    assert len(urls) == 1
    ids = embedded.process_ids(tmp_path)
    servers = [psutil.Process(ids["postgres"]), psutil.Process(ids["redis"])]
    askers[0].kill()
    for process in askers:
        process.communicate()
    wait_until_gone(servers)
    assert embedded.process_ids(tmp_path) == {}


def test_data_is_kept_after_a_restart(tmp_path):
    name = "DATABASE_URL"
    url = embedded.database_url(tmp_path)
    assert url == embedded.database_url(tmp_path), name
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE kept (word text)")
        connection.execute("INSERT INTO kept VALUES ('palm')")
    embedded.release(tmp_path)
    assert embedded.process_ids(tmp_path) == {}
    with psycopg.connect(embedded.database_url(tmp_path)) as connection:
        assert connection.execute("SELECT word FROM kept").fetchall() == [("palm",)]
    embedded.release(tmp_path)


def test_a_database_of_the_tests_survives_the_start_of_other_tests(tmp_path, tmp_path_factory):
    """Pytest closes its folder to the user that PostgreSQL runs as where root runs the tests."""
    url = embedded.database_url(tmp_path)
    others = tmp_path_factory.mktemp("others")
    (others / "test_other.py").write_text("def test_it(tmp_path): pass")
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_DEBUG_TEMPROOT"}
    subprocess.run([sys.executable, "-m", "pytest", "-c", os.devnull, others], env=environment, check=True, capture_output=True)
    with psycopg.connect(url) as connection:
        connection.execute("CHECKPOINT")  # it opens files by their whole path
    embedded.release(tmp_path)


def test_a_killed_server_restarts_at_the_same_address(tmp_path):
    url = embedded.redis_url(tmp_path)
    psutil.Process(embedded.process_ids(tmp_path)["redis"]).kill()
    with redis.Redis.from_url(url) as client:
        deadline = time.monotonic() + 20
        while True:
            try:
                assert client.ping()
                break
            except redis.ConnectionError:
                assert time.monotonic() < deadline
    embedded.release(tmp_path)


def test_a_killed_daemon_is_revived_where_it_was_with_what_was_written(tmp_path):
    database, broker = embedded.database_url(tmp_path), embedded.redis_url(tmp_path)
    with psycopg.connect(database) as connection:
        connection.execute("CREATE TABLE kept (word text)")
    for name in ("postgres", "redis"):
        daemon = psutil.Process(json.loads((tmp_path / "run" / f"{name}.json").read_text())["daemon"])
        daemon.kill()
        wait_until_gone([daemon])
    embedded.revive(tmp_path)
    with psycopg.connect(database) as connection, redis.Redis.from_url(broker) as client:
        assert connection.execute("SELECT * FROM kept").fetchall() == []
        assert client.ping()
    running = embedded.process_ids(tmp_path)
    embedded.revive(tmp_path)
    assert embedded.process_ids(tmp_path) == running, "what runs is left alone"
    embedded.release(tmp_path)


def test_no_orphan_process_writes_after_the_database_server_was_killed(tmp_path):
    url = embedded.database_url(tmp_path)
    old = psutil.Process(embedded.process_ids(tmp_path)["postgres"])
    with psycopg.connect(url) as connection:
        orphans = old.children(recursive=True)
        assert any(process.pid == connection.info.backend_pid for process in orphans)
        old.kill()
        wait_until_gone(orphans)
    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(url).close()
            break
        except psycopg.OperationalError:
            assert time.monotonic() < deadline
    embedded.release(tmp_path)


def test_a_stale_process_id_does_not_keep_postgres_from_starting(tmp_path):
    embedded.database_url(tmp_path)
    embedded.release(tmp_path)
    (tmp_path / "postgres" / "postmaster.pid").write_text(f"{os.getpid()}\n{tmp_path / 'postgres'}\n")
    embedded.database_url(tmp_path)
    embedded.release(tmp_path)


def test_keys_are_private_and_redis_asks_for_its_password(tmp_path):
    key = embedded.secret_key(tmp_path)
    assert len(key) > 40
    assert embedded.secret_key(tmp_path) == key
    url = embedded.redis_url(tmp_path)
    for path in ("secret_key", "redis/redis.conf", "run/redis.json"):
        assert (tmp_path / path).stat().st_mode & 0o077 == 0
    with redis.Redis(port=int(url.rsplit(":", 1)[1].split("/")[0])) as outsider, pytest.raises(redis.AuthenticationError):
        outsider.ping()
    embedded.release(tmp_path)


def test_servers_start_below_a_long_path(tmp_path):
    data = tmp_path / ("long-" * 20) / ("longer-" * 10)
    with psycopg.connect(embedded.database_url(data)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    embedded.release(data)


def test_why_a_server_does_not_start_is_said(tmp_path):
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").write_text("12\n")
    with pytest.raises(embedded.EmbeddedError, match="postgres does not start") as raised:
        embedded.database_url(tmp_path)
    assert "postgres.log ends with" in str(raised.value)

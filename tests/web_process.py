"""A real web server on the test's database, storage and Redis, in a process of its own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connection

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 120.0


class WebProcess:
    """A started server."""

    def __init__(self, environment: dict[str, str], log: Path, flags: tuple[str, ...] = ()) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        self.log = log
        command = [
            sys.executable,
            "-m",
            "uvicorn",
            "palmares.asgi:application",
            "--no-proxy-headers",
            "--port",
            str(self.port),
            *flags,
        ]
        with log.open("ab") as output:
            self.process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=output, stderr=output)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.get("/accounts/login/")
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                assert self.process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def get(self, path: str, headers: dict[str, str] | None = None, timeout: float = 60.0) -> bytes:
        request = urllib.request.Request(self.url(path), headers=headers or {})
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return bytes(answer.read())

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def start_web(transactional_db, settings, tmp_path: Path) -> Iterator[Callable[..., WebProcess]]:
    """Start a web server; all are killed afterwards. Environment variables are given by name."""
    database = settings.DATABASES["default"]
    started: list[WebProcess] = []

    def start(*flags: str, **variables: str) -> WebProcess:
        environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "palmares.settings.testing",
            "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
            "DATABASE_URL": f"postgres://postgres@{quote(database['HOST'], safe='')}/{database['NAME']}",
            "REDIS_URL": settings.REDIS_URL,
            "SECRET_KEY": settings.SECRET_KEY,
            "PALMARES_DATA": str(tmp_path / "web"),
            **variables,
        }
        started.append(WebProcess(environment, tmp_path / f"web-{len(started)}.log", flags))
        return started[-1]

    yield start
    for web in started:
        web.stop()
        print(web.log.read_text()[-8000:])
    deadline = time.monotonic() + 30
    while connections_of("palmares web"):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def connections_of(application_name: str) -> int:
    """How many connections to the test's database such processes have open."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = %s",
            [application_name],
        )
        return int(cursor.fetchone()[0])

"""`manage.py up`: the whole platform on one machine, from nothing, until Ctrl-C."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import FrameType
from typing import Final

from palmares.local.data_folders import UMASK
from palmares.local.supervisor import Supervisor

ROOT: Final = Path(__file__).resolve().parents[3]
WEB_SECONDS: Final = 60.0
"""How long the web has to answer for the first time."""


class LaunchError(Exception):
    """It cannot start; the message says what is in the way."""


def main(argv: list[str]) -> int:
    """Start everything, print how to sign in, and stay until told to go; the exit code."""
    os.umask(UMASK)
    if argv:
        print("usage: manage.py up   (settings come from the environment: PORT, DATABASE_URL, REDIS_URL, PALMARES_DATA)")
        return 2
    told = threading.Event()

    def go(_number: int, _frame: FrameType | None) -> None:
        told.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, go)
    try:
        _run(told)
    except LaunchError as error:
        print(f"Palmarès does not start: {error}", file=sys.stderr)
        return 1
    return 0


def _run(told: threading.Event) -> None:
    import django  # noqa: PLC0415
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415

    from palmares.local.embedded_servers import EmbeddedError, release  # noqa: PLC0415 - imported by the settings, too

    started = time.monotonic()
    host, port = os.environ.get("HOST", "127.0.0.1"), _port()
    _check_port(host, port)
    print("Palmarès is starting …", flush=True)
    try:
        django.setup()
    except (EmbeddedError, ImproperlyConfigured) as error:
        raise LaunchError(str(error)) from error
    from django.conf import settings  # noqa: PLC0415 - Django is set up only now

    try:
        link = _prepare(settings.DATA)
        with Supervisor(settings.DATA / "log", _environment()) as supervisor:
            address = ["--host", host, "--port", str(port)]
            flags = ["--no-access-log", "--no-proxy-headers", "--log-level", "warning", "--timeout-graceful-shutdown", "2"]
            supervisor.start("web", [sys.executable, "-m", "uvicorn", "palmares.asgi:application", *address, *flags])
            supervisor.start("worker", [sys.executable, "-m", "workers"])
            supervisor.start("reaper", [sys.executable, str(ROOT / "manage.py"), "reap", "--every", "5"])
            _await_web(host, port, supervisor, told)
            _greet(settings.DATA, port, link, time.monotonic() - started, told)
            supervisor.watch(told, also=lambda: _revive_servers(settings.DATA))
            print("\nStopping …", flush=True)
    finally:
        release(settings.DATA)
    print("Everything has stopped.", flush=True)


def _revive_servers(data: Path) -> None:
    from palmares.local.embedded_servers import EmbeddedError, revive  # noqa: PLC0415

    try:
        revive(data)
    except EmbeddedError as error:
        print(f"It is tried again: {error}", flush=True)


def _port() -> int:
    text = os.environ.get("PORT", "8000")
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise LaunchError(f"PORT is {text!r}, expected a number from 1 to 65535.")
    return int(text)


def _check_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise LaunchError(f"port {port} is taken ({error.strerror}). Choose another: PORT={port + 1} make run") from error


def _prepare(data: Path) -> str:
    """Bring database and static files up to date, make the demonstration on a first start; the path of a sign-in link."""
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    call_command("migrate", verbosity=0, interactive=False)
    _collect_static(data)
    from palmares.dashboards.first_dashboard import ensure_first_dashboard  # noqa: PLC0415
    from palmares.leaderboards.synthetic_benchmark import ensure_embedded  # noqa: PLC0415
    from palmares.runs.demo_team import EMAIL, ensure_demo  # noqa: PLC0415
    from palmares.teams.access import create_sign_in_link  # noqa: PLC0415
    from palmares.teams.models import User  # noqa: PLC0415
    from palmares.teams.services import first_team  # noqa: PLC0415

    if not User.objects.exists():
        print(
            "First start: two synthetic videos and a small benchmark will be rendered, and every method run on them.",
            flush=True,
        )
        team = first_team(user=ensure_demo())
        ensure_embedded(team=team)
        ensure_first_dashboard(team=team)
    user = User.objects.filter(email=EMAIL, is_active=True).first()
    path = f"/welcome/{create_sign_in_link(user=user)}/" if user else ""
    connections.close_all()
    return path


def _collect_static(data: Path) -> None:
    """Collect static files, unless nothing has changed since the last time."""
    from django.contrib.staticfiles.finders import get_finders  # noqa: PLC0415
    from django.core.management import call_command  # noqa: PLC0415

    digest = hashlib.sha256()
    for finder in get_finders():
        for name, storage in finder.list([]):
            facts = Path(storage.path(name)).stat()  # type: ignore[attr-defined]
            digest.update(f"{name} {facts.st_size} {facts.st_mtime_ns}\n".encode())
    stamp = data / "static.stamp"
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    call_command("collectstatic", verbosity=0, interactive=False, clear=True)
    stamp.write_text(digest.hexdigest())


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}", "PYTHONUNBUFFERED": "1"}


def _await_web(host: str, port: int, supervisor: Supervisor, told: threading.Event) -> None:
    address = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}/health/"  # noqa: S104
    deadline = time.monotonic() + WEB_SECONDS
    while not told.wait(0.1):
        with contextlib.suppress(urllib.error.URLError, OSError):
            try:
                urllib.request.urlopen(address, timeout=5).close()
            except urllib.error.HTTPError as error:
                error.close()  # it answers, and says what is amiss
            return
        supervisor.look()
        if time.monotonic() > deadline:
            raise LaunchError(f"the web did not answer within {WEB_SECONDS:.0f} s; {supervisor.log_of('web')} says why.")


def _greet(data: Path, port: int, link: str, seconds: float, told: threading.Event) -> None:
    if told.is_set():
        return
    print(f"Ready after {seconds:.1f} s; data in {data}, logs in {data / 'log'}.\n")
    if link:
        print("Open this once to sign in as the demo user:\n")
    print(f"    http://localhost:{port}{link}\n")
    print("Ctrl-C stops everything.", flush=True)

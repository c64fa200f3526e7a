"""A real browser, an accessibility check, and a whole installation to try as a new user would."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120_000
"""Milliseconds that pages, clicks and expectations are waited for: a loaded machine takes ten times the usual."""
FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium with software WebGL."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = (
        "1"  # playwright's loop runs in this thread; the database calls are the tests' own
    )
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        make_context = launched.new_context

        def patient_context(**options: Any) -> BrowserContext:
            context = make_context(**options)
            context.set_default_timeout(PATIENCE)
            return context

        launched.new_context = patient_context  # type: ignore[method-assign]
        expect.set_options(timeout=PATIENCE)
        yield launched
        launched.close()


@pytest.fixture
def axe() -> Callable[[Page], list[Any]]:
    """Accessibility faults of a page: (rule, where, what to do)."""
    source = (ROOT / "frontend/node_modules/axe-core/axe.min.js").read_text()

    def check(page: Page) -> list[Any]:
        page.evaluate(source)
        found = page.evaluate("axe.run()")["violations"]
        return [(v["id"], [n["target"] for n in v["nodes"]][:4], v["nodes"][0].get("failureSummary", "")[:200]) for v in found]

    return check


@pytest.fixture(autouse=True)
def _requests_answered(request: pytest.FixtureRequest) -> Iterator[None]:
    """Closes the browser's pages, and waits until the test server has answered all that they asked for.

    A request still at work holds locks on tables, and a deadlock with it would end the flush that follows each test.
    """
    if "live_server" not in request.fixturenames:
        yield
        return
    request.getfixturevalue("transactional_db")  # flushed after this fixture's end
    yield
    for context in request.getfixturevalue("browser").contexts:
        context.close()
    deadline = time.monotonic() + 60
    for thread in threading.enumerate():
        if thread.name.endswith("(process_request_thread)"):  # one a connection, of `socketserver`
            thread.join(max(0, deadline - time.monotonic()))
            assert not thread.is_alive(), "a page was left open, or the server still answers it after 60 s"


class RunningServer(NamedTuple):
    """A running `manage.py up`: its address, and the one-time sign-in link it printed."""

    url: str
    link: str


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """Everything, started as a newcomer starts it, on a port and data of its own; its demonstration keeps workers busy."""
    folder = tmp_path_factory.mktemp("installation")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    clean = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")}
    environment = {**clean, "PALMARES_DATA": str(folder / "data"), "PORT": str(port), "PYTHONUNBUFFERED": "1"}
    log = folder / "up.log"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "up"], cwd=ROOT, env=environment, stdout=out, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + 120
        while not (found := re.search(r"(http://localhost:\d+)/welcome/\S+", log.read_text())):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield RunningServer(found[1], found[0])
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)

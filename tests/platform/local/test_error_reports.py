"""Error reports: only where SENTRY_DSN is set, and without secrets."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings as django_settings

PLATFORM = Path(__file__).resolve().parents[3] / "platform"
REPORT = """
from django.conf import settings
settings.DEBUG
import logging, sys
if "sentry_sdk" in sys.modules:
    import sentry_sdk
    from palmares.local.log_lines import request_id
    request_id.set("mine")
    logging.getLogger("x").error("failed at /welcome/s3cr3t/")
    sentry_sdk.flush(30)
else:
    print("not imported")
"""
installed = pytest.mark.skipif(find_spec("sentry_sdk") is None, reason="sentry-sdk is not installed")
missing = pytest.mark.skipif(find_spec("sentry_sdk") is not None, reason="sentry-sdk is installed")


def run(data: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A process with the settings of a development installation that meets an error."""
    database = django_settings.DATABASES["default"]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "palmares.settings.development",
        "PYTHONPATH": os.pathsep.join([str(PLATFORM), *sys.path]),
        "DATABASE_URL": f"postgres://postgres@{quote(database['HOST'], safe='')}/{database['NAME']}",
        "REDIS_URL": django_settings.REDIS_URL,
        "SECRET_KEY": "x",
        "PALMARES_DATA": str(data),
        **variables,
    }
    return subprocess.run([sys.executable, "-c", REPORT], env=environment, capture_output=True, text=True, check=False)


def test_without_a_dsn_the_package_is_not_imported(tmp_path):
    answer = run(tmp_path, SENTRY_DSN="")
    assert (answer.returncode, answer.stdout) == (0, "not imported\n"), answer.stderr


@missing
def test_without_the_package_a_dsn_is_refused_with_what_to_do(tmp_path):
    answer = run(tmp_path, SENTRY_DSN="https://key@sentry.example.org/1")
    assert answer.returncode != 0
    assert "SENTRY_DSN is set but the package sentry-sdk is not installed: run `pip install sentry-sdk`" in answer.stderr


@installed
def test_a_malformed_dsn_is_refused(tmp_path):
    assert "SENTRY_DSN is not a Sentry address" in run(tmp_path, SENTRY_DSN="nonsense").stderr


@installed
def test_an_error_is_reported_with_its_request_and_without_secrets(tmp_path):
    bodies: list[bytes] = []

    class Server(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            module = {"gzip": "gzip", "br": "brotli"}[self.headers["Content-Encoding"]]
            bodies.append(import_module(module).decompress(body))
            self.send_response(200)
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        answer = run(tmp_path, SENTRY_DSN=f"http://key@127.0.0.1:{server.server_port}/1")
        server.shutdown()
    assert answer.returncode == 0, answer.stderr
    sent = b"".join(bodies).decode()
    assert "failed at /welcome/***/" in sent
    assert "s3cr3t" not in sent
    assert '"request_id":"mine"' in sent.replace(": ", ":")

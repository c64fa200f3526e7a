"""The real platform, started for a bench on data of its own, and a client of its API."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[2]
NO_ANSWER = (OSError, http.client.HTTPException)
"""What requests raise while nobody answers, or an answer breaks off."""
_USER = (
    "from palmares.teams.models import User; from palmares.teams.services import create_team;"
    "create_team(name='Bench', by=User.objects.create_user('bench@example.org', None))"
)


_SIGN_IN = (
    "from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY;"
    "from django.contrib.sessions.backends.db import SessionStore; from palmares.teams.models import User;"
    "user = User.objects.get(email='bench@example.org'); session = SessionStore();"
    "session.update({SESSION_KEY: str(user.pk), HASH_SESSION_KEY: user.get_session_auth_hash(),"
    "BACKEND_SESSION_KEY: 'django.contrib.auth.backends.ModelBackend'}); session.create(); print(session.session_key)"
)


def _command_line(process: psutil.Process) -> str:
    """Empty where the process has just ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.Error:
        return ""


class Installation:
    """`manage.py up` without the demonstration, and one person with a team."""

    def __init__(self, data: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        kept = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")}
        self._environment = {**kept, "PORT": str(port), "PALMARES_DATA": str(data)}
        self.address = f"http://127.0.0.1:{port}"
        self.manage("migrate", "-v0")
        self.manage("shell", "-v0", "-c", _USER)
        self._token = self.manage("token", "bench@example.org").strip()
        self._session = self.manage("shell", "-v0", "-c", _SIGN_IN).strip()
        command = [sys.executable, str(ROOT / "manage.py"), "up"]
        self.data = data
        self._printed = data / "log" / "up.log"  # a pipe that nobody reads would stop it once it is full
        with self._printed.open("wb") as log:
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)
        try:
            while "Ctrl-C" not in self.printed():
                if self._process.poll() is not None:
                    raise RuntimeError(self.printed())
                time.sleep(0.1)
        except BaseException:
            self.stop()
            raise

    def printed(self) -> str:
        """What it has printed so far."""
        return self._printed.read_text(errors="replace")

    def post_file(self, path: str, name: str, content: bytes, **fields: str) -> Any:
        """A form with a file, as browsers send it; the answer as JSON."""
        boundary = uuid.uuid4().hex
        part = f"--{boundary}\r\nContent-Disposition: form-data; name="
        body = "".join(f'{part}"{key}"\r\n\r\n{value}\r\n' for key, value in fields.items()).encode()
        body += f'{part}"file"; filename="{name}"\r\n\r\n'.encode() + content + f"\r\n--{boundary}--\r\n".encode()
        return self.call("POST", path, body, f"multipart/form-data; boundary={boundary}")

    def post(self, path: str, content: dict[str, Any], *, key: str = "") -> Any:
        """An object; the answer as JSON. Sent again with the same `key` it is done once."""
        return self.call("POST", path, json.dumps(content).encode(), "application/json", key)

    def get(self, path: str) -> Any:
        """The answer as JSON."""
        return self.call("GET", path)

    def call(self, method: str, path: str, body: bytes | None = None, content_type: str = "", key: str = "") -> Any:
        """One request, as the person of the bench."""
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": content_type, "Idempotency-Key": key}
        headers = {name: value for name, value in headers.items() if value}
        request = urllib.request.Request(self.address + path, data=body, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.loads(answer.read())

    def status(self, path: str) -> int:
        """Status of one request, of the API or for a page, as the person of the bench; 0 where nothing answers."""
        own = (
            {"Authorization": f"Bearer {self._token}"} if path.startswith("/api/") else {"Cookie": f"sessionid={self._session}"}
        )
        request = urllib.request.Request(self.address + path, headers=own)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                answer.read()
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return int(error.code)
        except NO_ANSWER:
            return 0

    def wait(self, path: str, status: str) -> None:
        """Ask until something has a status; `RuntimeError` where it ended otherwise."""
        while (answer := self.get(path))["status"] != status:
            if answer["status"] in ("failed", "cancelled"):
                raise RuntimeError(f"{path} {answer['status']}: {answer['error']}")
            time.sleep(0.1)

    def manage(self, *words: str) -> str:
        """What a command of `manage.py` prints."""
        command = [sys.executable, str(ROOT / "manage.py"), *words]
        return subprocess.run(command, env=self._environment, check=True, capture_output=True, text=True).stdout

    def state(self, program: str) -> Any:
        """The JSON that a program prints which runs inside the platform."""
        return json.loads(self.manage("shell", "-v0", "-c", program))

    def processes(self, kind: str) -> list[psutil.Process]:
        """Those of the `worker` (its children too), of the `web`, or of the `reaper`."""
        words = {"worker": "-m workers", "web": "uvicorn", "reaper": "manage.py reap"}[kind]
        there = psutil.Process(self._process.pid).children(recursive=True)
        return [process for process in there if words in _command_line(process)]

    def peak_megabytes(self, kind: str) -> float:
        """Highest resident memory so far of any one of them."""
        statuses = (Path(f"/proc/{process.pid}/status").read_text() for process in self.processes(kind))
        return max(int(status.split("VmHWM:")[1].split()[0]) / 1000 for status in statuses)

    def stop(self) -> None:
        """As Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait()

"""The real platform, started for a bench on data of its own, and a client of its API."""

from __future__ import annotations

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
_USER = (
    "from palmares.teams.models import User; from palmares.teams.services import create_team;"
    "create_team(name='Bench', by=User.objects.create_user('bench@example.org', None))"
)


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
        command = [sys.executable, str(ROOT / "manage.py"), "up"]
        self._process = subprocess.Popen(
            command, env=self._environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self._process.stdout
        for line in self._process.stdout:
            if "Ctrl-C" in line:
                break

    def post_file(self, path: str, name: str, content: bytes, **fields: str) -> Any:
        """A form with a file, as browsers send it; the answer as JSON."""
        boundary = uuid.uuid4().hex
        part = f"--{boundary}\r\nContent-Disposition: form-data; name="
        body = "".join(f'{part}"{key}"\r\n\r\n{value}\r\n' for key, value in fields.items()).encode()
        body += f'{part}"file"; filename="{name}"\r\n\r\n'.encode() + content + f"\r\n--{boundary}--\r\n".encode()
        return self.call("POST", path, body, f"multipart/form-data; boundary={boundary}")

    def post(self, path: str, content: dict[str, Any]) -> Any:
        """An object; the answer as JSON."""
        return self.call("POST", path, json.dumps(content).encode(), "application/json")

    def get(self, path: str) -> Any:
        """The answer as JSON."""
        return self.call("GET", path)

    def call(self, method: str, path: str, body: bytes | None = None, content_type: str = "") -> Any:
        """One request, as the person of the bench."""
        headers = {"Authorization": f"Bearer {self._token}"} | ({"Content-Type": content_type} if content_type else {})
        request = urllib.request.Request(self.address + path, data=body, method=method, headers=headers)
        with urllib.request.urlopen(request) as answer:
            return json.loads(answer.read())

    def status(self, path: str) -> int:
        """Status of one request, as the person of the bench."""
        request = urllib.request.Request(self.address + path, headers={"Authorization": f"Bearer {self._token}"})
        try:
            with urllib.request.urlopen(request) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return int(error.code)

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

    def processes(self, kind: str) -> list[psutil.Process]:
        """Those of the `worker` (its children too), or of the `web`."""
        words = {"worker": "-m workers", "web": "uvicorn"}[kind]
        there = psutil.Process(self._process.pid).children(recursive=True)
        return [p for p in there if p.is_running() and words in " ".join(p.as_dict(["cmdline"])["cmdline"] or ())]

    def peak_megabytes(self, kind: str) -> float:
        """Highest resident memory so far of any one of them."""
        statuses = (Path(f"/proc/{process.pid}/status").read_text() for process in self.processes(kind))
        return max(int(status.split("VmHWM:")[1].split()[0]) / 1000 for status in statuses)

    def stop(self) -> None:
        """As Ctrl-C does."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait()

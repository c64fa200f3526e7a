"""`manage.py up`: starts with an empty folder, serves pages, and leaves no process, whoever starts it and however it ends."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[3]
NOBODY = 65534
pytestmark = pytest.mark.timeout(240)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Platform:
    """A running `manage.py up` with data of its own."""

    def __init__(self, data: Path, *, port: int, prefix: list[str]) -> None:
        self.data, self.port = data, port
        kept = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")}
        own = {"PORT": str(port), "PALMARES_DATA": str(data), "PALMARES_FSYNC": "off", "PYTHONDONTWRITEBYTECODE": "1"}
        self.output = data.parent / f"up-{port}.txt"
        with self.output.open("ab") as stream:
            self.process = subprocess.Popen(
                [*prefix, sys.executable, str(ROOT / "manage.py"), "up"],
                env={**kept, **own},
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )

    def wait(self, words: str, seconds: float = 90) -> None:
        deadline = time.monotonic() + seconds
        while words not in self.text():
            assert self.process.poll() is None, self.text()
            assert time.monotonic() < deadline, self.text()
            time.sleep(0.1)

    def text(self) -> str:
        return self.output.read_text()

    def processes(self) -> list[psutil.Process]:
        """All processes that were started for this folder, whatever their parent process is now."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("PALMARES_DATA") == str(self.data):
                    found.append(process)
            except (psutil.Error, OSError):
                continue
        return [process for process in found if process.status() != psutil.STATUS_ZOMBIE]

    def wait_until_alone(self, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while left := self.processes():
            assert time.monotonic() < deadline, [" ".join(process.cmdline()) for process in left]
            time.sleep(0.2)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def start(data: Path, *, port: int | None = None, prefix: list[str] | None = None) -> Platform:
    return Platform(data, port=port or free_port(), prefix=prefix or [])


def test_the_first_start_serves_pages_restarts_killed_processes_and_leaves_no_process_behind(data):
    platform = start(data)
    platform.wait("Ctrl-C stops everything.")
    link = next(line.strip() for line in platform.text().splitlines() if "/welcome/" in line)
    assert link.startswith(f"http://localhost:{platform.port}/welcome/")
    with urllib.request.urlopen(f"http://127.0.0.1:{platform.port}/health/") as answer:
        assert answer.status == 200
    names = {" ".join(process.cmdline()) for process in platform.processes()}
    assert any("-m workers" in name for name in names)
    assert any("reap" in name for name in names)
    web = next(process for process in platform.processes() if "uvicorn" in " ".join(process.cmdline()))
    web.kill()
    platform.wait("web ended (SIGKILL); starting it again in 0 s.")
    deadline = time.monotonic() + 30
    while not answers(platform):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    platform.process.send_signal(signal.SIGINT)
    assert platform.process.wait(30) == 0
    assert "Everything has stopped." in platform.text()
    platform.wait_until_alone(1)

    again = start(data)
    again.wait("Ctrl-C stops everything.")
    assert "First start" not in again.text()
    again.process.kill()
    again.process.wait()
    again.wait_until_alone()


def answers(platform: Platform) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{platform.port}/health/").close()
    except OSError:
        return False
    return True


def test_a_port_in_use_is_said_in_a_sentence(data):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        platform = start(data, port=taken.getsockname()[1])
        assert platform.process.wait(30) == 1
    assert platform.text() == (
        f"Palmarès does not start: port {platform.port} is taken (Address already in use). "
        f"Choose another: PORT={platform.port + 1} make run\n"
    )
    assert not platform.processes()


def test_a_folder_without_write_permission_gives_an_error_message(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    tmp_path.chmod(0o500)
    platform = start(tmp_path / "data" / "deeper")
    assert platform.process.wait(30) == 1
    assert "set PALMARES_DATA to a folder of your own" in platform.text()


def test_root_may_start_it_as_a_plain_user(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")
    if shutil.which("setpriv") is None:
        pytest.skip("there is no setpriv on this machine")
    for folder in (*reversed(tmp_path.parents), tmp_path):
        if folder.stat().st_uid == 0 and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o011)
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    prefix = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "env", f"HOME={home}"]
    if subprocess.run([*prefix, sys.executable, "-c", ""], capture_output=True, check=False).returncode:
        pytest.skip(f"a plain user may not run {sys.executable}")
    platform = start(home / "data", prefix=prefix)
    platform.wait("Ctrl-C stops everything.")
    assert {process.uids().real for process in platform.processes()} == {NOBODY}
    platform.process.terminate()
    assert platform.process.wait(30) == 0
    platform.wait_until_alone(1)

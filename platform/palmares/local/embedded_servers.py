"""A real PostgreSQL and a real Redis of one's own, under the data folder, for machines where nobody runs them.

Both come as binaries inside wheels. A small process, the *daemon*, runs each server and starts it again if it falls.
Every process that asks for a URL holds a shared lock on `run/<server>.users` until it ends, however it ends; a daemon that
finds nobody holding it for a few seconds stops its server and itself. So nobody has to remember to stop anything, and
nothing is stopped under somebody's feet.

Importable without Django: the settings import it.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from palmares.local.data_folders import make_private

START_SECONDS: Final = 60.0
_held: dict[tuple[Path, str], tuple[int, str]] = {}
"""Descriptors are never closed but by `release`: the lock lasts as long as the process, and its forks."""


class EmbeddedError(RuntimeError):
    """A server of one's own cannot run here; the message says what stands in the way."""


def secret_key(data: Path) -> str:
    """The signing key of this installation, made on first use and readable by its owner only."""
    path = data_folder(data) / "secret_key"
    with locked(data / "secret_key.lock"):
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
                stream.write(secrets.token_urlsafe(48))
        return path.read_text()


def database_url(data: Path) -> str:
    """URL of the PostgreSQL database `palmares` under `data`, running when this returns.

    Raises:
        EmbeddedError: it does not start; the message ends with its own last words.
    """
    return _hold(data, "postgres")


def redis_url(data: Path) -> str:
    """URL of the Redis under `data`, running when this returns.

    Raises:
        EmbeddedError: it does not start; the message ends with its own last words.
    """
    return _hold(data, "redis")


def release(data: Path) -> None:
    """Give up this process's hold and, where nobody else uses the servers, wait until they have stopped."""
    for (folder, name), (users, _) in list(_held.items()):
        if folder != data.resolve():
            continue
        os.close(users)
        del _held[folder, name]
        if _islocked(folder / "run" / f"{name}.daemon"):  # else its number may be another process's by now
            with contextlib.suppress(OSError, ValueError):
                os.kill(json.loads((folder / "run" / f"{name}.json").read_text())["daemon"], signal.SIGUSR1)
        # as its daemon does: whoever asks without this lock may meet the other asking, and take it for a user
        with locked(folder / "run" / f"{name}.start"), (folder / "run" / f"{name}.users").open("a") as stream:
            if not try_lock(stream):
                continue
        deadline = time.monotonic() + START_SECONDS
        while _islocked(folder / "run" / f"{name}.daemon") and time.monotonic() < deadline:
            time.sleep(0.05)


def revive(data: Path) -> None:
    """Start the daemons of the servers that this process uses again, where they were killed.

    Raises:
        EmbeddedError: one does not start.
    """
    for folder, name in list(_held):
        run = folder / "run"
        if folder == data.resolve() and not _islocked(run / f"{name}.daemon"):
            with locked(run / f"{name}.start"):
                if not _islocked(run / f"{name}.daemon"):
                    _start_daemon(folder, name)


def process_ids(data: Path) -> dict[str, int]:
    """Process ids of the servers that run under `data`, by name (`postgres`, `redis`)."""
    found = {}
    for name in ("postgres", "redis"):
        with contextlib.suppress(OSError, ValueError):
            found[name] = int(json.loads((data / "run" / f"{name}.json").read_text())["server"])
    return found


def _hold(data: Path, name: str) -> str:
    data = data.resolve()
    if (data, name) in _held:
        return _held[data, name][1]
    run = data_folder(data) / "run"
    with locked(run / f"{name}.start"):
        users = os.open(run / f"{name}.users", os.O_RDWR | os.O_CREAT, 0o644)
        fcntl.flock(users, fcntl.LOCK_SH)
        if not _islocked(run / f"{name}.daemon"):
            _start_daemon(data, name)
        url = str(json.loads((run / f"{name}.json").read_text())["url"])
    _held[data, name] = users, url
    return url


def data_folder(data: Path) -> Path:
    """The data folder, made and private to its owner.

    Raises:
        EmbeddedError: it cannot be made or written to.
    """
    try:
        make_private(data)
    except OSError as error:
        raise EmbeddedError(f"cannot write to {data} ({error.strerror}); set PALMARES_DATA to a folder of your own") from error
    if not os.access(data, os.W_OK):
        owner = data.stat().st_uid
        raise EmbeddedError(f"{data} is user {owner}'s, you are {os.geteuid()}; set PALMARES_DATA to a folder of your own")
    return data


def _start_daemon(data: Path, name: str) -> None:
    ready = data / "run" / f"{name}.json"
    ready.unlink(missing_ok=True)
    log = data / "log" / f"{name}.log"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    with log.open("ab") as output:
        daemon = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "palmares.local.server_daemon", name, str(data)],
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    deadline = time.monotonic() + START_SECONDS
    while not ready.exists():
        if daemon.poll() is not None or time.monotonic() > deadline:
            daemon.kill()
            words = "\n".join(log.read_text(errors="replace").splitlines()[-12:])
            raise EmbeddedError(f"{name} does not start under {data}; {log} ends with:\n{words}")
        time.sleep(0.02)
    daemon.returncode = 0  # it is on its own from here: no warning that it still runs when this process ends


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a file's lock; waits for it."""
    with path.open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def try_lock(stream: IO[str]) -> bool:
    """Take an open file's lock, to be held until it is closed; whether that was possible at once."""
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _islocked(path: Path) -> bool:
    with path.open("a") as stream:
        return not try_lock(stream)

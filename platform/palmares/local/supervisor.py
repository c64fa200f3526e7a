"""A few child processes, kept alive together and ended together."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from palmares.local.process_lifetime import die_with_parent

PATIENCE_SECONDS: Final = 8.0
"""How long children have to end by themselves."""
MOST_PAUSE_SECONDS: Final = 5.0
"""Before a child that ends again and again is started again."""
LOG_BYTES: Final = 20 << 20
"""Size of a log at which, on the next start, it becomes `.old`."""
_ALARM = re.compile(r"\b(ERROR|CRITICAL)\b|^Traceback|^\w*(Error|Exception)\b")


@dataclass
class _Child:
    name: str
    command: list[str]
    process: subprocess.Popen[bytes]
    failures: int = 0
    started: float = field(default_factory=time.monotonic)
    restart_at: float | None = None


class Supervisor:
    """Starts children, starts those that fall again, and ends all of them on leaving; a context manager.

    Each has its own session, so that Ctrl-C reaches only us; on Linux the kernel ends them should we be killed.
    What they print goes to a log, and to the terminal where it is an error.
    """

    def __init__(self, logs: Path, environment: dict[str, str]) -> None:
        self._logs = logs
        self._environment = environment
        self._children: list[_Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stop()

    def log_of(self, name: str) -> Path:
        """Where a child's output is kept."""
        return self._logs / f"{name}.log"

    def start(self, name: str, command: list[str]) -> None:
        """Start a child by its command line."""
        log = self.log_of(name)
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_suffix(".old"))
        self._children.append(_Child(name, command, self._spawn(name, command)))

    def watch(self, told: threading.Event, also: Callable[[], None]) -> None:
        """Stay until told to go, and do something else, too, whenever the children are looked after."""
        while not told.wait(0.5):
            also()
            self.look()

    def look(self) -> None:
        """Start again what has ended: at once the first time, later and later the more often it ends soon after."""
        now = time.monotonic()
        for child in self._children:
            if child.process.poll() is None:
                continue
            if child.restart_at is None:
                child.failures = 1 if now - child.started > 60 else child.failures + 1
                pause = min(MOST_PAUSE_SECONDS, 2.0 ** (child.failures - 1) - 1)
                child.restart_at = now + pause
                print(
                    f"{child.name} ended ({_cause(child.process.returncode)}); starting it again in {pause:.0f} s.", flush=True
                )
            if now >= child.restart_at:
                _signal_group(child.process, signal.SIGKILL)  # what it may have left
                child.process, child.started, child.restart_at = self._spawn(child.name, child.command), now, None

    def _spawn(self, name: str, command: list[str]) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(  # noqa: S603
            command,
            env=self._environment,
            cwd=Path(__file__).resolve().parents[3],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509 - it makes one system call
        )
        assert process.stdout is not None
        threading.Thread(target=_copy, args=(name, process.stdout, self.log_of(name)), daemon=True).start()
        return process

    def _stop(self) -> None:
        for child in self._children:
            with contextlib.suppress(ProcessLookupError):
                child.process.terminate()
        deadline = time.monotonic() + PATIENCE_SECONDS
        for child in self._children:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.process.wait(max(0.0, deadline - time.monotonic()))
        for child in self._children:
            _signal_group(child.process, signal.SIGKILL)
            child.process.wait()


def _signal_group(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _cause(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name
    return f"exit code {code}"


def _copy(name: str, stream: IO[bytes], path: Path) -> None:
    with stream, path.open("ab", buffering=0) as log:
        for line in stream:
            log.write(line)
            text = line.decode(errors="replace").rstrip()
            if _ALARM.search(text):
                print(f"{name}: {text}", flush=True)

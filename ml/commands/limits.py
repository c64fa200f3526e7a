"""Limits that a process sets itself before it reads an untrusted file."""

from __future__ import annotations

import argparse
import resource
import signal


def add_limits(parser: argparse.ArgumentParser) -> None:
    """The arguments that `apply_limits` takes."""
    parser.add_argument("--memory", type=int, default=0, help="most bytes of memory that the process may use")
    parser.add_argument("--file-bytes", type=int, default=0, help="largest file that the process may write")
    parser.add_argument("--cpu-seconds", type=int, default=0, help="most seconds of a processor that it may use")


def apply_limits(options: argparse.Namespace) -> None:
    """Set the limits of this process, but those that are 0; never above what is in force."""
    _limit(resource.RLIMIT_AS, options.memory)
    _limit(resource.RLIMIT_FSIZE, options.file_bytes)
    _limit(resource.RLIMIT_CPU, options.cpu_seconds)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it; the caller sees by it why the process ended


def _limit(kind: int, value: int) -> None:
    if not value:
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    hard = resource.getrlimit(kind)[1]
    soft = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (soft, hard))

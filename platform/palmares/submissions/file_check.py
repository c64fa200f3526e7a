"""A submitted file is checked before anything is stored, in a process of its own.

The web never opens strangers' arrays itself: the process has limited memory and time, and takes them with it when it goes.
What it says comes from geometry and from the file's layout alone, never from the distance to the truth.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from palmares.api.problems import DomainError, InvalidError, UnprocessableError

SECONDS: Final = 120.0
"""How long a check may take; a file of 1 GB takes about a quarter of it."""
MEMORY_BYTES: Final = 4 << 30


@dataclass(frozen=True)
class Checked:
    """A file that can be scored.

    Attributes:
        rows: hands it predicts.
        findings: what its author should know, [{level, message, place}].
    """

    rows: int
    findings: list[dict[str, Any]]


class RefusedFileError(UnprocessableError):
    """The file cannot be scored; `findings` says why, and what else was noticed."""

    def __init__(self, detail: str, findings: list[dict[str, Any]]) -> None:
        super().__init__(detail, field="file")
        self.findings = findings


def check_file(*, protocol: str, truth: Path, file: Path, name: str) -> Checked:
    """Read the whole file as scoring would.

    Args:
        protocol: name in `ml.catalog.PROTOCOLS`.
        truth: file or folder on this machine; says which frames there are.
        file: on this machine.
        name: what messages call the file.

    Raises:
        RefusedFileError: it cannot be scored.
        InvalidError: reading it took more memory or time than is allowed.
    """
    limits = ["--memory", str(MEMORY_BYTES), "--protocol", protocol, f"--name={name}"]
    command = [sys.executable, "-m", "ml.commands.check", *limits, "--", str(truth), str(file)]
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": str(settings.ROOT),
        "OMP_NUM_THREADS": "1",
        "LC_ALL": "C.UTF-8",
    }
    try:
        done = subprocess.run(  # noqa: S603 - our own module; the name is an argument, never a command
            command, capture_output=True, timeout=SECONDS, env=environment, check=False, cwd=settings.ROOT
        )
    except subprocess.TimeoutExpired as error:
        raise InvalidError(
            f"“{name}” could not be read within {SECONDS:.0f} s; is it the file you meant?", field="file"
        ) from error
    try:
        answer = json.loads(done.stdout)
    except ValueError as error:
        raise _died(name, done) from error
    if answer["refused"]:
        raise RefusedFileError(answer["refused"], answer["findings"])
    return Checked(rows=answer["rows"], findings=answer["findings"])


def _died(name: str, done: subprocess.CompletedProcess[bytes]) -> DomainError:
    if b"MemoryError" in done.stderr or done.returncode < 0:
        return InvalidError(f"“{name}” needs more memory to be read than is allowed ({MEMORY_BYTES >> 30} GB).", field="file")
    raise RuntimeError(
        f"the check of a submission ended with {done.returncode}: {done.stderr[-2000:].decode(errors='replace')}"
    )

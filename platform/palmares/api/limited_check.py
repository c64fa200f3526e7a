"""An untrusted file is checked before anything is stored, in a process of its own.

The web never opens untrusted arrays itself: the process has limited memory, disk space and time, and few run at once.
"""

from __future__ import annotations

import errno
import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from rest_framework import serializers
from rest_framework.response import Response

from palmares.api.check_slots import Slot, check_slot
from palmares.api.problems import CONTENT_TYPE, InvalidError, UnprocessableError, problem

SECONDS = 120.0
"""How long a check may take, by the clock and of a processor; a file of 1 GB takes about a quarter of it."""
MEMORY_BYTES = 4 << 30
FILE_BYTES = 8 << 30
"""Largest temporary file that a check may write; as large as the largest file that is unpacked."""


@dataclass(frozen=True)
class Checked:
    """A file that can be used.

    Attributes:
        rows: hands it holds.
        findings: what its author should know, [{level, message, place}].
    """

    rows: int
    findings: list[dict[str, Any]]


class FindingSerializer(serializers.Serializer[Any]):
    """One thing that the check of a file noticed."""

    level = serializers.ChoiceField(choices=["error", "warning", "note"])
    message = serializers.CharField()
    place = serializers.CharField()


class RefusedFileError(UnprocessableError):
    """The file cannot be used; `findings` says why, and what else was noticed."""

    def __init__(self, detail: str, findings: list[dict[str, Any]]) -> None:
        super().__init__(detail, field="file")
        self.findings = findings


def refused_answer(refusal: RefusedFileError) -> Response:
    """The problem document of a refused file, with the findings beside it."""
    body = problem(code=refusal.status, detail=refusal.detail, errors={"file": [refusal.detail]})
    return Response({**body, "findings": refusal.findings}, status=refusal.status, content_type=CONTENT_TYPE)


def run_check(*, module: str, arguments: Sequence[str], name: str) -> Checked:
    """Let a module of ours read a whole file in a process with limits.

    Args:
        module: one that takes the arguments of `ml.commands.limits` and prints `{"refused", "rows", "findings"}`.
        arguments: its others.
        name: what messages call the file.

    Raises:
        RefusedFileError: the file cannot be used.
        InvalidError: reading it took more memory, disk space or time than is allowed.
        UnavailableError: too many files are being checked on this machine.
        OSError: the disk is full.
    """
    limits = ["--memory", str(MEMORY_BYTES), "--file-bytes", str(FILE_BYTES), "--cpu-seconds", str(math.ceil(SECONDS))]
    command = [sys.executable, "-m", module, *limits, f"--name={name}", *arguments]
    with check_slot() as slot:
        code, output, messages = _run(command, slot, name)
    try:
        answer = json.loads(output)
    except ValueError as error:
        raise _died(name, code, messages) from error
    if answer["refused"]:
        raise RefusedFileError(answer["refused"], answer["findings"])
    return Checked(rows=answer["rows"], findings=answer["findings"])


def _run(command: list[str], slot: Slot, name: str) -> tuple[int, bytes, bytes]:
    """Exit code, standard output and standard error of a process that ends, with all it started, after `SECONDS`."""
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "PYTHONPATH": str(settings.ROOT),
        "TMPDIR": str(slot.folder),
        "OMP_NUM_THREADS": "1",
        "LC_ALL": "C.UTF-8",
        **{name: os.environ[name] for name in ("MANO_DIR",) if name in os.environ},
    }
    with subprocess.Popen(  # noqa: S603 - our own module; the name is an argument, never a command
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        cwd=settings.ROOT,
        start_new_session=True,
        pass_fds=(slot.lock,),
    ) as process:
        try:
            output, messages = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired as error:
            raise _too_slow(name) from error
        finally:
            if process.returncode is None:  # not reaped yet, so that the id is still its own
                os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, output, messages


def _too_slow(name: str) -> InvalidError:
    return InvalidError(f"“{name}” could not be read within {SECONDS:.0f} s; is it the file you meant?", field="file")


def _died(name: str, code: int, messages: bytes) -> Exception:
    if code == -signal.SIGXCPU:
        return _too_slow(name)
    if code == -signal.SIGXFSZ:
        return InvalidError(
            f"“{name}” needs more than {FILE_BYTES / 1e9:.1f} GB once unpacked, the most allowed.", field="file"
        )
    if os.strerror(errno.ENOSPC).encode() in messages:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if b"MemoryError" in messages or code < 0:
        return InvalidError(f"“{name}” needs more than {MEMORY_BYTES / 1e9:.1f} GB of memory, the most allowed.", field="file")
    return RuntimeError(f"the check of a file ended with {code}: {messages[-2000:].decode(errors='replace')}")

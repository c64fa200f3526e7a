"""The check before anything is sent: the server's own code, from geometry; with a truth at hand, from error too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ml.formats import dexycb, freihand, joint_lists
from ml.formats.archive import unpacked
from ml.formats.faults import FormatError
from ml.formats.frames import ArrayFrames, FrameSet
from ml.formats.sequences import load_sequences
from ml.metrics.matching import usable_rows
from ml.metrics.pairing import open_pair
from ml.metrics.preflight import check_pair, check_prediction
from ml.metrics.protocol import PROTOCOLS, Protocol
from palmares_client.errors import RefusedError

_PIECE = 256
"""Frames read at a time."""


def check_file(protocol: str, file: Path, truth: Path | None = None) -> list[dict[str, Any]]:
    """Findings, each with `level` (error, warning, note), `message` and `place`.

    Args:
        protocol: by name, as in `ml.catalog.PROTOCOLS`.
        file: the prediction; all of it is read.
        truth: where it is at hand, the errors against it are looked at too.

    Raises:
        RefusedError: the file is not what the protocol asks for.
    """
    if (recipe := PROTOCOLS.get(protocol)) is None:
        known = ", ".join(PROTOCOLS)
        raise RefusedError(f"This client knows no protocol «{protocol}», only {known}: a newer version may.")
    try:
        if truth is not None:
            with open_pair(recipe, truth, file) as pair:
                return [finding.as_json() for finding in check_pair(recipe, pair)]
        with _opened(recipe, file) as (frames, sides):
            _read_all(frames)
            return [finding.as_json() for finding in check_prediction(recipe, frames, sides=sides)]
    except (FormatError, OSError) as error:
        raise RefusedError(f"{str(error).rstrip('.')}.") from error


def refuse_errors(protocol: str, file: Path) -> list[dict[str, Any]]:
    """Findings of a file that may be sent. Raises `RefusedError` for one that the server would refuse."""
    findings = check_file(protocol, file)
    errors = [f"{finding['place']}: {finding['message']}." for finding in findings if finding["level"] == "error"]
    if errors:
        raise RefusedError(" ".join(errors), findings=findings)
    return findings


@contextmanager
def _opened(protocol: Protocol, file: Path) -> Iterator[tuple[FrameSet, np.ndarray | None]]:
    """A prediction without its truth, and the side of each row where the file says it."""
    if not file.is_file():
        raise FormatError(f"{file} is {'a folder' if file.exists() else 'missing'}, expected a file")
    if protocol.format == "prediction":
        rows = load_sequences(file, file.name).rows
        usable = usable_rows(rows)
        yield ArrayFrames(file.name, rows.joints, vertices=rows.vertices, found=usable), rows.side
    elif protocol.format == "joint-list" and file.suffix.lower() == ".npz":
        yield joint_lists.open_joints(file, file.name, truth=False), None
    elif protocol.format == "joint-list":
        with unpacked(file, ".json") as path:
            yield joint_lists.open_joints(path, file.name, truth=False), None
    elif protocol.format == "dexycb-text":
        with unpacked(file, ".txt") as path:
            yield dexycb.open_prediction(path, _samples_of(path), file.name), None
    else:
        with unpacked(file, ".json") as path:
            yield freihand.open_prediction(path, file.name), None


def _samples_of(path: Path) -> ArrayFrames:
    """The samples that the lines themselves name, for the truth's; lines that name none are left to the reader to refuse."""
    with path.open("rb") as stream:
        heads = [line.replace(b",", b" ").split(maxsplit=1)[:1] for line in iter(lambda: stream.readline(dexycb.MAX_LINE), b"")]
    named = {int(head[0]) for head in heads if head and len(head[0]) <= 10 and head[0].isdigit()}
    index = sorted(named)
    return ArrayFrames("samples", np.zeros((len(index), 21, 3)), columns={"index": index})


def _read_all(frames: FrameSet) -> None:
    """Every frame, so that the place of any fault is found."""
    for first in range(0, len(frames), _PIECE):
        last = min(first + _PIECE, len(frames))
        frames.joints(first, last)
        if frames.vertex_count is not None:
            frames.vertices(first, last)

"""The check of a file on this machine, by the server's own code; with a ground truth it also looks at the errors."""

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
from palmares_client.api_errors import RejectedError

_BLOCK = 256
"""Frames read at a time."""


def check_file(protocol: str, file: Path, truth: Path | None = None) -> list[dict[str, Any]]:
    """Findings, each with `level` (error, warning, note), `message` and `place`.

    Args:
        protocol: by name, as in `ml.catalog.PROTOCOLS`.
        file: the prediction; all of it is read.
        truth: the ground truth, if you have it; then the errors against it are checked too.

    Raises:
        RejectedError: the file is not what the protocol asks for.
    """
    if (recipe := PROTOCOLS.get(protocol)) is None:
        known = ", ".join(PROTOCOLS)
        raise RejectedError(f'This version of the client does not have the protocol "{protocol}", only {known}: update it.')
    try:
        if truth is not None:
            with open_pair(recipe, truth, file) as pair:
                return [finding.as_json() for finding in check_pair(recipe, pair)]
        with _opened(recipe, file) as (frames, sides):
            _read_all(frames)
            return [finding.as_json() for finding in check_prediction(recipe, frames, sides=sides)]
    except (FormatError, OSError) as error:
        raise RejectedError(f"{str(error).rstrip('.')}.") from error


def refuse_errors(protocol: str, file: Path) -> list[dict[str, Any]]:
    """Findings of a file that the server accepts. Raises `RejectedError` for one that it would refuse."""
    findings = check_file(protocol, file)
    errors = [f"{finding['place']}: {finding['message']}." for finding in findings if finding["level"] == "error"]
    if errors:
        raise RejectedError(" ".join(errors), findings=findings)
    return findings


@contextmanager
def _opened(protocol: Protocol, file: Path) -> Iterator[tuple[FrameSet, np.ndarray | None]]:
    """A prediction without its ground truth, and the side of each row where the file names it."""
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
    """The samples that the lines name, in place of the ground truth's; the reader refuses lines that name none."""
    with path.open("rb") as stream:
        heads = [line.replace(b",", b" ").split(maxsplit=1)[:1] for line in iter(lambda: stream.readline(dexycb.MAX_LINE), b"")]
    named = {int(head[0]) for head in heads if head and len(head[0]) <= 10 and head[0].isdigit()}
    index = sorted(named)
    return ArrayFrames("samples", np.zeros((len(index), 21, 3)), columns={"index": index})


def _read_all(frames: FrameSet) -> None:
    """Read every frame, so that a fault in any of them is found."""
    for first in range(0, len(frames), _BLOCK):
        last = min(first + _BLOCK, len(frames))
        frames.joints(first, last)
        if frames.vertex_count is not None:
            frames.vertices(first, last)

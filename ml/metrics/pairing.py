"""A truth and a prediction, opened and brought into one order, row by row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from ml.formats import dexycb, freihand, joint_lists
from ml.formats.archive import unpacked
from ml.formats.faults import FormatError
from ml.formats.frames import ArrayFrames, FrameSet, sha256_of
from ml.formats.prediction import PredictionArrays, PredictionError
from ml.formats.sequences import STRIDE, Sequences, load_sequences
from ml.hand.skeleton import SIDES
from ml.metrics.matching import in_track_order, match, usable_rows
from ml.metrics.process_pool import ProcessPool
from ml.metrics.protocol import Protocol

_SUFFIX = {"meshes-json": ".json", "dexycb-text": ".txt", "joint-list": ".json"}


@dataclass(frozen=True)
class Pair:
    """Row i of the truth and row i of the prediction are the same hand in the same frame.

    Attributes:
        truth, prediction: sets of equal length; `prediction.found` where rows may be missing.
        count: rows that are scored, from the first.
        sides: uint8 [count], 0 left, 1 right; None where the files do not say.
        time: (frame, track), int32 [count] each, where the rows are a video's.
        fps: of the video.
        betas: shapes of truth and prediction [count, 10], where both have them for the same hand model.
        extra: rows of the prediction that answer nothing in the truth.
        notes: what a reader of the score should know about the files.
    """

    truth: FrameSet
    prediction: FrameSet
    count: int
    sides: np.ndarray | None = None
    time: tuple[np.ndarray, np.ndarray] | None = None
    fps: float | None = None
    betas: tuple[np.ndarray, np.ndarray] | None = None
    extra: int = 0
    notes: tuple[str, ...] = field(default=())


@contextmanager
def open_pair(
    protocol: Protocol,
    truth: Path,
    prediction: Path,
    *,
    limit: int | None = None,
    official: bool = False,
    name: str | None = None,
    pool: ProcessPool | None = None,
) -> Iterator[Pair]:
    """Open both files; what was unpacked is gone afterwards.

    Args:
        protocol: names the format of both.
        truth: file or folder.
        prediction: file, or an archive of it.
        limit: take the first so many frames of the truth, over all its sequences, and what answers them.
        official: ask for the number of frames that the data set has.
        name: what messages call the prediction; its file name if not given.
        pool: shares the indexing of large files; without one this process does all.

    Raises:
        FormatError: a file is not what the protocol asks for, or they do not have the frames to be compared.
    """
    called = name or prediction.name
    if not truth.exists():
        raise FormatError(f"{truth} does not exist, expected the truth")
    if not prediction.is_file():
        raise FormatError(f"{prediction} is {'a folder' if prediction.exists() else 'missing'}, expected a file")
    if protocol.format == "prediction":
        yield _videos(protocol, truth, prediction, called, limit=limit, official=official)
    elif protocol.format == "joint-list" and _is_npz(prediction):
        expected = joint_lists.open_joints(truth, truth.name, truth=True)
        yield _frames(
            protocol, expected, joint_lists.open_joints(prediction, called, truth=False), limit=limit, official=official
        )
    else:
        with unpacked(prediction, _SUFFIX[protocol.format], name=called) as path:
            opened: tuple[FrameSet, FrameSet]
            if protocol.format == "meshes-json":
                walks: list[_Opening] = [(freihand.open_truth, (truth,)), (freihand.open_prediction, (path, called))]
                true, given = (pool or ProcessPool(1)).map(_walk, None, walks)
                opened = true, given
            elif protocol.format == "dexycb-text":
                table = dexycb.open_truth(truth)
                opened = table, dexycb.open_prediction(path, table, called, limit=limit)
            else:
                opened = (
                    joint_lists.open_joints(truth, truth.name, truth=True),
                    joint_lists.open_joints(path, called, truth=False),
                )
            yield _frames(protocol, *opened, limit=limit, official=official)


_Opening = tuple[Callable[..., FrameSet], tuple[Any, ...]]
"""A file that is still to be walked over: what does it, and of what."""


def _walk(_: None, opening: _Opening) -> FrameSet:
    opened, arguments = opening
    return opened(*arguments)


def _is_npz(path: Path) -> bool:
    """A zip archive of arrays, rather than of a JSON file."""
    with path.open("rb") as stream:
        return path.suffix.lower() == ".npz" and stream.read(2) == b"PK"


def _frames(protocol: Protocol, truth: FrameSet, prediction: FrameSet, *, limit: int | None, official: bool) -> Pair:
    count = len(truth)
    if limit is not None:
        count = min(limit, len(truth))
        if len(prediction) < count:
            raise FormatError(f"{prediction.name}: {len(prediction)} frames, expected at least {count}")
    elif len(prediction) != len(truth):
        raise FormatError(f"{prediction.name}: {len(prediction)} frames, expected {len(truth)} as in the truth")
    _check_count(protocol, truth, count, official)
    side = truth.columns.get("side")
    sides = None if side is None else np.array([SIDES.index(name) for name in side[:count]], np.uint8)
    return Pair(truth, prediction, count, sides=sides)


def _check_count(protocol: Protocol, truth: FrameSet, count: int, official: bool) -> None:
    if count <= 0:
        raise FormatError(f"{truth.name} holds no frame to score, expected at least one")
    if official and protocol.expected_frames is None:
        raise FormatError(f"the number of frames of {protocol.title} depends on the split: --official does not apply")
    if official and count != protocol.expected_frames:
        raise FormatError(f"{truth.name}: {count} frames, the official {protocol.title} has {protocol.expected_frames}")


def open_truth(protocol: Protocol, path: Path) -> FrameSet:
    """A truth alone, to see whether it can be read.

    Raises:
        FormatError: it cannot.
    """
    if not path.exists():
        raise FormatError(f"{path} does not exist, expected the truth")
    if protocol.format == "prediction":
        return _rows(_truth_rows(path), path.name, sha256=_hash(path))
    if protocol.format == "meshes-json":
        return freihand.open_truth(path)
    return dexycb.open_truth(path) if protocol.format == "dexycb-text" else joint_lists.open_joints(path, path.name, truth=True)


def _truth_rows(path: Path) -> Sequences:
    truth = _in_track_order(load_sequences(path, path.name), path.name)
    if not usable_rows(truth.rows).all():
        raise FormatError(f"{path.name}: row {int(np.argmin(usable_rows(truth.rows)))} is not finite, expected a truth")
    return truth


def _videos(protocol: Protocol, truth_path: Path, path: Path, called: str, *, limit: int | None, official: bool) -> Pair:
    truth = _truth_rows(truth_path)
    given = _in_track_order(load_sequences(path, called, names=truth.names), called)
    if limit is not None:
        last = int(np.unique(truth.rows.frame)[:limit].max(initial=-1))
        truth, given = _up_to(truth, last), _up_to(given, last)
    prediction = given.rows
    answer = match(truth.rows, prediction)
    found = answer >= 0
    meshes = prediction.vertices is not None and truth.rows.vertices is not None
    expected = _rows(truth, truth_path.name, meshes=meshes, sha256=_hash(truth_path))
    rows = ArrayFrames(
        called,
        _taken(prediction.joints, answer),
        vertices=_taken(prediction.vertices, answer) if meshes else None,  # type: ignore[arg-type]
        found=found,
        columns=expected.columns,
        sha256=sha256_of([path]),
    )
    _check_count(protocol, expected, len(truth.rows), official)
    same_model = truth.rows.meta.get("hand_model") == prediction.meta.get("hand_model")
    if meshes and truth.rows.vertices.shape[1] != prediction.vertices.shape[1]:  # type: ignore[union-attr]
        same_model = False  # two versions of a hand model do not share the meaning of β
    betas = None
    if same_model and truth.rows.betas is not None and prediction.betas is not None:
        betas = truth.rows.betas, _taken(prediction.betas, answer)
    return Pair(
        expected,
        rows,
        len(truth.rows),
        sides=truth.rows.side,
        time=(truth.rows.frame, truth.rows.track),
        fps=_rate(truth.rows),
        betas=betas,
        extra=len(prediction) - int(found.sum()),
        notes=_notes(truth, given, meshes=meshes),
    )


def _rows(sequences: Sequences, name: str, *, meshes: bool = True, sha256: str) -> ArrayFrames:
    rows = sequences.rows
    columns: dict[str, Any] = {
        "sequence": [sequences.names[i] for i in sequences.index],
        "frame": sequences.frames.tolist(),
        "track": (rows.track.astype(np.int64) - sequences.index * STRIDE).tolist(),
        "side": [SIDES[side] for side in rows.side],
    }
    return ArrayFrames(name, rows.joints, vertices=rows.vertices if meshes else None, columns=columns, sha256=sha256)


def _in_track_order(sequences: Sequences, called: str) -> Sequences:
    try:
        ordered = in_track_order(sequences.rows)
    except PredictionError as error:
        raise FormatError(f"{called}: {error}") from error
    return replace(sequences, rows=ordered, index=ordered.track.astype(np.int64) // STRIDE)


def _up_to(sequences: Sequences, last: int) -> Sequences:
    """The rows of the frames up to `last`, numbered over all sequences."""
    kept = sequences.rows.frame <= last
    return replace(sequences, rows=sequences.rows.rows(kept), index=sequences.index[kept])


def _hash(path: Path) -> str:
    return sha256_of(sorted(path.glob("*.npz")) if path.is_dir() else [path])


def _taken(rows: np.ndarray, answer: np.ndarray) -> np.ndarray:
    """Rows of a prediction in the order of the truth, NaN where there is none."""
    taken = np.full((len(answer), *rows.shape[1:]), np.nan, dtype=rows.dtype)
    taken[answer >= 0] = rows[answer[answer >= 0]]
    return taken


def _rate(truth: PredictionArrays) -> float | None:
    fps = truth.meta.get("fps")
    return float(fps) if isinstance(fps, int | float) and not isinstance(fps, bool) and 0 < fps < 1e6 else None


def _notes(truth: Sequences, prediction: Sequences, *, meshes: bool) -> tuple[str, ...]:
    notes = []
    for name, ours, theirs in zip(truth.names, truth.metas, prediction.metas, strict=True):
        rates = ours.get("fps"), theirs.get("fps")
        if None not in rates and rates[0] != rates[1]:
            notes.append(f"`fps` of {name} is {str(rates[1])[:40]} in the prediction and {str(rates[0])[:40]} in the truth")
    broken = int((~usable_rows(prediction.rows)).sum())
    if broken:
        notes.append(f"{broken} rows of the prediction hold numbers that are not finite, and count as missing")
    if not meshes and truth.rows.vertices is not None:
        notes.append("the prediction holds no meshes: joints alone are scored")
    return tuple(notes)

"""Canonical predictions of several clips, as one: a folder, or a `.zip`, of one `.npz` a sequence, named after it."""

from __future__ import annotations

import io
import stat
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, Final

import numpy as np

from ml.formats.archive import BROKEN, check_directory, check_packing, check_ratio, is_clutter, shortened
from ml.formats.faults import FormatError, kind_of
from ml.formats.prediction import MAX_BYTES, PredictionArrays, PredictionError

STRIDE: Final = 1_000_000
"""Frames, and tracks, that a sequence may number; the next sequence begins there."""
MAX_SEQUENCES: Final = 2000

_OPTIONAL: Final = ("vertices", "pose", "betas", "translation")


@dataclass(frozen=True)
class Sequences:
    """Rows of all sequences, one after the other.

    Attributes:
        rows: `frame` and `track` of sequence i are those of its file plus i · `STRIDE`, so that no two sequences share any.
        names: of the sequences.
        index: int64 [N], which sequence each row is of.
        metas: `meta` of each sequence's file; empty for one that has none.
    """

    rows: PredictionArrays
    names: tuple[str, ...]
    index: np.ndarray
    metas: tuple[dict[str, Any], ...]

    @property
    def frames(self) -> np.ndarray:
        """Index of each row's frame in its own clip, int64 [N]."""
        return self.rows.frame.astype(np.int64) - self.index * STRIDE


def load_sequences(path: Path, called: str, *, names: Sequence[str] | None = None, max_bytes: int = MAX_BYTES) -> Sequences:
    """Read them all.

    Args:
        path: a canonical `.npz`, or a folder or archive of them.
        called: what messages call it.
        names: the sequences that there are, in their order; those of the files, sorted, if not given. A single `.npz` answers
            a single sequence whatever their names. Sequences without a file have no rows.
        max_bytes: of everything once unpacked.

    Raises:
        FormatError: a file is not a canonical prediction, or belongs to no sequence.
    """
    found = dict(_files(path, called, max_bytes))
    if names is not None and len(names) == 1 and len(found) == 1:
        found = {names[0]: next(iter(found.values()))}
    order = tuple(sorted(found) if names is None else names)
    unknown = sorted(set(found) - set(order))
    if unknown:
        listed = ", ".join(f"`{name}`" for name in order[:5]) + (", …" if len(order) > 5 else "")
        raise FormatError(f"{called}: there is no sequence `{unknown[0]}`; there are {listed}")
    if len(order) > MAX_SEQUENCES:
        raise FormatError(f"{called}: {len(order)} sequences, at most {MAX_SEQUENCES} are read")
    return _joined([(name, found.get(name)) for name in order], called)


def _files(path: Path, called: str, max_bytes: int) -> Iterator[tuple[str, PredictionArrays]]:
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix == ".npz")
        if not files:
            raise FormatError(f"{called} holds no .npz, expected one a sequence")
        left = max_bytes
        for file in files:
            prediction = _loaded(file, f"{called}/{file.name}", left)
            left -= _bytes(prediction)
            yield file.stem, prediction
        return
    if not zipfile.is_zipfile(path):
        raise FormatError(f"{called} is {kind_of(path)}, expected a canonical .npz, or a .zip of one a sequence")
    check_directory(path, called)
    with _opened(path, called) as archive:
        infos = [i for i in archive.infolist() if not i.is_dir() and not is_clutter(i.filename)]
        if any(info.filename == "joints.npy" or info.filename.endswith(".npy") for info in infos):
            prediction = _loaded(path, called, max_bytes)
            yield str(prediction.meta.get("sequence") or path.stem), prediction
            return
        yield from _members(archive, infos, called, max_bytes)


def _opened(path: Path, called: str) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (*BROKEN, OSError, ValueError) as error:
        raise FormatError(f"{called} is a broken zip archive: {shortened(error)}") from error


def _members(
    archive: zipfile.ZipFile, infos: list[zipfile.ZipInfo], called: str, max_bytes: int
) -> Iterator[tuple[str, PredictionArrays]]:
    if not infos:
        raise FormatError(f"{called} is an empty archive, expected one .npz a sequence")
    left, seen = max_bytes, set()
    for info in infos:
        inside = PurePosixPath(info.filename.replace("\\", "/"))
        if inside.suffix != ".npz":
            raise FormatError(f"{called} holds `{info.filename}`, expected one .npz a sequence and nothing else")
        if inside.is_absolute() or ".." in inside.parts or stat.S_ISLNK(info.external_attr >> 16) or info.flag_bits & 1:
            raise FormatError(f"{called} holds `{info.filename}`: no paths that lead out, links or passwords are accepted")
        if inside.stem in seen:
            raise FormatError(f"{called} holds `{inside.name}` twice")
        seen.add(inside.stem)
        if info.file_size > left:
            raise FormatError(f"{called}: more than {max_bytes / 1e9:.1f} GB once unpacked")
        check_packing(info, called)
        check_ratio(info, called)
        try:
            content = archive.read(info)
        except (*BROKEN, OSError, ValueError) as error:
            raise FormatError(f"`{inside.name[:80]}` in {called} cannot be unpacked: {shortened(error)}") from error
        prediction = _loaded(io.BytesIO(content), f"`{inside.name}` in {called}", left)
        left -= _bytes(prediction)
        yield inside.stem, prediction


def _bytes(prediction: PredictionArrays) -> int:
    """In memory."""
    arrays = (getattr(prediction, name) for name in ("frame", "side", "track", "score", "joints", *_OPTIONAL))
    return sum(array.nbytes for array in arrays if array is not None)


def _loaded(source: Path | BinaryIO, called: str, max_bytes: int) -> PredictionArrays:
    try:
        prediction = PredictionArrays.load(source, max_bytes=max_bytes)
    except PredictionError as error:
        raise FormatError(f"{called}: {error}") from error
    for name in ("frame", "track"):
        numbers = getattr(prediction, name)
        if len(numbers) and (numbers.min() < 0 or numbers.max() >= STRIDE):
            raise FormatError(f"{called}: `{name}` holds numbers outside 0 … {STRIDE - 1}")
    return prediction


def _joined(parts: list[tuple[str, PredictionArrays | None]], called: str) -> Sequences:
    there = [(number, part) for number, (_, part) in enumerate(parts) if part is not None]
    arrays: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for _, part in there]) for name in ("side", "score", "joints")
    }
    for name in ("frame", "track"):
        arrays[name] = np.concatenate([getattr(part, name) + np.int32(number * STRIDE) for number, part in there])
    for name in _OPTIONAL:
        pieces = [getattr(part, name) for _, part in there if len(part) or getattr(part, name) is not None]
        if not pieces or any(piece is None for piece in pieces):
            continue
        if len({piece.shape[1:] for piece in pieces}) > 1:
            counts = sorted({piece.shape[1] for piece in pieces})
            raise FormatError(f"{called}: `{name}` has {counts[0]} a hand in one sequence and {counts[-1]} in another")
        arrays[name] = np.concatenate(pieces)
    index = np.concatenate([np.full(len(part), number, np.int64) for number, part in there])
    metas = tuple({} if part is None else dict(part.meta) for _, part in parts)
    rows = PredictionArrays(**arrays, meta=_shared([dict(part.meta) for _, part in there]))
    return Sequences(rows, tuple(name for name, _ in parts), index, metas)


def _shared(metas: list[dict[str, Any]]) -> dict[str, Any]:
    """The entries that are the same in all sequences."""
    return {key: value for key, value in metas[0].items() if all(meta.get(key) == value for meta in metas)} if metas else {}

"""Subsets and clusters of a truth: `subsets.json` and `clusters.json` beside the truth's own files.

Subsets, each of which may have a board: `{"occluded": ["sequence-3", "sequence-7"], "left": [0, 1, 2, 17]}`: names of sequences
where the truth has them, else rows, counted from 0 in the order of the truth.

Clusters, which statistics take as units: `{"unit": "subject", "clusters": {"anna": ["sequence-3", "sequence-4"], …}}`; each
row is in exactly one. Without the file sequences are the clusters, and where the truth names none, its rows.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, TypedDict

import numpy as np
import orjson

from ml.formats.faults import FormatError

SUBSETS_FILE: Final = "subsets.json"
CLUSTERS_FILE: Final = "clusters.json"
MAX_BYTES: Final = 16 << 20
MAX_SUBSETS: Final = 200
MAX_CLUSTERS: Final = 2000
MAX_RANGES: Final = 50_000
"""Runs of neighbouring rows, of all groups together: the database keeps them."""
MAX_NAME: Final = 40

Ranges = list[tuple[int, int]]


class Clusters(TypedDict):
    """What the clusters are, in one word, and the rows of each."""

    unit: str
    ranges: dict[str, Ranges]


def read_subsets(path: Path, sequence: np.ndarray, rows: int) -> dict[str, Ranges]:
    """The rows of each subset, as ranges (first, last).

    Args:
        path: of `subsets.json`.
        sequence: name of each row's sequence [N]; empty where the truth has none.
        rows: N.

    Raises:
        FormatError: the file is not as above, or names what does not exist.
    """
    listed = _object(path)
    if listed is None or len(listed) > MAX_SUBSETS:
        raise FormatError(f"{path.name} is not an object of at most {MAX_SUBSETS} subsets, {{name: [sequences or rows]}}")
    return _groups("subset", listed, path.name, sequence, rows)


def read_clusters(path: Path, sequence: np.ndarray, rows: int) -> Clusters:
    """What the clusters are, and the rows of each, as ranges (first, last).

    Args:
        path: of `clusters.json`.
        sequence: name of each row's sequence [N]; empty where the truth has none.
        rows: N.

    Raises:
        FormatError: the file is not as above, or a row is in no cluster or in two.
    """
    content = _object(path) or {}
    unit, listed = content.get("unit"), content.get("clusters")
    if not isinstance(unit, str) or not 0 < len(unit) <= MAX_NAME or not unit.isprintable():
        raise FormatError(f'`unit` in {path.name} is not a word for the clusters, expected "subject" or the like')
    if not isinstance(listed, dict) or not 0 < len(listed) <= MAX_CLUSTERS:
        raise FormatError(f"`clusters` in {path.name} is not an object of 1 to {MAX_CLUSTERS} {{name: [sequences or rows]}}")
    found = _groups("cluster", listed, path.name, sequence, rows)
    times = np.zeros(rows, np.int64)
    for ranges in found.values():
        for first, last in ranges:
            times[first : last + 1] += 1
    if (times != 1).any():
        row = int(np.argmax(times != 1))
        raise FormatError(f"row {row} is in {times[row] or 'none'} of the clusters in {path.name}, expected one")
    return {"unit": unit, "ranges": found}


def row_labels(ranges: dict[str, Ranges], rows: int) -> np.ndarray:
    """Number of each row's cluster, int [rows]; −1 for rows of none."""
    labels = np.full(rows, -1)
    for number, own in enumerate(ranges.values()):
        for first, last in own:
            labels[first : last + 1] = number
    return labels


def _object(path: Path) -> dict[str, Any] | None:
    if path.stat().st_size > MAX_BYTES:
        raise FormatError(f"{path.name} is larger than {MAX_BYTES >> 20} MB")
    try:
        content = orjson.loads(path.read_bytes())
    except ValueError as error:
        raise FormatError(f"{path.name} is not JSON: {error}") from error
    return content if isinstance(content, dict) else None


def _groups(kind: str, listed: dict[str, Any], file: str, sequence: np.ndarray, rows: int) -> dict[str, Ranges]:
    found = {_name(kind, name, file): _ranges(f"{kind} `{name}` in {file}", of, sequence, rows) for name, of in listed.items()}
    if (runs := sum(map(len, found.values()))) > MAX_RANGES:
        raise FormatError(f"the {kind}s in {file} are scattered over {runs} runs of rows; at most {MAX_RANGES} are kept")
    return found


def _name(kind: str, name: str, file: str) -> str:
    if not 0 < len(name) <= MAX_NAME or "\x00" in name:
        raise FormatError(f"`{name[:MAX_NAME]}` in {file} is not a name for a {kind}, expected 1 to {MAX_NAME} characters")
    return name


def _ranges(called: str, members: Any, sequence: np.ndarray, rows: int) -> Ranges:
    if not isinstance(members, list) or not members:
        raise FormatError(f"{called} is not a list of sequence names or row numbers")
    chosen = np.zeros(rows, bool)
    if all(isinstance(member, str) for member in members):
        if unknown := set(members) - set(np.unique(sequence).tolist()):
            raise FormatError(f"{called} names `{min(unknown)}`, which is not a sequence of the truth")
        chosen |= np.isin(sequence, members)
    elif all(isinstance(member, int) and not isinstance(member, bool) for member in members):
        if not all(0 <= member < rows for member in members):
            wrong = next(member for member in members if not 0 <= member < rows)
            raise FormatError(f"{called} names row {wrong}; the truth has rows 0 to {rows - 1}")
        chosen[members] = True
    else:
        raise FormatError(f"{called} mixes sequence names and row numbers, or holds neither")
    edges = np.flatnonzero(np.diff(np.concatenate([[0], chosen, [0]])))
    return [(int(first), int(end) - 1) for first, end in edges.reshape(-1, 2)]

"""Subsets of a truth, each of which may have a board: `subsets.json` beside the truth's own files.

`{"occluded": ["sequence-3", "sequence-7"], "left": [0, 1, 2, 17]}`: names of sequences where the truth has them, else rows,
counted from 0 in the order of the truth.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from ml.formats.faults import FormatError

FILE: Final = "subsets.json"
MAX_BYTES: Final = 16 << 20
MAX_SUBSETS: Final = 200
MAX_RANGES: Final = 50_000
"""Runs of neighbouring rows, of all subsets together: the database keeps them."""
MAX_NAME: Final = 40

Ranges = list[tuple[int, int]]


def read_subsets(path: Path, sequence: np.ndarray, rows: int) -> dict[str, Ranges]:
    """Of each subset its rows, as ranges (first, last).

    Args:
        path: of `subsets.json`.
        sequence: name of each row's sequence [N]; empty where the truth has none.
        rows: N.

    Raises:
        FormatError: the file is not as above, or names what is not there.
    """
    if path.stat().st_size > MAX_BYTES:
        raise FormatError(f"{FILE} is larger than {MAX_BYTES >> 20} MB")
    try:
        listed = orjson.loads(path.read_bytes())
    except ValueError as error:
        raise FormatError(f"{FILE} is not JSON: {error}") from error
    if not isinstance(listed, dict) or len(listed) > MAX_SUBSETS:
        raise FormatError(f"{FILE} is not an object of at most {MAX_SUBSETS} subsets, {{name: [sequences or rows]}}")
    found = {_name(name): _ranges(name, members, sequence, rows) for name, members in listed.items()}
    if (runs := sum(map(len, found.values()))) > MAX_RANGES:
        raise FormatError(f"The subsets in {FILE} are scattered over {runs} runs of rows; at most {MAX_RANGES} are kept")
    return found


def _name(name: str) -> str:
    if not 0 < len(name) <= MAX_NAME or "\x00" in name:
        raise FormatError(f"`{name[:MAX_NAME]}` in {FILE} is not a name for a subset, expected 1 to {MAX_NAME} characters")
    return name


def _ranges(name: str, members: Any, sequence: np.ndarray, rows: int) -> Ranges:
    if not isinstance(members, list) or not members:
        raise FormatError(f"subset `{name}` in {FILE} is not a list of sequence names or row numbers")
    chosen = np.zeros(rows, bool)
    if all(isinstance(member, str) for member in members):
        if unknown := set(members) - set(np.unique(sequence).tolist()):
            raise FormatError(f"subset `{name}` in {FILE} names `{min(unknown)}`, which is not a sequence of the truth")
        chosen |= np.isin(sequence, members)
    elif all(isinstance(member, int) and not isinstance(member, bool) for member in members):
        if not all(0 <= member < rows for member in members):
            wrong = next(member for member in members if not 0 <= member < rows)
            raise FormatError(f"subset `{name}` in {FILE} names row {wrong}; the truth has rows 0 to {rows - 1}")
        chosen[members] = True
    else:
        raise FormatError(f"subset `{name}` in {FILE} mixes sequence names and row numbers, or holds neither")
    edges = np.flatnonzero(np.diff(np.concatenate([[0], chosen, [0]])))
    return [(int(first), int(end) - 1) for first, end in edges.reshape(-1, 2)]

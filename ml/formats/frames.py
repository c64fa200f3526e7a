"""Hands in a fixed order, read piece by piece: what every format of truths and predictions opens to."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

JOINT_COUNT: Final = 21
FARTHEST: Final = 1e9
"""Largest coordinate taken, in any unit: beyond it squares would overflow, and no camera sees a hand there."""


class FrameSet(ABC):
    """N hands, in the unit, joint order and frame of coordinates of their file.

    Attributes:
        name: of the file, as messages call it.
        sha256: of the file's bytes (of several files: of their hashes in name order).
        vertex_count: vertices of each mesh; None without meshes.
        stated_unit: the unit that the file says it is in, of a format that leaves it to the file; points are in metres then.
        seen: bool [N, 21], joints that are annotated; None where all are.
        found: bool [N], rows of a prediction that are there; None where all are. Other rows are NaN.
        columns: what names a row, for tables of single frames: name to a list [N].
    """

    name: str
    sha256: str
    vertex_count: int | None = None
    stated_unit: str | None = None
    seen: np.ndarray | None = None
    found: np.ndarray | None = None
    columns: dict[str, Sequence[Any]]

    @abstractmethod
    def __len__(self) -> int:
        """How many hands."""

    @abstractmethod
    def joints(self, first: int, last: int) -> np.ndarray:
        """Joints [last − first, 21, 3], float64, of the rows from `first` up to, not including, `last`."""

    @abstractmethod
    def vertices(self, first: int, last: int) -> np.ndarray:
        """Vertices [last − first, vertex_count, 3], float64; only where there are meshes."""


class ArrayFrames(FrameSet):
    """A set held in memory."""

    def __init__(
        self,
        name: str,
        joints: np.ndarray,
        *,
        vertices: np.ndarray | None = None,
        seen: np.ndarray | None = None,
        found: np.ndarray | None = None,
        columns: dict[str, Sequence[Any]] | None = None,
        sha256: str = "",
        stated_unit: str | None = None,
    ) -> None:
        self.name, self.sha256, self.stated_unit = name, sha256, stated_unit
        self._joints, self._vertices = joints, vertices
        self.vertex_count = None if vertices is None else vertices.shape[1]
        self.seen, self.found = seen, found
        self.columns = columns if columns is not None else {"frame": range(len(joints))}

    def __len__(self) -> int:
        return len(self._joints)

    def joints(self, first: int, last: int) -> np.ndarray:
        return self._joints[first:last].astype(np.float64)

    def vertices(self, first: int, last: int) -> np.ndarray:
        if self._vertices is None:
            raise ValueError(f"{self.name} holds no meshes")
        return self._vertices[first:last].astype(np.float64)


def out_of_reach(points: np.ndarray) -> np.ndarray:
    """Which points [..., 3] hold a coordinate that is not finite, or farther away than `FARTHEST`: bool [...]."""
    return np.asarray(~(np.abs(points) <= FARTHEST).all(-1))


def sha256_of(paths: Iterable[Path]) -> str:
    """Hash of a file; of several, the hash of their hashes in the order given."""
    digests = []
    for path in paths:
        with path.open("rb") as stream:
            digests.append(hashlib.file_digest(stream, "sha256").hexdigest())
    return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()

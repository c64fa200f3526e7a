"""Arrays that live in a temporary file: the meshes of a long video do not fit into a worker's memory, and need not.

Ten minutes of two hands are half a gigabyte of vertices, written once and read through twice. In a file they can be let
go of piece by piece: `release` takes their pages out of the process, not out of the file.
"""

from __future__ import annotations

import mmap
import sys
import tempfile
from collections.abc import Iterator
from typing import Any, Final

import numpy as np

SPILLED_BYTES: Final = 64 << 20
"""Smaller arrays stay in memory."""
BLOCK_ROWS: Final = 512


def spilled(shape: tuple[int, ...], dtype: Any = np.float32) -> np.ndarray:
    """An array of zeros; one of more than `SPILLED_BYTES` lives in a file without a name, which goes when the array does."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    if size <= SPILLED_BYTES:
        return np.zeros(shape, dtype)
    with tempfile.TemporaryFile() as file:
        file.truncate(size)
        return np.frombuffer(mmap.mmap(file.fileno(), size), dtype).reshape(shape)


def release(array: np.ndarray) -> None:
    """Let go of the memory of a spilled array, whose contents stay; does nothing to other arrays."""
    base: Any = array
    while isinstance(base, np.ndarray | memoryview):
        base = base.base if isinstance(base, np.ndarray) else base.obj
    if sys.platform != "win32" and isinstance(base, mmap.mmap):  # Windows has no madvise
        base.madvise(mmap.MADV_DONTNEED)


def blocks(array: np.ndarray) -> Iterator[np.ndarray]:
    """`BLOCK_ROWS` rows after the other, each let go of before the next."""
    for first in range(0, len(array), BLOCK_ROWS):
        yield array[first : first + BLOCK_ROWS]
        release(array)

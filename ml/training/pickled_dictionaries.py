"""A reader of `.npy` files that hold dictionaries of arrays, as ARCTIC's `*.mano.npy` do, that runs none of their code.

NumPy pickles such files, and a pickle may run anything. Here an unpickler that knows arrays of numbers and nothing else reads
them; it makes arrays from checked types and shapes.
"""

from __future__ import annotations

import io
import math
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.lib import format as npy_format

MAX_BYTES: Final = 1 << 30


class PickledFileError(ValueError):
    """The file is no such `.npy`, or asks for something other than arrays of numbers; the message says which."""


class _StoredType:
    """`numpy.dtype`."""

    def __init__(self, name: Any, *_flags: Any) -> None:
        if name not in ("O", "O8") and not (isinstance(name, str) and re.fullmatch(r"[<>=|]?[biuf][0-9]{1,2}", name)):
            raise PickledFileError(f"an array of type {str(name)[:40]!r} is refused; expected numbers")
        self.dtype = np.dtype(name)

    def __setstate__(self, state: Any) -> None:
        if self.dtype != object and isinstance(state, tuple) and len(state) > 1 and state[1] in ("<", ">"):
            self.dtype = self.dtype.newbyteorder(state[1])


class _StoredArray:
    """`numpy.ndarray`: its state is (version, shape, type, Fortran order, content)."""

    value: Any = None

    def __setstate__(self, state: Any) -> None:
        if not (isinstance(state, tuple) and len(state) == 5 and isinstance(state[2], _StoredType)):
            raise PickledFileError("an array is stored in a way that NumPy does not; refused")
        _, shape, kind, fortran, content = state
        if kind.dtype == object:
            if shape != () or not isinstance(content, list) or len(content) != 1:
                raise PickledFileError("an array of objects is refused; expected one dictionary")
            self.value = content[0]
            return
        if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
            raise PickledFileError(f"an array of shape {str(shape)[:80]} is refused")
        if not isinstance(content, bytes) or math.prod(shape) * kind.dtype.itemsize != len(content):
            raise PickledFileError(f"an array of shape {list(shape)} does not have as many numbers: damaged?")
        array = np.frombuffer(content, kind.dtype).reshape(shape, order="F" if fortran else "C")
        self.value = array.astype(kind.dtype.newbyteorder("="))


def _reconstruct(kind: Any, shape: Any, _code: Any) -> _StoredArray:
    if kind is not _StoredArray or shape != (0,):
        raise PickledFileError("an array is made in a way that NumPy does not; refused")
    return _StoredArray()


def _scalar(kind: Any, content: Any) -> _StoredArray:
    made = _StoredArray()
    made.__setstate__((1, (), kind, False, content))
    return made


def _encoded(text: Any, encoding: Any) -> bytes:
    if encoding != "latin1" or not isinstance(text, str):
        raise PickledFileError("text is encoded in a way that NumPy does not; refused")
    return text.encode("latin1")


_ALLOWED: Final[dict[tuple[str, str], Callable[..., Any] | type]] = {
    **{(f"numpy.{core}.multiarray", "_reconstruct"): _reconstruct for core in ("core", "_core")},
    **{(f"numpy.{core}.multiarray", "scalar"): _scalar for core in ("core", "_core")},
    ("numpy", "ndarray"): _StoredArray,
    ("numpy", "dtype"): _StoredType,
    ("_codecs", "encode"): _encoded,
}


class _Reader(pickle._Unpickler):  # in Python: that in C allocates memory by numbers in the file
    """Knows `_ALLOWED` and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise PickledFileError(f"it asks for {module}.{name}, which arrays do not need; refused") from None

    def persistent_load(self, pid: Any) -> Any:
        raise PickledFileError("it refers to an object outside itself; refused")


def read_dictionary(path: Path) -> dict[str, Any]:
    """The dictionary in a `.npy`: names to arrays, numbers, or dictionaries of them.

    Raises:
        PickledFileError: it is no such file, is larger than 1 GiB, or asks for anything but arrays of numbers.
    """
    if path.stat().st_size > MAX_BYTES:
        raise PickledFileError(f"{path} has {path.stat().st_size} bytes, expected at most {MAX_BYTES}")
    content = io.BytesIO(path.read_bytes())
    try:
        major, _ = npy_format.read_magic(content)  # type: ignore[no-untyped-call]
        (npy_format.read_array_header_1_0 if major == 1 else npy_format.read_array_header_2_0)(content)  # type: ignore[no-untyped-call]
        found = _plain(_Reader(content).load())
    except PickledFileError as error:
        raise PickledFileError(f"{path}: {error}") from None
    except Exception as error:  # a broken pickle may raise anything at all
        raise PickledFileError(f"{path} is no .npy of a dictionary ({type(error).__name__}: {error})") from error
    if not isinstance(found, dict):
        raise PickledFileError(f"{path} holds a {type(found).__name__}, expected a dictionary")
    return found


def _plain(value: Any, depth: int = 0) -> Any:
    if depth > 8:
        raise PickledFileError("it is nested more than 8 deep; refused")
    if isinstance(value, _StoredArray):
        return _plain(value.value, depth + 1) if isinstance(value.value, dict) else value.value
    if isinstance(value, dict):
        return {str(key): _plain(one, depth + 1) for key, one in value.items()}
    return value

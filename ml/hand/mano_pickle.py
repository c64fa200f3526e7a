"""A reader of MANO's pickles that runs none of their code.

They are Python 2 pickles of chumpy objects, or were pickled again, in any protocol. An unpickler that knows the few types
such a file needs by (module, name) refuses everything else by name. No object of NumPy or SciPy takes its state from the file:
stand-ins keep what the file says, and arrays are made of it afterwards, from checked types and shapes.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import re
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import scipy.sparse

MANO_VERTICES: Final = 778
REGRESSOR_SHAPE: Final = (16, MANO_VERTICES)
_MAX_MEMO: Final = 1 << 20
"""Largest memo index: the unpickler allocates memory up to it."""
_CONVERTED_AT: Final = 1 << 16
"""Bytes from which a binary file without a single lone LF, or without a single CR LF, was surely converted."""


class ManoFileError(ValueError):
    """A file is not a pickle of MANO; the message says what is wrong with it."""


class _Dtype:
    """`numpy.dtype`: a name like `f8`; the byte order comes as its state."""

    def __init__(self, name: Any, *_flags: Any) -> None:
        if not isinstance(name, str) or not re.fullmatch(r"[<>=|]?[biuf][0-9]{1,2}", name):
            raise ManoFileError(f"an array of type {str(name)[:40]!r} is refused; expected numbers")
        self.dtype = np.dtype(name)

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) < 2 or state[1] not in ("<", ">", "=", "|"):
            raise ManoFileError("a number type with an unknown byte order")
        if state[2:] not in ((None, None, None, -1, -1, 0), ()):
            raise ManoFileError("a number type with fields or flags is refused; expected plain numbers")
        self.dtype = self.dtype.newbyteorder(state[1])


class _Array:
    """`numpy.ndarray`: filled by its state (version, shape, dtype, Fortran order, bytes)."""

    array: np.ndarray | None = None

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5:
            raise ManoFileError("an array is stored in a way that NumPy does not; refused")
        _, shape, dtype, fortran, content = state
        self.array = _checked_array(content, dtype, shape, "F" if fortran else "C")


class _Object:
    """Stands in for a class whose state is wanted and whose code is not."""

    label = "object"

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}

    def __new__(cls, *_arguments: Any) -> _Object:  # pickle's NEWOBJ calls no constructor
        made = super().__new__(cls)
        made.state = {}
        return made

    def __setstate__(self, state: Any) -> None:
        self.state = dict(state) if isinstance(state, dict) else {}


class _Ch(_Object):
    """`chumpy.ch.Ch`: an array under `x`."""

    label = "Ch"


class _Select(_Object):
    """`chumpy.reordering.Select`: entries `idxs` of the flattened `a`, of shape `preferred_shape`."""

    label = "Select"


class _CscMatrix(_Object):
    """`scipy.sparse.csc_matrix`: `data`, `indices`, `indptr`, `_shape`."""

    label = "csc_matrix"


def _latin1(text: Any, encoding: Any) -> bytes:
    """`_codecs.encode`, for the one use that NumPy's arrays make of it."""
    if encoding != "latin1" or not isinstance(text, str):
        raise ManoFileError(f"_codecs.encode to {encoding!r} is refused; expected latin1")
    return text.encode("latin1")


def _bytes(*arguments: Any) -> bytes:
    """`bytes` and `bytearray` as old protocols make them: empty, of bytes, or of latin-1 text; never by a length."""
    match arguments:
        case ():
            return b""
        case (bytes() as content,):
            return content
        case (str() as text, "latin-1" | "latin1"):
            return text.encode("latin1")
    raise ManoFileError("bytes are made in a way that MANO's files do not need; refused")


def _reconstruct(kind: Any, shape: Any, _code: Any) -> _Array:
    """NumPy's reconstruction of an empty array, whose state comes next."""
    if kind is not _Array or shape != (0,):
        raise ManoFileError("an array is made in a way that NumPy does not; refused")
    return _Array()


def _frombuffer(content: Any, dtype: Any, shape: Any, order: Any = "C") -> _Array:
    """NumPy's arrays in protocol 5."""
    made = _Array()
    made.array = _checked_array(content, dtype, shape, order)
    return made


def _scalar(dtype: Any, content: Any) -> _Array:
    return _frombuffer(content, dtype, ())


def _plain(kind: Any, base: Any, state: Any) -> Any:
    """Protocol 0's way of making an object without its constructor, for the stand-ins alone."""
    if base is not object or state is not None or not (isinstance(kind, type) and issubclass(kind, _Object)):
        raise ManoFileError("an object is made in a way that MANO's files do not need; refused")
    return kind()


def _checked_array(content: Any, dtype: Any, shape: Any, order: Any) -> np.ndarray:
    if isinstance(content, str):  # bytes of Python 2, read as latin-1
        content = content.encode("latin1")
    if not isinstance(content, bytes | bytearray) or not isinstance(dtype, _Dtype) or order not in ("C", "F", "A", "K"):
        raise ManoFileError("an array is stored in a way that NumPy does not; refused")
    if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
        raise ManoFileError(f"an array of shape {str(shape)[:80]} is refused")
    if math.prod(shape) * dtype.dtype.itemsize != len(content):
        raise ManoFileError(f"an array of shape {list(shape)} has {len(content)} bytes of {dtype.dtype}: damaged?")
    order = order if order == "F" else "C"
    array: np.ndarray = np.frombuffer(bytes(content), dtype.dtype).reshape(shape, order=order)
    return array.astype(dtype.dtype.newbyteorder("="))


_ALLOWED: Final[dict[tuple[str, str], Callable[..., Any] | type]] = {
    **{
        (f"numpy.{core}.{module}", name): function
        for core in ("core", "_core")
        for module, name, function in (
            ("multiarray", "_reconstruct", _reconstruct),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _frombuffer),
        )
    },
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("scipy.sparse.csc", "csc_matrix"): _CscMatrix,
    ("scipy.sparse._csc", "csc_matrix"): _CscMatrix,
    ("chumpy.ch", "Ch"): _Ch,
    ("chumpy.reordering", "Select"): _Select,
    ("_codecs", "encode"): _latin1,
    ("copy_reg", "_reconstructor"): _plain,
    ("copyreg", "_reconstructor"): _plain,
    ("__builtin__", "object"): object,
    ("builtins", "object"): object,
    **{(module, name): _bytes for module in ("__builtin__", "builtins") for name in ("bytes", "bytearray")},
}


class _Unpickler(pickle.Unpickler):
    """Knows `_ALLOWED` and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise ManoFileError(f"it asks for {module}.{name}, which a MANO file does not need; refused") from None

    def persistent_load(self, pid: Any) -> Any:
        raise ManoFileError("it refers to an object outside itself; refused")


def read_mano_pickle(content: bytes) -> dict[str, np.ndarray]:
    """The arrays of a MANO file by name; what else it holds is left out.

    Raises:
        ManoFileError: it asks for a type that is not admitted (it is named), was converted as text, or is no such pickle.
    """
    try:
        _refuse_text_conversion(content)
        _refuse_large_memo(content)
        data = _Unpickler(io.BytesIO(content), encoding="latin1").load()
        if not isinstance(data, dict):
            raise ManoFileError(f"it holds a {type(data).__name__}, expected a dictionary")
        wanted = (_Array, _Object)
        return {str(key): _as_array(value, str(key)) for key, value in data.items() if isinstance(value, wanted)}
    except ManoFileError:
        raise
    except Exception as error:  # a broken pickle may raise anything at all
        raise ManoFileError(f"it is not a pickle that can be read: {type(error).__name__}: {error}") from error


def _refuse_text_conversion(content: bytes) -> None:
    """Name what a transfer in text mode did, which would otherwise show as a random fault."""
    pairs, feeds = content.count(b"\r\n"), content.count(b"\n")
    converted = f"copy the original file again in binary mode ({len(content)} bytes here)"
    if len(content) > _CONVERTED_AT and feeds and pairs == feeds:
        raise ManoFileError(f"every LF in it became CR LF, as a transfer in text mode does; {converted}")
    is_binary = content[:1] == b"\x80"
    if is_binary and len(content) > 64 * _CONVERTED_AT and feeds and not pairs and not content.count(b"\r"):
        raise ManoFileError(f"every CR is missing from it, as after a transfer in text mode; {converted}")


def _refuse_large_memo(content: bytes) -> None:
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and isinstance(argument, int) and argument > _MAX_MEMO:
            raise ManoFileError(f"it numbers its parts up to {argument}, a MANO file has some hundreds; refused")


def _as_array(value: Any, key: str, depth: int = 0) -> np.ndarray:
    if depth > 8:
        raise ManoFileError(f"`{key}` is nested more than 8 deep; refused")
    if isinstance(value, _Array) and value.array is not None:
        return value.array
    if isinstance(value, _Ch):
        return _as_array(_part(value, "x", key), key, depth + 1)
    if isinstance(value, _Select):
        whole = _as_array(_part(value, "a", key), key, depth + 1).ravel()
        indices = _as_array(_part(value, "idxs", key), key, depth + 1)
        if indices.dtype.kind not in "iu":
            raise ManoFileError(f"`{key}` is chosen by indices that are no whole numbers")
        chosen: np.ndarray = whole[indices.astype(np.int64).ravel()]
        shape = value.state.get("preferred_shape", chosen.shape)
        return chosen.reshape(tuple(int(n) for n in shape))
    if isinstance(value, _CscMatrix):
        parts = tuple(_as_array(_part(value, name, key), key, depth + 1) for name in ("data", "indices", "indptr"))
        shape = value.state.get("_shape", value.state.get("shape"))
        if not isinstance(shape, tuple) or shape != REGRESSOR_SHAPE:
            raise ManoFileError(f"`{key}` is a sparse matrix of shape {str(shape)[:80]}, expected {REGRESSOR_SHAPE}")
        matrix = scipy.sparse.csc_matrix(parts, shape=REGRESSOR_SHAPE)
        matrix.check_format(full_check=True)
        dense: np.ndarray = matrix.toarray()
        return dense
    raise ManoFileError(f"`{key}` holds a {type(value).__name__.strip('_')}, expected an array")


def _part(value: _Object, name: str, key: str) -> Any:
    if name not in value.state:
        raise ManoFileError(f"`{key}` is a {value.label} without `{name}`")
    return value.state[name]

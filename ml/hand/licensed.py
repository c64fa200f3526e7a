"""Licensed MANO, for those who have it: `MANO_DIR` names the folder of `MANO_LEFT.pkl` and `MANO_RIGHT.pkl`.

MANO (Romero et al., *Embodied Hands*, SIGGRAPH Asia 2017; https://mano.is.tue.mpg.de) is licensed to each user and not
shipped. Its files are Python 2 pickles that hold chumpy objects. They are read without chumpy, by an unpickler that
knows the few types such a file needs by (module, name) and refuses everything else by name.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import scipy.sparse

from ml.hand.arrays import HandArrays
from ml.hand.skeleton import MANO_PARENTS, MANO_TIP_VERTICES, Side

VERTICES: Final = 778

MAX_BYTES: Final = 256 << 20
"""Far above a real file (about 4 MB)."""


class LicensedModelError(RuntimeError):
    """MANO's files are missing, or are not what they should be; the message says what and where."""


class _Stated:
    """Stands in for a class whose state is wanted and whose code is not."""

    def __setstate__(self, state: Any) -> None:
        self.state = dict(state) if isinstance(state, dict) else {}


class _Ch(_Stated):
    """`chumpy.ch.Ch`: an array under `x`."""


class _NdArray:
    """Names `numpy.ndarray` and makes none: only `_array` does."""


class _Select(_Stated):
    """`chumpy.reordering.Select`: entries `idxs` of the flattened `a`, of shape `preferred_shape`."""


class _CscMatrix(_Stated):
    """`scipy.sparse.csc_matrix`: `data`, `indices`, `indptr`, `_shape`."""


def _latin1(text: str, encoding: str) -> bytes:
    """`_codecs.encode`, for the one use that NumPy's arrays make of it."""
    if encoding != "latin1":
        raise LicensedModelError(f"_codecs.encode to {encoding!r} is refused; expected latin1")
    return text.encode("latin1")


_reconstruct: Callable[..., Any] = np.empty(0).__reduce__()[0]  # type: ignore[assignment]
_scalar: Callable[..., Any] = np.float64(0).__reduce__()[0]  # type: ignore[assignment]


def _array(kind: Any, shape: Any, code: Any) -> Any:
    """NumPy's reconstruction of an empty array, which `__setstate__` then fills; of plain arrays only."""
    if kind is not _NdArray or shape != (0,):
        raise LicensedModelError("an array is made in a way that NumPy does not; refused")
    return _reconstruct(np.ndarray, (0,), code)


def _dtype(spec: Any, *flags: Any) -> np.dtype[Any]:
    dtype = np.dtype(spec, *flags)
    if dtype.kind not in "biufSU":
        raise LicensedModelError(f"an array of {dtype} is refused; expected numbers")
    return dtype


def _plain(kind: Any, base: Any, state: Any) -> Any:
    """Protocol 0's way of making an object without its constructor, for the stand-ins alone."""
    if base is not object or state is not None or not (isinstance(kind, type) and issubclass(kind, _Stated)):
        raise LicensedModelError("an object is made in a way that MANO's files do not need; refused")
    return kind()


_ALLOWED: Final[dict[tuple[str, str], Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _array,
    ("numpy._core.multiarray", "_reconstruct"): _array,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy._core.multiarray", "scalar"): _scalar,
    ("numpy", "ndarray"): _NdArray,
    ("numpy", "dtype"): _dtype,
    ("scipy.sparse.csc", "csc_matrix"): _CscMatrix,
    ("scipy.sparse._csc", "csc_matrix"): _CscMatrix,
    ("chumpy.ch", "Ch"): _Ch,
    ("chumpy.reordering", "Select"): _Select,
    ("_codecs", "encode"): _latin1,
    ("copy_reg", "_reconstructor"): _plain,
    ("copyreg", "_reconstructor"): _plain,
    ("__builtin__", "object"): object,
    ("builtins", "object"): object,
}


class _Unpickler(pickle.Unpickler):
    """Knows `_ALLOWED` and nothing else. `dtype` is a function here, so that no other kind of array can be made."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise LicensedModelError(f"it asks for {module}.{name}, which a MANO file does not need; refused") from None

    def persistent_load(self, pid: Any) -> Any:
        raise LicensedModelError("it refers to an object outside itself; refused")


def read_mano_pickle(stream: BinaryIO) -> dict[str, Any]:
    """Unpickle a MANO file, as plain arrays by name.

    Raises:
        LicensedModelError: the file asks for a type that is not admitted (it is named), or is no such pickle.
    """
    try:
        content = _Unpickler(stream, encoding="latin1").load()
    except LicensedModelError:
        raise
    except Exception as error:  # a broken pickle may raise anything at all
        raise LicensedModelError(f"it is not a pickle that can be read: {type(error).__name__}: {error}") from error
    if not isinstance(content, dict):
        raise LicensedModelError(f"it holds a {type(content).__name__}, expected a dictionary")
    return {str(key): _value(value, str(key)) for key, value in content.items()}


def load_licensed_mano(side: Side, folder: str | Path | None = None, *, correct_left_shape: bool = False) -> HandArrays:
    """MANO of one side.

    Args:
        side: left or right.
        folder: where the two files are; the environment variable `MANO_DIR` unless told.
        correct_left_shape: change the sign of x of the left hand's first shape direction, a known fault of the distributed
            file (smplx issue 48). Off by default: DexYCB's labels, for one, were made with the fault.

    Raises:
        LicensedModelError: a file is missing, is refused, or holds arrays of another shape.
    """
    named = folder or os.environ.get("MANO_DIR")
    if not named:
        raise LicensedModelError(
            "MANO is licensed to each user: set MANO_DIR to the folder of MANO_LEFT.pkl and MANO_RIGHT.pkl"
        )
    path = Path(named) / f"MANO_{side.upper()}.pkl"
    if not path.is_file():
        raise LicensedModelError(f"{path} is missing; MANO_DIR must hold MANO_LEFT.pkl and MANO_RIGHT.pkl")
    if path.stat().st_size > MAX_BYTES:
        raise LicensedModelError(f"{path} has {path.stat().st_size >> 20} MB; a MANO file has about 4")
    try:
        with path.open("rb") as stream:
            return _arrays(read_mano_pickle(stream), side, correct_left_shape)
    except (LicensedModelError, ValueError, KeyError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise LicensedModelError(f"{path} is not MANO's: {reason}") from error


def _arrays(data: dict[str, Any], side: Side, correct_left_shape: bool) -> HandArrays:
    tree = np.asarray(data["kintree_table"])
    if tree.shape != (2, 16) or tuple(tree[0, 1:].astype(np.int64)) != MANO_PARENTS[1:]:
        raise ValueError(f"`kintree_table` {tree.shape} is not MANO's tree of 16 joints")
    shape = np.asarray(data["shapedirs"], np.float64)[:, :, :10].copy()
    if side == "left" and correct_left_shape:
        shape[:, 0] *= np.array([-1.0] + [1.0] * 9)
    if len(shape) != VERTICES:
        raise ValueError(f"`shapedirs` has {len(shape)} vertices, expected {VERTICES}")
    tips = {name: vertices for name, vertices in MANO_TIP_VERTICES.items() if name != "manopth-left"}
    if side == "left":
        tips["manopth"] = MANO_TIP_VERTICES["manopth-left"]
    return HandArrays(
        side=side,
        template=np.asarray(data["v_template"], np.float64),
        faces=np.asarray(data["f"]).astype(np.int64),
        shape_directions=shape,
        pose_directions=np.asarray(data["posedirs"], np.float64),
        regressor=np.asarray(data["J_regressor"], np.float64),
        weights=np.asarray(data["weights"], np.float64),
        pose_components=np.asarray(data["hands_components"], np.float64),
        pose_mean=np.asarray(data["hands_mean"], np.float64),
        tip_sets=tips,
    )


def _value(value: Any, key: str) -> Any:
    if isinstance(value, _Ch):
        return _value(_part(value, "x", key), key)
    if isinstance(value, _Select):
        whole = np.asarray(_value(_part(value, "a", key), key)).ravel()
        chosen = whole[np.asarray(_part(value, "idxs", key)).astype(np.int64)]
        return chosen.reshape(value.state["preferred_shape"]) if "preferred_shape" in value.state else chosen
    if isinstance(value, _CscMatrix):
        parts = tuple(_part(value, name, key) for name in ("data", "indices", "indptr"))
        shape = value.state.get("_shape", value.state.get("shape"))
        if shape is None or int(np.prod(shape)) > 16 * VERTICES:
            raise LicensedModelError(f"`{key}` is a sparse matrix of shape {shape}, expected (16, {VERTICES})")
        matrix = scipy.sparse.csc_matrix(parts, shape=shape)
        matrix.check_format(full_check=True)
        return matrix.toarray()
    return value


def _part(value: _Stated, name: str, key: str) -> Any:
    if name not in getattr(value, "state", {}):
        raise LicensedModelError(f"`{key}` is a {type(value).__name__.strip('_')} without `{name}`")
    return value.state[name]

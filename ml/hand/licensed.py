"""Licensed MANO, for those who have it: `MANO_DIR` names the folder of `MANO_LEFT.pkl` and `MANO_RIGHT.pkl`.

MANO (Romero et al., *Embodied Hands*, SIGGRAPH Asia 2017; https://mano.is.tue.mpg.de) is licensed to each user and not
shipped. Its files are read by `ml.hand.mano_pickle`, without chumpy.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import numpy as np

from ml.hand.arrays import HandArrays
from ml.hand.mano_pickle import MANO_VERTICES, read_mano_pickle
from ml.hand.skeleton import MANO_PARENTS, MANO_TIP_VERTICES, Side

MAX_BYTES: Final = 256 << 20
"""Far above a real file (about 4 MB)."""


class LicensedModelError(RuntimeError):
    """MANO's files are missing, or are not what they should be; the message says what and where."""


def load_licensed_mano(side: Side, folder: str | Path | None = None, *, correct_left_shape: bool = False) -> HandArrays:
    """MANO of one side.

    Args:
        side: left or right.
        folder: where the two files are; by default the environment variable `MANO_DIR`.
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
        return _arrays(read_mano_pickle(path.read_bytes()), side, correct_left_shape)
    except (ValueError, KeyError, TypeError, IndexError, OverflowError) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error)
        raise LicensedModelError(f"{path} is not MANO's: {reason}") from error


def _arrays(data: dict[str, np.ndarray], side: Side, correct_left_shape: bool) -> HandArrays:
    tree = data["kintree_table"]
    if tree.dtype.kind not in "iu" or data["f"].dtype.kind not in "iu":
        raise ValueError("`kintree_table` or `f` holds no whole numbers")
    if tree.shape != (2, 16) or tuple(tree[0, 1:].astype(np.int64)) != MANO_PARENTS[1:]:
        raise ValueError(f"`kintree_table` {tree.shape} is not MANO's tree of 16 joints")
    shape = data["shapedirs"].astype(np.float64)
    if shape.ndim != 3 or shape.shape[2] < 10:
        raise ValueError(f"`shapedirs` has shape {list(shape.shape)}, expected [778, 3, 10 or more]")
    shape = shape[:, :, :10].copy()
    if side == "left" and correct_left_shape:
        shape[:, 0] *= np.array([-1.0] + [1.0] * 9)
    if len(shape) != MANO_VERTICES:
        raise ValueError(f"`shapedirs` has {len(shape)} vertices, expected {MANO_VERTICES}")
    tips = {name: vertices for name, vertices in MANO_TIP_VERTICES.items() if name != "manopth-left"}
    if side == "left":
        tips["manopth"] = MANO_TIP_VERTICES["manopth-left"]
    return HandArrays(
        side=side,
        template=data["v_template"].astype(np.float64),
        faces=data["f"].astype(np.int64),
        shape_directions=shape,
        pose_directions=data["posedirs"].astype(np.float64),
        regressor=data["J_regressor"].astype(np.float64),
        weights=data["weights"].astype(np.float64),
        pose_components=data["hands_components"].astype(np.float64),
        pose_mean=data["hands_mean"].astype(np.float64),
        tip_sets=tips,
    )

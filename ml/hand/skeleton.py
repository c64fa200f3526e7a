"""Names, orders and trees of the joints of a hand.

Two orders matter:

- the *OpenPose* order, 21 joints: wrist, then thumb, index, middle, ring, pinky, each from base to tip. MediaPipe,
  OpenPose, FreiHAND and DexYCB use it, and so does everything in this code base unless a name says otherwise.
- the *MANO* order, 16 joints: wrist, index 1-3, middle 1-3, pinky 1-3, ring 1-3, thumb 1-3. Poses are in this
  order. With the five fingertips appended (thumb, index, middle, ring, pinky) it is HO3D's order of 21.

Source: Romero et al., *Embodied Hands*, SIGGRAPH Asia 2017, and the layouts of the data sets named above.
"""

from __future__ import annotations

from typing import Final, Literal

Side = Literal["left", "right"]

SIDES: Final[tuple[Side, Side]] = ("left", "right")
"""Index = the number that a file stores: 0 left, 1 right."""

FINGERS: Final = ("thumb", "index", "middle", "ring", "pinky")

JOINTS: Final[tuple[str, ...]] = ("wrist", *(f"{finger}{k}" for finger in FINGERS for k in (1, 2, 3, 4)))
"""The 21 joints in OpenPose order; 1 is a finger's base (MCP; CMC of the thumb), 4 its tip."""

PARENTS: Final[tuple[int, ...]] = (-1, *(0 if k == 0 else 4 * f + k for f in range(5) for k in range(4)))
"""Parent of each of the 21 joints, OpenPose order."""

BONES: Final[tuple[tuple[int, int], ...]] = tuple((parent, child) for child, parent in enumerate(PARENTS) if parent >= 0)
"""The 20 bones as (parent, child), OpenPose order."""

TIPS: Final = (4, 8, 12, 16, 20)
"""The five fingertips in OpenPose order: thumb, index, middle, ring, pinky."""

MANO_JOINTS: Final[tuple[str, ...]] = (
    "wrist",
    *(f"{finger}{k}" for finger in ("index", "middle", "pinky", "ring", "thumb") for k in (1, 2, 3)),
)
"""The 16 posed joints in MANO order."""

MANO_PARENTS: Final = (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 0, 10, 11, 0, 13, 14)
"""Parent of each of MANO's 16 joints."""

MANO_TO_OPENPOSE: Final = (0, 13, 14, 15, 16, 1, 2, 3, 17, 4, 5, 6, 18, 10, 11, 12, 19, 7, 8, 9, 20)
"""`openpose = mano21[MANO_TO_OPENPOSE]`, where mano21 = 16 MANO joints + tips (thumb, index, middle, ring, pinky)."""

OPENPOSE_TO_MANO: Final[tuple[int, ...]] = tuple(MANO_TO_OPENPOSE.index(j) for j in range(21))
"""`mano21 = openpose[OPENPOSE_TO_MANO]`: the exact inverse."""

MANO_TIP_VERTICES: Final[dict[str, tuple[int, int, int, int, int]]] = {
    "smplx": (744, 320, 443, 554, 671),
    "manopth": (745, 317, 444, 556, 673),
    "manopth-left": (745, 317, 445, 556, 673),
    "freihand": (744, 320, 443, 555, 672),
    "ho3d": (744, 333, 444, 555, 672),
}
"""Vertices of MANO's mesh (778) that four code bases call fingertips (thumb … pinky); they differ by millimetres."""

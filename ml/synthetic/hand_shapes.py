"""Named shapes of a hand as joint angles: letters of finger alphabets, gestures, and grasps by size of the object."""

from __future__ import annotations

from typing import Final, Literal, get_args

import numpy as np

from ml.hand.skeleton import MANO_JOINTS

FINGERS: Final = ("thumb", "index", "middle", "ring", "pinky")
FINGER_JOINTS: Final = np.array([[MANO_JOINTS.index(f"{finger}{part}") for part in (1, 2, 3)] for finger in FINGERS])
"""Joints [5, 3] (MANO order) of thumb to pinky, base to tip."""

Grasp = Literal["power", "sphere", "pinch", "tripod", "lateral", "hook", "plate"]
GRASPS: Final[tuple[Grasp, ...]] = get_args(Grasp)

# flexion of a finger's joints, base to tip, degrees
_STATES: Final = {
    "o": (3, 5, 3),  # open
    "c": (72, 98, 66),  # closed
    "h": (8, 92, 62),  # hooked: knuckle straight, the rest bent
    "f": (78, 8, 4),  # flat: bent at the knuckle alone
    "r": (30, 38, 22),  # round
    "p": (52, 48, 24),  # as in a pinch
    "l": (18, 22, 12),  # relaxed
    "b": (62, 70, 40),  # half closed
}
# twist, flexion and deviation of the thumb's base, flexion of its other two joints, degrees
_THUMBS: Final = {
    "o": (0, -8, 14, 0, -4),  # beside the hand
    "w": (0, -12, 26, -4, -10),  # far away
    "a": (-6, 4, -16, 6, 4),  # along the index finger
    "x": (14, 30, -8, 30, 34),  # across the palm
    "v": (10, 24, 8, 30, 42),  # over closed fingers
    "p": (14, 18, 20, 18, 22),  # opposed to the index finger
    "r": (10, 8, 22, 10, 16),  # opposed, wide
    "l": (4, 4, 8, 8, 10),  # relaxed
}
# thumb, then index to pinky; then how far fingers spread, -1 to 1
_LETTERS: Final = {
    "a": "acccc0", "b": "xoooo0", "c": "rrrrr0", "d": "pobbb0", "e": "xhhhh0", "f": "ppooo5", "g": "aobbb0", "h": "voocc0",
    "i": "vccco0", "k": "aoocc5", "l": "woccc0", "m": "xfffc0", "n": "xffcc0", "o": "ppppp0", "q": "pfbbb0", "r": "voocc-5",
    "s": "vcccc0", "t": "abccc0", "u": "voocc0", "v": "voocc8", "w": "xoooc7", "x": "vhccc0", "y": "wccco5",
}  # fmt: skip
_GESTURES: Final = {
    "open": "ooooo8", "fist": "vcccc0", "point": "voccc0", "thumb up": "wcccc0", "ring": "ppooo6", "two": "voocc7",
    "horns": "vocco6", "three": "woocc5", "telephone": "wccco6", "relaxed": "lllll2", "flat": "aoooo0", "claw": "rhhhh6",
    "four": "xoooo7", "beak": "pffff0",
}  # fmt: skip


def shape(code: str) -> np.ndarray:
    """Angles [16, 3] (radians) of a code: a letter for thumb, index … pinky each, then the spread in tenths."""
    angles = np.zeros((16, 3))
    for finger, state in zip(range(1, 5), code[1:5], strict=True):
        angles[FINGER_JOINTS[finger], 1] = _STATES[state]
    twist, flexion, deviation, middle, tip = _THUMBS[code[0]]
    angles[13] = twist, flexion, deviation
    angles[14, 1], angles[15, 1] = middle, tip
    spread = int(code[5:]) / 10
    for finger, share in zip(range(1, 5), (12, 2, -7, -14), strict=True):
        base = FINGER_JOINTS[finger, 0]
        angles[base, 2] = share * spread * (1 - 0.6 * angles[base, 1] / 90)
    return np.radians(angles)


LETTERS: Final = np.stack([shape(code) for code in _LETTERS.values()])
"""Letter-like shapes [23, 16, 3], radians; of signs that differ only in orientation or movement, one."""
GESTURES: Final = np.stack([shape(code) for code in _GESTURES.values()])
"""Shapes [14, 16, 3] of everyday gestures, radians."""


def grasp(kind: Grasp, size: float, others: float) -> np.ndarray:
    """Angles [16, 3] (radians) of a hand around an object.

    Args:
        kind: of grasp, after the taxonomy of Feix et al., IEEE Trans. Human-Machine Systems 46, 2016, coarsened.
        size: of the object, 0 (nothing) to 1 (as wide as this grasp takes).
        others: how far fingers that take no part are flexed, 0 to 1.
    """
    angles = np.zeros((16, 3))
    free = np.multiply((60, 75, 45), others)
    taking = {
        "power": (1, 2, 3, 4), "sphere": (1, 2, 3, 4), "hook": (1, 2, 3, 4), "plate": (1, 2, 3, 4), "lateral": (1, 2, 3, 4),
        "pinch": (1,), "tripod": (1, 2),
    }[kind]  # fmt: skip
    closed, opened = {
        "power": ((78, 88, 52), (32, 38, 24)),
        "sphere": ((58, 66, 40), (20, 26, 18)),
        "hook": ((18, 96, 62), (2, 58, 34)),
        "plate": ((76, 10, 4), (48, 6, 2)),
        "lateral": ((60, 82, 46), (52, 70, 38)),
        "pinch": ((54, 48, 26), (26, 20, 10)),
        "tripod": ((56, 46, 22), (28, 22, 10)),
    }[kind]
    for finger in range(1, 5):
        held = np.multiply(closed, 1 - size) + np.multiply(opened, size)
        angles[FINGER_JOINTS[finger], 1] = held if finger in taking else free
    if kind == "sphere":
        angles[FINGER_JOINTS[1:, 0], 2] = np.multiply((14, 3, -8, -14), 0.3 + 0.7 * size)
    base, middle, tip = {
        "lateral": ((-2, 14, -6), 18, 14), "hook": ((0, 0, 6), 4, 6), "plate": ((8, 22, 12), 22, 10),
    }.get(kind, ((14, 22 - 10 * size, 12 + 14 * size), 26 - 16 * size, 26 - 16 * size))  # fmt: skip
    angles[13], angles[14, 1], angles[15, 1] = base, middle, tip
    return np.radians(angles)

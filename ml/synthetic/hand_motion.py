"""Smooth motion of one hand within the limits of its joints, drawn from a seed.

A hand passes through key poses, moving between them along minimum-jerk curves (Flash & Hogan, J. Neurosci. 5, 1985) and resting
in between. Angles between two poses within the limits are within the limits too.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from ml.hand.joint_limits import LIMITS, sample_angles
from ml.hand.skeleton import MANO_JOINTS
from ml.synthetic.activities import DAILY_ACTIVITIES, DailyActivity, daily_motion

PlainActivity = Literal["reach", "grasp", "count", "type", "sign"]
Activity = PlainActivity | DailyActivity

ACTIVITIES: Final[tuple[PlainActivity, ...]] = get_args(PlainActivity)
"""Those of the benchmark and of clips whose activity is drawn; more would change the clips of every seed."""
ALL_ACTIVITIES: Final[tuple[Activity, ...]] = (*ACTIVITIES, *DAILY_ACTIVITIES)

UPRIGHT: Final = np.array([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]])
"""Turns a right hand model so that its fingers point up in the picture and its palm faces the camera."""

_TO_AND_FRO: Final[dict[str, tuple[float, float, float, float]]] = {
    "wave": (1.0, 3.0, 25.0, 0.02),
    "clap": (1.0, 4.0, 5.0, 0.04),
    "write": (0.2, 0.5, 3.0, 0.02),
}
"""Least and most cycles a second, degrees and metres to either side."""

_FLEXED: Final = np.radians([70.0, 85.0, 55.0])


@dataclass(frozen=True)
class Place:
    """Where a hand may be.

    Attributes:
        centre: [3], metres, camera frame: of the middle MCP.
        reach: [3], metres, about the centre.
        back: whether the hand's back or its palm faces the camera.
        turn: by how much it may turn away, radians.
    """

    centre: np.ndarray
    reach: np.ndarray
    back: bool
    turn: float


def joint_motion(rng: np.random.Generator, activity: Activity, times: np.ndarray) -> np.ndarray:
    """Angles [T, 16, 3] (twist, flexion, deviation; radians) over the times [T] (s), within `LIMITS`."""
    if activity in DAILY_ACTIVITIES:
        return daily_motion(rng, activity, times)
    duration = float(times[-1]) + 1.0
    pace = _PACES[activity] * rng.uniform(0.8, 1.25)
    count = int(duration / pace) + 3
    keys = _KEYS[activity](rng, count)
    moments = np.cumsum(pace * rng.uniform(0.7, 1.3, count)) - rng.uniform(0, pace) - pace
    angles = _minimum_jerk(times, moments, keys, hold=0.15 if activity in ("count", "sign") else 0.0)
    sway = _wander(rng, times, (16, 3), 0.9) * np.radians(1.5)
    low, high = LIMITS[..., 0], LIMITS[..., 1]
    clipped: np.ndarray = np.clip(angles + sway * (high > low), low, high)
    return clipped


def root_motion(
    rng: np.random.Generator, place: Place, times: np.ndarray, activity: Activity = "reach"
) -> tuple[np.ndarray, np.ndarray]:
    """Orientation [T, 3, 3] of a right hand's model and centre [T, 3] (m) over the times [T], in the camera's frame.

    Hands that wave, clap or write also move to and fro.
    """
    duration = float(times[-1]) + 2.0
    moments = np.arange(-1.0, duration + 1.0, 1.0)
    tilt = Rotation.from_euler("xyz", rng.uniform(-1, 1, (len(moments), 3)) * [place.turn, place.turn, 0.6 * place.turn])
    facing = Rotation.from_euler("y", np.pi if place.back else 0.0)
    keys = tilt * facing
    slerp = Slerp(moments, keys)
    eased = moments[0] + _eased_progress(times - moments[0])
    centre = place.centre + place.reach * _wander(rng, times, (3,), 0.35)
    turns = slerp(np.clip(eased, moments[0], moments[-1]))
    if activity in _TO_AND_FRO:
        least, most, angle, way = _TO_AND_FRO[activity]
        beat = np.sin(2 * np.pi * times * rng.uniform(least, most) + rng.uniform(0, 2 * np.pi)) * rng.uniform(0.5, 1.0)
        turns = Rotation.from_rotvec(beat[:, None] * [0, 0, np.radians(angle)]) * turns
        centre = centre + beat[:, None] * [way, 0, 0]
    matrices: np.ndarray = turns.as_matrix() @ UPRIGHT
    return matrices, centre


def _eased_progress(seconds: np.ndarray) -> np.ndarray:
    """Time that dwells at every whole second: minimum jerk within each."""
    whole = np.floor(seconds)
    eased: np.ndarray = whole + _ease(seconds - whole)
    return eased


def _ease(u: np.ndarray) -> np.ndarray:
    eased: np.ndarray = u**3 * (10 - 15 * u + 6 * u**2)
    return eased


def _minimum_jerk(times: np.ndarray, moments: np.ndarray, keys: np.ndarray, hold: float) -> np.ndarray:
    index = np.clip(np.searchsorted(moments, times, side="right") - 1, 0, len(moments) - 2)
    u = (times - moments[index]) / (moments[index + 1] - moments[index])
    u = np.clip((np.clip(u, 0, 1) - hold) / (1 - 2 * hold), 0, 1)
    blend = _ease(u)[:, None, None]
    blended: np.ndarray = keys[index] * (1 - blend) + keys[index + 1] * blend
    return blended


def _wander(rng: np.random.Generator, times: np.ndarray, shape: tuple[int, ...], rate: float) -> np.ndarray:
    """Smooth noise [T, *shape] within ±1: four sines of random phase up to about `rate` Hz."""
    size = int(np.prod(shape))
    frequency = rate * rng.uniform(0.25, 1.0, (4, size))
    phase = rng.uniform(0, 2 * np.pi, (4, size))
    waves: np.ndarray = np.sin(2 * np.pi * times[:, None, None] * frequency + phase).mean(1)
    return waves.reshape(len(times), *shape)


def _open_hand(rng: np.random.Generator, count: int) -> np.ndarray:
    angles = np.zeros((count, 16, 3))
    angles[:, 1:, 1] = np.radians(rng.uniform(0, 12, (count, 15)))
    for base, spread in zip((1, 4, 10, 7), (1.0, 0.2, -0.6, -1.2), strict=True):
        angles[:, base, 2] = np.radians(12) * spread * rng.uniform(0, 1, count)
    return angles


def _curl(angles: np.ndarray, finger: str, amount: np.ndarray | float) -> None:
    for part in (1, 2, 3):
        angles[:, MANO_JOINTS.index(f"{finger}{part}"), 1] = amount * _FLEXED[part - 1] * (0.55 if finger == "thumb" else 1.0)


def _reach(rng: np.random.Generator, count: int) -> np.ndarray:
    angles = _open_hand(rng, count)
    for finger in ("thumb", "index", "middle", "ring", "pinky"):
        _curl(angles, finger, rng.uniform(0.0, 0.35, count))
    return angles


def _grasp(rng: np.random.Generator, count: int) -> np.ndarray:
    angles = _open_hand(rng, count)
    closed = np.where(np.arange(count) % 2, rng.uniform(0.5, 0.85, count), rng.uniform(0.05, 0.25, count))
    for finger in ("thumb", "index", "middle", "ring", "pinky"):
        _curl(angles, finger, np.clip(closed + rng.normal(0, 0.06, count), 0, 1))
    return angles


def _count(rng: np.random.Generator, count: int) -> np.ndarray:
    angles = _open_hand(rng, count)
    shown = (np.arange(count) + rng.integers(5)) % 5 + 1
    for rank, finger in enumerate(("index", "middle", "ring", "pinky", "thumb"), start=1):
        _curl(angles, finger, np.where(shown >= rank, 0.05, 1.0))
    return angles


def _type(rng: np.random.Generator, count: int) -> np.ndarray:
    angles = _open_hand(rng, count)
    pressed = rng.integers(0, 5, count)
    for rank, finger in enumerate(("thumb", "index", "middle", "ring", "pinky")):
        _curl(angles, finger, np.where(pressed == rank, 0.55, 0.3) + rng.normal(0, 0.03, count))
    return angles


def _sign(rng: np.random.Generator, count: int) -> np.ndarray:
    return sample_angles(rng, count)


_PACES: Final[dict[str, float]] = {"reach": 0.9, "grasp": 0.8, "count": 0.6, "type": 0.22, "sign": 0.7}
"""Seconds from one key pose to the next."""
_KEYS: Final[dict[str, Callable[[np.random.Generator, int], np.ndarray]]] = {
    "reach": _reach,
    "grasp": _grasp,
    "count": _count,
    "type": _type,
    "sign": _sign,
}

"""What hands do, drawn from a seed: objects grasped and released, taps, typing, spelling, waving, writing and more.

Each activity is a function of its own time, which runs faster or slower than the clip's, pauses and changes its pace. Movements
between shapes follow minimum-jerk curves (Flash & Hogan, J. Neurosci. 5, 1985); the fingers do not start all at once, tremor
and slow sway are added, and every sequence has a habit: a constant deviation of its joints.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, get_args

import numpy as np

from ml.hand.joint_limits import LIMITS, sample_angles
from ml.synthetic.hand_shapes import FINGER_JOINTS, GESTURES, GRASPS, LETTERS, grasp, shape

DailyActivity = Literal[
    "manipulate", "tap", "press", "spell", "wave", "clap", "pinch", "write", "drum", "fist", "spread", "gesture", "idle", "free"
]
DAILY_ACTIVITIES: Final[tuple[DailyActivity, ...]] = get_args(DailyActivity)

Rng = np.random.Generator


def daily_motion(rng: Rng, activity: DailyActivity, times: np.ndarray) -> np.ndarray:
    """Angles [T, 16, 3] (twist, flexion, deviation; radians) over ascending times [T] (s), within `LIMITS`."""
    own = _own_time(rng, times)
    angles = _MOTIONS[activity](rng, own)
    low, high = LIMITS[..., 0], LIMITS[..., 1]
    movable = (high > low) & (np.arange(3) == 1) | (high - low > np.radians(15))
    habit = np.clip(rng.normal(0, 4, (16, 3)), -9, 9) * movable
    sway = 2.0 * _slow(rng, times, 1.0) * movable
    angles = angles + np.radians(habit + sway + _tremor(rng, times) * movable)
    clipped: np.ndarray = np.clip(angles, low, high)
    return clipped


def _own_time(rng: Rng, times: np.ndarray) -> np.ndarray:
    """The activity's own time (s): another pace in every sequence, changing within it; in every third one with pauses."""
    pace = float(np.clip(rng.lognormal(0.0, 0.35), 0.4, 1.9)) * (1 + 0.25 * _slow(rng, times, 0.3, 1)[:, 0])
    if rng.uniform() < 0.35:
        for _ in range(rng.integers(1, 4)):
            middle, half = rng.uniform(times[0], times[-1]), rng.uniform(0.15, 0.9)
            pace = pace * (1 - 1 / (1 + np.exp(-(half - np.abs(times - middle)) / 0.05)))
    own: np.ndarray = np.concatenate([[0.0], np.cumsum(pace[1:] * np.diff(times))])
    return own


def _slow(rng: Rng, times: np.ndarray, rate: float, size: int = 48) -> np.ndarray:
    """Smooth noise about ±1 up to `rate` Hz: [T, 16, 3], or [T, size]."""
    frequency = rate * rng.uniform(0.2, 1.0, (3, size))
    phase = rng.uniform(0, 2 * np.pi, (3, size))
    waves: np.ndarray = np.sin(2 * np.pi * times[:, None, None] * frequency + phase).mean(1)
    return waves.reshape(len(times), 16, 3) if size == 48 else waves


def _tremor(rng: Rng, times: np.ndarray) -> np.ndarray:
    """Degrees [T, 16, 3]: in every fifth sequence 4 to 12 Hz, the slower the larger; it swells and fades."""
    if rng.uniform() > 0.2:
        return np.zeros((len(times), 16, 3))
    frequency = rng.uniform(4, 12)
    size = rng.uniform(0.2, 1.0) * 8.0 / frequency
    phase, share = rng.uniform(0, 2 * np.pi, (16, 3)), rng.uniform(0, 1, (16, 3))
    swell = 0.6 + 0.4 * _slow(rng, times, 0.5, 1)[:, :, None]
    wave: np.ndarray = size * swell * share * np.sin(2 * np.pi * frequency * times[:, None, None] + phase)
    return wave


def ease(share: np.ndarray) -> np.ndarray:
    """Minimum jerk from 0 to 1 over a share in [0, 1], and at rest before and after."""
    u = np.clip(share, 0, 1)
    eased: np.ndarray = u**3 * (10 - 15 * u + 6 * u**2)
    return eased


def _through(rng: Rng, own: np.ndarray, keys: list[np.ndarray], moving: list[float], resting: list[float]) -> np.ndarray:
    """Through key shapes [16, 3]: towards each for `moving` seconds, then `resting`; fingers are late by up to 40 ms."""
    last = np.cumsum(np.add(moving, resting))
    starts = np.concatenate([[0.0], last[:-1]])
    shapes, durations = np.stack(keys), np.array(moving)
    angles = np.empty((len(own), 16, 3))
    angles[:, 0] = 0.0
    for joints in FINGER_JOINTS:
        late = own - np.clip(rng.normal(0.0, 0.02), -0.04, 0.04)
        index = np.clip(np.searchsorted(starts, late, side="right") - 1, 0, len(starts) - 1)
        share = ease((late - starts[index]) / durations[index])[:, None, None]
        before, after = shapes[np.maximum(index - 1, 0)][:, joints], shapes[index][:, joints]
        angles[:, joints] = before + share * (after - before)
    return angles


def _relaxed(rng: Rng) -> np.ndarray:
    """A hand at rest [16, 3], curled more or less."""
    lax, half = shape("lllll2"), shape("rrbbb0")
    curled: np.ndarray = lax + rng.uniform(-0.3, 0.8) * (half - lax) + _varied(rng, 3.0)
    return curled


def _varied(rng: Rng, std: float) -> np.ndarray:
    """Random flexion [16, 3] of every joint; `std` in degrees."""
    varied: np.ndarray = np.radians(rng.normal(0, std, (16, 3))) * (np.arange(3) == 1)
    return varied


def _flex(finger: int, degrees: tuple[float, float, float]) -> np.ndarray:
    """Angles [16, 3] of flexion of one finger alone."""
    added = np.zeros((16, 3))
    added[FINGER_JOINTS[finger], 1] = np.radians(degrees)
    return added


def _manipulate(rng: Rng, own: np.ndarray) -> np.ndarray:
    """Reach for objects of all sizes, grasp, hold, turn over in the hand and release them."""
    keys, moving, resting = [_relaxed(rng)], [0.1], [rng.uniform(0, 0.5)]
    while sum(moving) + sum(resting) < own[-1] + 1:
        kind, size, others = GRASPS[rng.integers(len(GRASPS))], rng.uniform(), rng.uniform(0.1, 0.9)
        held = grasp(kind, size, others)
        keys += [grasp(kind, min(1.0, size + rng.uniform(0.2, 0.6)), others * 0.7) - _flex(0, (4, 4, 4)), held]
        moving += [rng.uniform(0.35, 0.8), rng.uniform(0.15, 0.45)]
        resting += [0.0, rng.uniform(0.1, 1.0)]
        for _ in range(rng.integers(0, 4)):
            keys.append(held + _varied(rng, 5))
            moving.append(rng.uniform(0.15, 0.6))
            resting.append(rng.uniform(0, 0.6))
        keys += [grasp(kind, min(1.0, size + 0.5), others * 0.6), _relaxed(rng)]
        moving += [rng.uniform(0.15, 0.4), rng.uniform(0.3, 0.8)]
        resting += [0.0, rng.uniform(0, 0.8)]
    return _through(rng, own, keys, moving, resting)


def _pulses(own: np.ndarray, moments: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Sum [T] of raised-cosine pulses about moments, each of its own length (s)."""
    u = (own[:, None] - moments) / lengths
    summed: np.ndarray = np.where(np.abs(u) < 0.5, 0.5 + 0.5 * np.cos(2 * np.pi * u), 0.0).sum(1)
    return summed


def _tap(rng: Rng, own: np.ndarray) -> np.ndarray:
    """One or more fingers tap at 1 to 5 Hz while the others rest."""
    angles = np.tile(_relaxed(rng), (len(own), 1, 1))
    rate, count = rng.uniform(1, 5), rng.integers(1, 4)
    moments = np.cumsum(rng.normal(1, 0.08, int(own[-1] * rate * 1.3) + 3).clip(0.6) / rate)
    size = rng.uniform(10, 35) / max(1.0, rate / 3)
    for finger in rng.choice(5, count, replace=False):
        pulse = _pulses(own, moments + rng.normal(0, 0.02), np.full(len(moments), min(0.35, 0.9 / rate)))
        angles += (pulse - 0.5)[:, None, None] * _flex(int(finger), (size, 0.45 * size, 0.25 * size))
    return angles


def _press(rng: Rng, own: np.ndarray) -> np.ndarray:
    """Typing: 3 to 9 keys a second, fingers in any order, overlapping; fingers reach for other rows of keys."""
    base = shape("rrrrr3") + _varied(rng, 4)
    rate = rng.uniform(3, 9)
    count = int(own[-1] * rate * 1.3) + 3
    moments, fingers = np.cumsum(rng.exponential(1 / rate, count) * 0.6 + 0.4 / rate), rng.integers(0, 5, count)
    angles = np.tile(base, (len(own), 1, 1))
    for finger in range(5):
        hits = moments[fingers == finger]
        pulse = _pulses(own, hits, rng.uniform(0.14, 0.24, len(hits))) if len(hits) else np.zeros(len(own))
        lift = _pulses(own, hits - 0.11, np.full(len(hits), 0.16)) if len(hits) else pulse
        down = rng.uniform(12, 24)
        angles += pulse[:, None, None] * _flex(finger, (down, 0.4 * down, 0.2 * down))
        angles -= lift[:, None, None] * _flex(finger, (0.4 * down, 0.1 * down, 0))
        row = _slow(rng, own, 1.5, 2)
        angles += row[:, :1, None] * _flex(finger, (9, -14, -8))
        angles[:, FINGER_JOINTS[finger, 0], 2] += np.radians(5) * row[:, 1]
    return angles


def _shown(
    rng: Rng, own: np.ndarray, shapes: np.ndarray, moving: tuple[float, float], resting: tuple[float, float]
) -> np.ndarray:
    """Shapes [K, 16, 3] in random order."""
    count = int(own[-1] / (moving[0] + resting[0])) + 3
    chosen = shapes[rng.integers(0, len(shapes), count)] + np.radians(rng.normal(0, 3, (count, 16, 3))) * (np.arange(3) == 1)
    return _through(rng, own, list(chosen), rng.uniform(*moving, count).tolist(), rng.uniform(*resting, count).tolist())


def _spell(rng: Rng, own: np.ndarray) -> np.ndarray:
    """A finger alphabet: 2 to 5 letters a second where it is fast."""
    return _shown(rng, own, LETTERS, (0.18, 0.45), (0.05, 0.6 * rng.uniform(0.2, 1)))


def _gesture(rng: Rng, own: np.ndarray) -> np.ndarray:
    """Everyday gestures, each shown for a while."""
    return _shown(rng, own, GESTURES, (0.2, 0.7), (0.2, 1.6))


def _cycle(rng: Rng, own: np.ndarray, rates: tuple[float, float], lag: float) -> np.ndarray:
    """Cycles [T, 5] from 0 to 1 and back, one finger later than another by up to `lag` of a cycle; not quite regular."""
    rate = float(np.exp(rng.uniform(*np.log(rates))))
    turn = own * rate + 0.15 * _slow(rng, own, 0.5, 1)[:, 0] + rng.uniform()
    late = lag * (np.linspace(0, 1, 5) if rng.uniform() < 0.7 else np.linspace(1, 0, 5)) + rng.normal(0, 0.02, 5)
    sharpness = rng.uniform(0.0, 2.5)
    wave = np.sin(2 * np.pi * (turn[:, None] - late))
    shaped: np.ndarray = 0.5 + 0.5 * np.tanh(sharpness * wave) / np.tanh(sharpness) if sharpness > 0.1 else 0.5 + 0.5 * wave
    swell = 1 - rng.uniform(0, 0.5) * (0.5 + 0.5 * _slow(rng, own, 0.4, 1))
    cycles: np.ndarray = shaped * swell
    return cycles


def _between(first: np.ndarray, second: np.ndarray, cycles: np.ndarray) -> np.ndarray:
    """Angles [T, 16, 3] between two shapes [16, 3], finger by finger as cycles [T, 5] say."""
    angles = np.tile(first, (len(cycles), 1, 1))
    for finger, joints in enumerate(FINGER_JOINTS):
        angles[:, joints] += cycles[:, finger, None, None] * (second - first)[joints]
    return angles


def _wave(rng: Rng, own: np.ndarray) -> np.ndarray:
    """A hand that waves: held open, or flapping its fingers."""
    opened = shape("ooooo4") + _varied(rng, 4)
    bent = opened + rng.uniform(0.05, 1.0) * (shape("lffff0") - opened)
    return _between(opened, bent, _cycle(rng, own, (1.0, 4.0), 0.08))


def _clap(rng: Rng, own: np.ndarray) -> np.ndarray:
    """A flat hand that gives way a little at every clap, 1 to 5 a second."""
    cupped = shape("lllll1") + rng.uniform(-0.5, 0.5) * (shape("lrrrr0") - shape("lllll1"))
    rate = rng.uniform(1, 5)
    moments = np.cumsum(rng.normal(1, 0.05, int(own[-1] * rate * 1.2) + 3).clip(0.7) / rate)
    hit = _pulses(own, moments, np.full(len(moments), min(0.25, 0.8 / rate)))
    return _between(cupped, shape("ooooo3"), np.repeat(hit[:, None], 5, 1) * rng.uniform(0.3, 1.0, 5))


def _pinch(rng: Rng, own: np.ndarray) -> np.ndarray:
    """Thumb and one finger, or each in turn, open and close at 0.5 to 5 Hz."""
    others = "lobc"[rng.integers(4)]
    finger = int(rng.integers(1, 3))
    codes = ["r" + others * 4 + "2", "p" + others * 4 + "2"]
    states = [list(code) for code in codes]
    states[0][finger], states[1][finger] = "l", "p"
    return _between(shape("".join(states[0])), shape("".join(states[1])), _cycle(rng, own, (0.5, 5.0), 0.0))


def _write(rng: Rng, own: np.ndarray) -> np.ndarray:
    """A pen in a tripod grasp: strokes of 2 to 6 Hz, lifted now and then."""
    angles = np.tile(grasp("tripod", rng.uniform(0, 0.4), rng.uniform(0.5, 0.9)), (len(own), 1, 1))
    stroke = _slow(rng, own, rng.uniform(3, 6), 2) * rng.uniform(0.5, 1.2)
    lift = 0.5 + 0.5 * np.tanh(6 * (_slow(rng, own, 0.6, 1)[:, 0] - 0.35))
    drawn = (1 - 0.7 * lift)[:, None] * stroke
    for finger, sizes in ((0, (5, 8, 10)), (1, (7, -9, -5)), (2, (6, -8, -4))):
        angles += drawn[:, :1, None] * _flex(finger, sizes)
        angles[:, FINGER_JOINTS[finger, 0], 2] += np.radians(4) * drawn[:, 1]
    angles += lift[:, None, None] * (_flex(1, (-4, 3, 2)) + _flex(2, (-4, 3, 2)))
    return angles


def _drum(rng: Rng, own: np.ndarray) -> np.ndarray:
    """Fingers roll on a table one after the other, or all beat at once."""
    base = _relaxed(rng)
    hit = base + sum(_flex(k, (rng.uniform(12, 40), rng.uniform(2, 18), rng.uniform(0, 8))) for k in range(1, 5))
    return _between(base - 0.3 * (hit - base), hit, _cycle(rng, own, (0.7, 5.0), rng.uniform(0.0, 0.8)))


def _fist(rng: Rng, own: np.ndarray) -> np.ndarray:
    """Opened and closed at 0.3 to 4 Hz; the faster the less far."""
    opened = shape("ooooo5")
    closed = opened + rng.uniform(0.35, 1.0) * (shape("vcccc0") - opened)
    return _between(opened, closed, _cycle(rng, own, (0.3, 4.0), rng.uniform(0.0, 0.25)))


def _spread(rng: Rng, own: np.ndarray) -> np.ndarray:
    """Fingers spread and closed, more or less stretched."""
    stretched = GESTURES[0] if rng.uniform() < 0.6 else shape("llllr9")
    together = shape("aoooo-2") if rng.uniform() < 0.6 else shape("lllll-4")
    return _between(together, stretched, _cycle(rng, own, (0.3, 4.0), 0.05))


def _idle(rng: Rng, own: np.ndarray) -> np.ndarray:
    """At rest, with a fidget now and then."""
    count = int(own[-1] / 1.2) + 3
    keys = [_relaxed(rng) if rng.uniform() < 0.6 else GESTURES[rng.integers(len(GESTURES))] for _ in range(2)]
    for _ in range(count):
        keys.append(keys[-1] + np.radians(rng.normal(0, 5, (16, 3))) * (rng.uniform(size=(16, 1)) < 0.4) * (np.arange(3) == 1))
    moving = rng.uniform(0.2, 1.0, len(keys)).tolist()
    return _through(rng, own, keys, moving, rng.uniform(0.5, 3.0, len(keys)).tolist())


def _free(rng: Rng, own: np.ndarray) -> np.ndarray:
    """Every joint smoothly between any poses, fingers together or each at its own pace."""
    count = int(own[-1] / 0.25) + 4
    pace = float(np.exp(rng.uniform(np.log(0.1), np.log(0.9))))
    together = sample_angles(rng, count)
    angles = _through(rng, own, list(together), [pace] * count, rng.uniform(0, pace, count).tolist())
    if rng.uniform() < 0.5:
        for joints in FINGER_JOINTS:
            alone = _through(rng, own, list(sample_angles(rng, count)), [pace] * count, rng.uniform(0, pace, count).tolist())
            angles[:, joints] = alone[:, joints]
    return angles


_MOTIONS: Final[dict[DailyActivity, Callable[[Rng, np.ndarray], np.ndarray]]] = {
    "manipulate": _manipulate, "tap": _tap, "press": _press, "spell": _spell, "wave": _wave, "clap": _clap, "pinch": _pinch,
    "write": _write, "drum": _drum, "fist": _fist, "spread": _spread, "gesture": _gesture, "idle": _idle, "free": _free,
}  # fmt: skip

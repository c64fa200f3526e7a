"""Lag to a fraction of a frame, amplitude by frequency, and the fastest frames: of one hand against its ground truth."""

from __future__ import annotations

from typing import Final

import numpy as np

HIGHEST_HZ: Final = 5.0
"""Amplitudes are compared up to this frequency."""
MOST_LAG_S: Final = 0.5
"""Lags are looked for up to this many seconds."""
FASTEST: Final = 0.1
"""Share of frames that count as fast."""


def lag_frames(found: np.ndarray, truth: np.ndarray, fps: float) -> float:
    """Frames by which a motion follows the truth: where the cross-correlation of their joint velocities is largest.

    Args:
        found: [T, J, 3], any unit.
        truth: [T, J, 3].
        fps: frames a second.

    Returns:
        Positive where `found` is late, to a fraction of a frame (a parabola through the largest value and its neighbours);
        NaN for fewer than 8 frames or where nothing moves.
    """
    if len(found) < 8:
        return float("nan")
    a, b = _velocities(found), _velocities(truth)
    most = max(1, min(round(MOST_LAG_S * fps), len(a) // 3))
    scores = np.array([_correlation(a, b, shift) for shift in range(-most, most + 1)])
    if not np.isfinite(scores).all():
        return float("nan")
    best = int(np.argmax(scores))
    if best in (0, len(scores) - 1):
        return float(best - most)
    left, middle, right = scores[best - 1 : best + 2]
    bend = left - 2 * middle + right
    return float(best - most + (0.5 * (left - right) / bend if bend < 0 else 0.0))


def kept_amplitude(found: np.ndarray, truth: np.ndarray, fps: float) -> float:
    """Root of the ratio of the power of the joints' velocities [T, J, 3] up to `HIGHEST_HZ`, found over true; 1 keeps all.

    NaN for fewer than 8 frames or where nothing moves.
    """
    if len(found) < 8:
        return float("nan")
    powers = []
    for motion in (found, truth):
        spectrum = np.abs(np.fft.rfft(_velocities(motion) * np.hanning(len(motion) - 1)[:, None], axis=0)) ** 2
        frequencies = np.fft.rfftfreq(len(motion) - 1, 1 / fps)
        powers.append(float(spectrum[frequencies <= HIGHEST_HZ].sum()))
    return float(np.sqrt(powers[0] / powers[1])) if powers[1] > 0 else float("nan")


def fastest_frames(truth: np.ndarray) -> np.ndarray:
    """Which frames [T] are among the fastest tenth: by the mean speed of the true joints [T, J, 3] around each."""
    if len(truth) < 3:
        return np.zeros(len(truth), bool)
    speed = np.linalg.norm(np.gradient(truth, axis=0), axis=-1).mean(-1)
    chosen: np.ndarray = speed >= np.quantile(speed, 1 - FASTEST)
    return chosen


def _velocities(motion: np.ndarray) -> np.ndarray:
    steps: np.ndarray = np.diff(motion, axis=0).reshape(len(motion) - 1, -1)
    return steps


def _correlation(found: np.ndarray, truth: np.ndarray, shift: int) -> float:
    """Normalised, of `found` moved back by `shift` frames, over the frames that both have."""
    a = found[max(0, shift) : len(found) + min(0, shift)]
    b = truth[max(0, -shift) : len(truth) + min(0, -shift)]
    size = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return float((a * b).sum()) / size if size > 0 else float("nan")

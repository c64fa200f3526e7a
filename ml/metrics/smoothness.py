"""Lag and kept amplitude of a prediction: whether it is smooth because it is right, or because it smooths the motion away.

Joints are taken relative to the wrist; velocities are differences of frames that follow each other.

- *lag*: the shift, in frames, at which the prediction's velocities correlate best with the truth's; positive where it is late.
  Its fraction is that of the vertex of the parabola through the best correlation and its two neighbours.
- *kept amplitude*: at that lag, the cross-spectrum of the two over the truth's own, weighted by the latter: Σ v·v̂ / Σ v·v. 1
  keeps all motion, less smooths it away; noise adds nothing to it.
- *speed ratio*: the spectrum of the prediction's joint velocities over the truth's, up to 5 Hz, whether they agree or not.

`frontend/metrics/smoothness.ts` computes the same in the viewer; `ml.training.hmp_tables` reports both of methods.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

MAX_LAG: Final = 10
HIGHEST_HZ: Final = 5.0
"""Frequency up to which velocities count in the speed ratio: faster is tremor and noise."""
SHORTEST: Final = 16
"""Frames that a stretch without gaps needs for a spectrum."""


@dataclass(frozen=True)
class Smoothness:
    """Of a prediction over a clip.

    Attributes:
        lag: whole frames, −10 to 10.
        amplitude: share of the true motion that is kept at that lag.
        precise_lag: frames, to a fraction; within half a frame of `lag`.
    """

    lag: int
    amplitude: float
    precise_lag: float


def smoothness(frame: np.ndarray, track: np.ndarray, truth: np.ndarray, prediction: np.ndarray) -> Smoothness | None:
    """Lag and kept amplitude; None where no two frames in a row are in both, or the truth does not move.

    Args:
        frame: of each row, int [N].
        track: of each row, int [N]; rows are ordered by track, then frame.
        truth: joints in metres [N, J, 3].
        prediction: of the same hands [N, J, 3], NaN where there is none.
    """
    return smoothness_of(velocity_correlations(frame, track, truth, prediction))


def velocity_correlations(frame: np.ndarray, track: np.ndarray, truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Sums [21, 3] at each lag over all rows, of joint velocities: cross, of the truth, of the prediction.

    Arguments as of `smoothness`; sums of several clips add up to those of all.
    """
    sums = np.zeros((2 * MAX_LAG + 1, 3))
    for each in np.unique(track):
        rows = track == each
        sums += _correlations(_velocities(frame[rows], truth[rows]), _velocities(frame[rows], prediction[rows]))
    return sums


def smoothness_of(correlations: np.ndarray) -> Smoothness | None:
    """Lag and kept amplitude from `velocity_correlations`; None where nothing moves."""
    cross, own, other = correlations.T
    with np.errstate(divide="ignore", invalid="ignore"):
        score = np.where((own > 0) & (other > 0), cross / np.sqrt(own * other), -1.0)
    best = MAX_LAG if score[MAX_LAG] >= score.max() else int(score.argmax())
    if own[best] <= 0:
        return None
    lag = best - MAX_LAG
    return Smoothness(lag, float(cross[best] / own[best]), lag + _vertex(score[max(0, best - 1) : best + 2]))


def speed_ratio(frame: np.ndarray, truth: np.ndarray, prediction: np.ndarray, fps: float) -> float | None:
    """Square root of the ratio of the two power spectra of joint velocities up to 5 Hz: 1 where a motion is as lively as the
    true one, less where it is smoothed away. None without a stretch of 16 frames, or where the truth does not move.

    Args:
        frame: of each row of one hand, ascending, int [N].
        truth: joints in metres [N, J, 3].
        prediction: of the same hand [N, J, 3].
        fps: frames a second.
    """
    power = np.zeros(2)
    for part in np.split(np.arange(len(frame)), np.flatnonzero(np.diff(frame) != 1) + 1):
        if len(part) >= SHORTEST:
            kept = np.fft.rfftfreq(len(part) - 1, 1 / fps) <= HIGHEST_HZ
            window = np.hanning(len(part) + 1)[1:-1, None]
            speeds = (window * _velocities(frame[part], joints[part])[: len(part) - 1] for joints in (truth, prediction))
            power += [float((np.abs(np.fft.rfft(speed, axis=0)[kept]) ** 2).sum()) for speed in speeds]
    return float(np.sqrt(power[1] / power[0])) if power[0] > 0 else None


def _vertex(values: np.ndarray) -> float:
    """Where a parabola through three values has its top, −0.5 to 0.5 from the middle one; 0 if that is not the largest."""
    if len(values) < 3 or values[1] < max(values[0], values[2]):
        return 0.0
    bend = values[0] - 2 * values[1] + values[2]
    return float(0.5 * (values[0] - values[2]) / bend) if bend < 0 else 0.0


def _velocities(frame: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """Differences of joints relative to the wrist for every frame of the track, metres [T, J · 3]; NaN where unknown."""
    relative = (joints - joints[:, :1]).reshape(len(joints), -1).astype(np.float64)
    spread = np.full((int(frame[-1]) - int(frame[0]) + 2, relative.shape[1]), np.nan)
    spread[frame - frame[0]] = relative
    return np.diff(spread, axis=0)


def _correlations(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """Sums of products at each lag: cross, of the truth, of the prediction [21, 3]."""
    sums = []
    for lag in range(-MAX_LAG, MAX_LAG + 1):
        count = len(truth) - abs(lag)
        early, late = truth[max(0, -lag) :][: max(count, 0)], prediction[max(0, lag) :][: max(count, 0)]
        both = np.isfinite(early) & np.isfinite(late)
        a, b = early[both], late[both]
        sums.append((a @ b, a @ a, b @ b))
    return np.array(sums)

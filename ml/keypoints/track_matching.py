"""Tracks for hands of formats that number none: a hand is the one of its side that was nearest in the frame before."""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from ml.formats.prediction import PredictionArrays
from ml.hand.camera import project
from ml.keypoints.tracks import Keypoints

MAX_STEP_M = 0.25
"""A hand that is farther away than this is another one, in metres from its last place."""
MAX_APART = 0.25
"""Hands whose joints lie farther apart than this share of the image's width are not the same."""


def tracks_over_time(frame: np.ndarray, side: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """Number of each row's track, int32 [N].

    Args:
        frame: int [N], any order.
        side: [N], 0 left, 1 right.
        joints: [N, 21, 3], metres.
    """
    track = np.full(len(frame), -1, np.int32)
    number = 0
    for each in (0, 1):
        last: dict[int, np.ndarray] = {}
        own = np.flatnonzero(side == each)
        for now in np.unique(frame[own]):
            rows = own[frame[own] == now]
            known = list(last)
            if known:
                apart = np.linalg.norm(joints[rows, None, 0] - np.stack([last[k] for k in known])[None], axis=-1)
                for row, column in zip(*linear_sum_assignment(apart), strict=True):
                    if apart[row, column] <= MAX_STEP_M:
                        track[rows[row]] = known[column]
            for row in rows[track[rows] < 0]:
                track[row] = number
                number += 1
            last |= {int(track[row]): joints[row, 0] for row in rows}
    return track


def detected_tracks(prediction: PredictionArrays, keypoints: Keypoints) -> dict[int, int]:
    """For tracks of a prediction, the track of detected keypoints that is nearest in the image, one each."""
    if prediction.intrinsics is None or not keypoints.tracks or not len(prediction):
        return {}
    numbers = np.unique(prediction.track)
    far = MAX_APART * 2 * float(prediction.intrinsics[0, 2])
    cost = np.full((len(numbers), len(keypoints.tracks)), 1e6)
    for row, number in enumerate(numbers):
        own = prediction.track == number
        pixels = project(prediction.joints[own].astype(np.float64), prediction.intrinsics.astype(np.float64))
        for column, seen in enumerate(keypoints.tracks):
            _, mine, theirs = np.intersect1d(prediction.frame[own], seen.frames, return_indices=True)
            if len(mine):
                cost[row, column] = np.median(np.linalg.norm(pixels[mine] - seen.joints_2d[theirs], axis=-1).mean(-1))
    pairs = zip(*linear_sum_assignment(cost), strict=True)
    return {int(numbers[row]): keypoints.tracks[column].track for row, column in pairs if cost[row, column] <= far}

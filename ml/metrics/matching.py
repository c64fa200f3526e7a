"""Which hand of a canonical prediction answers which hand of the truth: within a frame and side, the nearest.

Tracks are numbered freely by every method, so they do not take part; a hand given as the other side is a hand missing.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import linear_sum_assignment

from ml.formats.frames import out_of_reach
from ml.formats.prediction import PredictionArrays, PredictionError


def match(truth: PredictionArrays, prediction: PredictionArrays) -> np.ndarray:
    """For each row of the truth, the row of the prediction [N] that answers it; −1 where none does.

    Rows of the prediction that are not `usable_rows` answer nothing. A frame and side has as many answers as the truth has
    hands there, those of the highest `score`: whoever offers more guesses does not get the best of them. Where there are
    several hands, they are matched so that the sum of mean joint distances is least.
    """
    usable = np.flatnonzero(usable_rows(prediction))
    wanted = truth.frame.astype(np.int64) * 2 + truth.side
    offered = prediction.frame[usable].astype(np.int64) * 2 + prediction.side[usable]
    answer = np.full(len(truth), -1, dtype=np.int64)
    t_order, p_order = np.argsort(wanted, kind="stable"), np.argsort(offered, kind="stable")
    t_keys, t_first, t_count = np.unique(wanted[t_order], return_index=True, return_counts=True)
    p_keys, p_first, p_count = np.unique(offered[p_order], return_index=True, return_counts=True)
    _, in_truth, in_prediction = np.intersect1d(t_keys, p_keys, assume_unique=True, return_indices=True)
    alone = (t_count[in_truth] == 1) & (p_count[in_prediction] == 1)
    answer[t_order[t_first[in_truth[alone]]]] = usable[p_order[p_first[in_prediction[alone]]]]
    for t, p in zip(in_truth[~alone], in_prediction[~alone], strict=True):
        rows = t_order[t_first[t] : t_first[t] + t_count[t]]
        candidates = usable[p_order[p_first[p] : p_first[p] + p_count[p]]]
        candidates = candidates[np.argsort(-prediction.score[candidates], kind="stable")[: len(rows)]]
        cost = np.linalg.norm(truth.joints[rows, None] - prediction.joints[None, candidates], axis=-1).mean(-1)
        left, right = linear_sum_assignment(cost)
        answer[rows[left]] = candidates[right]
    return answer


def usable_rows(prediction: PredictionArrays) -> np.ndarray:
    """Rows whose joints, and vertices where there are any, are finite and within reach: bool [N]."""
    points = [prediction.joints] if prediction.vertices is None else [prediction.joints, prediction.vertices]
    return np.asarray(~np.any([out_of_reach(p).any(1) for p in points], axis=0))


def in_track_order(prediction: PredictionArrays) -> PredictionArrays:
    """The rows ordered by track, then frame.

    Raises:
        PredictionError: a track is in one frame twice.
    """
    order = np.lexsort((prediction.frame, prediction.track))
    ordered = prediction.rows(order)
    twice = (np.diff(ordered.frame.astype(np.int64)) == 0) & (np.diff(ordered.track.astype(np.int64)) == 0)
    if twice.any():
        row = int(np.flatnonzero(twice)[0])
        place = f"track {ordered.track[row]} is in frame {ordered.frame[row]} twice"
        raise PredictionError(f"{place}, expected one row a frame and track")
    return ordered

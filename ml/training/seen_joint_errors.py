"""How well a method tells which joints it did not see, and how far off its joints are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import spearmanr

from ml.formats.prediction import PredictionArrays


class SeenJoints(NamedTuple):
    """Of some frames: what a method says, and the truth: bool `visible` [n, 21] and joints [n, 21, 3], m."""

    found: PredictionArrays
    visible: np.ndarray
    joints: np.ndarray


def seen_joint_errors(clips: Sequence[SeenJoints]) -> dict[str, float]:
    """Over all joints of all frames.

    Returns:
        `hidden` and `said`: shares of joints that are, and are said to be, hidden; `precision` and `recall` of these;
        `error_seen_mm` and `error_unseen_mm`: mean distance from the true joint about the hand's middle, by what was said;
        `error_over_std`: root mean square of the error over that of `joint_std`, 1 where the deviations are right;
        `rank_correlation`: Spearman's, of error and `joint_std`.
    """
    said = np.concatenate([clip.found.visible.ravel() == 0 for clip in clips if clip.found.visible is not None])
    std = np.concatenate([clip.found.joint_std.ravel() for clip in clips if clip.found.joint_std is not None]).astype(float)
    hidden = np.concatenate([~clip.visible.astype(bool).ravel() for clip in clips])
    apart = [_centred(clip.found.joints) - _centred(clip.joints) for clip in clips]
    errors = np.concatenate([np.linalg.norm(one, axis=-1).ravel() for one in apart])
    values = {
        "hidden": hidden.mean(),
        "said": said.mean(),
        "precision": hidden[said].mean(),
        "recall": said[hidden].mean(),
        "error_seen_mm": 1000 * errors[~said].mean(),
        "error_unseen_mm": 1000 * errors[said].mean(),
        "error_over_std": np.sqrt((errors**2).mean() / (std**2).mean()),
        "rank_correlation": spearmanr(errors, std).statistic,
    }
    return {name: round(float(value), 3) for name, value in values.items()}


def _centred(joints: np.ndarray) -> np.ndarray:
    centred: np.ndarray = joints.astype(float) - joints.astype(float).mean(1, keepdims=True)
    return centred

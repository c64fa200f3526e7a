"""Precision, recall and calibration of what a method says of its joints, where the answers are known."""

from __future__ import annotations

import numpy as np
import pytest

from ml.formats.prediction import PredictionArrays
from ml.training.seen_joint_errors import SeenJoints, seen_joint_errors

COUNT = 200


def clip(said: np.ndarray, hidden: np.ndarray, std: np.ndarray, rng: np.random.Generator) -> SeenJoints:
    truth = rng.normal(0, 0.05, (COUNT, 21, 3))
    joints = truth + std[..., None] / np.sqrt(3) * rng.normal(size=truth.shape)
    found = PredictionArrays(
        frame=np.arange(COUNT, dtype=np.int32),
        track=np.zeros(COUNT, np.int32),
        side=np.ones(COUNT, np.uint8),
        score=np.ones(COUNT, np.float32),
        joints=joints.astype(np.float32),
        visible=(~said).astype(np.uint8),
        joint_std=std.astype(np.float32),
    )
    return SeenJoints(found, ~hidden, truth)


def test_known_answers_are_found():
    rng = np.random.default_rng(0)
    hidden = rng.random((COUNT, 21)) < 0.3
    said = hidden & (rng.random(hidden.shape) < 0.5) | ~hidden & (rng.random(hidden.shape) < 0.1)
    std = np.where(said, 0.02, 0.005)
    found = seen_joint_errors([clip(said, hidden, std, rng), clip(said, hidden, std, rng)])
    assert found["hidden"] == pytest.approx(hidden.mean(), abs=1e-3)
    assert found["precision"] == pytest.approx((hidden & said).sum() / said.sum(), abs=1e-3)
    assert found["recall"] == pytest.approx((hidden & said).sum() / hidden.sum(), abs=1e-3)
    assert found["error_over_std"] == pytest.approx(1, abs=0.06)
    assert found["error_unseen_mm"] > 3 * found["error_seen_mm"]
    assert found["rank_correlation"] > 0.4

"""A missing hand costs what an all-zeros prediction scores, frame by frame, under every alignment."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ml.metrics.missing_hands import zero_prediction_errors
from ml.metrics.pairing import open_pair
from ml.metrics.protocol import PROTOCOLS
from ml.metrics.scoring import score_pair
from tests.predictions import hands, npz


def test_the_error_of_a_missing_hand_equals_that_of_an_all_zeros_prediction(tmp_path):
    truth = hands(8, seed=4)
    protocol = PROTOCOLS["palmares"]
    (tmp_path / "truth.npz").write_bytes(npz(truth))
    (tmp_path / "pred.npz").write_bytes(npz(truth.rows(np.array([0, 3]))))
    with open_pair(protocol, tmp_path / "truth.npz", tmp_path / "pred.npz") as pair:
        zero_errors = zero_prediction_errors(protocol, pair, score_pair(protocol, pair))
    joints = truth.joints.astype(np.float64)
    (tmp_path / "evaluation_xyz.json").write_text(json.dumps(joints.tolist()))
    (tmp_path / "evaluation_verts.json").write_text(json.dumps(joints[:, :3].tolist()))
    (tmp_path / "zeros.json").write_text(json.dumps([(0 * joints).tolist(), (0 * joints[:, :3]).tolist()]))
    other = PROTOCOLS["freihand"]
    with open_pair(other, tmp_path, tmp_path / "zeros.json") as pair:
        zeros = score_pair(other, pair).per_frame
    missing = np.array([1, 2, 4, 5, 6, 7])
    for name in ("mpjpe", "pa_mpjpe"):
        assert zero_errors[name][missing] == pytest.approx(zeros[name][missing], abs=1e-3)
        assert not zero_errors[name][[0, 3]].any(), "those were predicted"
    apart = 1000 * np.linalg.norm(joints - joints[:, :1], axis=-1).mean(1)
    assert zero_errors["ra_mpjpe"][missing] == pytest.approx(apart[missing], abs=1e-3)
    assert "pa_auc_joints" not in zero_errors

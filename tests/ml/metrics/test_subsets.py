"""Curves of some rows alone are those of a file that holds only these rows."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ml.metrics.pairing import open_pair
from ml.metrics.protocol import PROTOCOLS
from ml.metrics.report import build_report, joints_of_rows
from ml.metrics.scoring import score_pair
from tests.predictions import hands, moved, npz

FIRST = 7


def meshes(folder):
    rng = np.random.default_rng(1)
    joints = rng.normal([0, 0, 0.6], 0.04, (20, 21, 3))
    (folder / "truth").mkdir()
    (folder / "truth" / "evaluation_xyz.json").write_text(json.dumps(joints.tolist()))
    (folder / "truth" / "evaluation_verts.json").write_text(json.dumps(joints[:, :5].tolist()))
    found = joints + rng.normal(0, 0.01, joints.shape)
    (folder / "pred.json").write_text(json.dumps([found.tolist(), found[:, :5].tolist()]))
    return folder / "truth", folder / "pred.json"


def with_missing_hands(folder):
    truth = hands(20)
    (folder / "truth.npz").write_bytes(npz(truth))
    (folder / "pred.npz").write_bytes(npz(moved(truth, 14.0).rows(np.r_[0:4, 6:13])))
    return folder / "truth.npz", folder / "pred.npz"


def fingertips(folder):
    rng = np.random.default_rng(2)
    joints = rng.normal([0, 0, 600], 40, (20, 21, 3))
    for name, points in (("truth", joints), ("pred", joints + rng.normal(0, 10, joints.shape))):
        rows = points.tolist()
        if name == "truth":
            rows = [[p if i in (4, 8, 12) else [None] * 3 for i, p in enumerate(row)] for row in rows]
        (folder / f"{name}.json").write_text(json.dumps({"unit": "mm", "joints": rows}))
    return folder / "truth.json", folder / "pred.json"


CASES = [("freihand", meshes), ("ho3d-v3", meshes), ("palmares", with_missing_hands), ("do", fingertips)]


@pytest.mark.parametrize(("name", "files"), CASES)
def test_a_subset_of_the_first_rows_gives_the_same_curves_as_a_limit(name, files, tmp_path):
    protocol = PROTOCOLS[name]
    truth, prediction = files(tmp_path)
    with open_pair(protocol, truth, prediction) as pair:
        part = joints_of_rows(protocol, pair, score_pair(protocol, pair), np.arange(20) < FIRST)
    with open_pair(protocol, truth, prediction, limit=FIRST) as pair:
        report = build_report(protocol, pair, score_pair(protocol, pair)).content
    expected = [curve for curve in report["pck"] if "auc_joints" in curve["metric"]]
    assert [c["metric"] for c in part["pck"]] == [c["metric"] for c in expected]
    for ours, theirs in zip(part["pck"], expected, strict=True):
        assert ours == {**theirs, "share": pytest.approx(theirs["share"], abs=1e-12)}
    assert part["by_joint_mm"] == {k: pytest.approx(v, abs=1e-9) for k, v in report["by_joint_mm"].items()}
    assert max(part["pck"][0]["share"]) > 0.3

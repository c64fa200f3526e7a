"""Slices, worst frames and motion that are kept with a run's score."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from ml.metrics.run_details import APART, WORST
from ml.metrics.run_scores import RunScores, score_run
from tests.attachments import FRAMES, meshes


@pytest.fixture(scope="module")
def scored(tmp_path_factory) -> RunScores:
    """A prediction that bends one finger the wrong way in one frame."""
    folder, truth = tmp_path_factory.mktemp("details"), meshes()
    joints = truth.joints + np.random.default_rng(1).normal(0, 0.001, truth.joints.shape)
    joints[7, 6:9] += [0.03, 0, 0]
    truth.save(folder / "truth.npz")
    replace(truth, joints=joints.astype(np.float32)).save(folder / "prediction.npz")
    return score_run(folder / "truth.npz", folder / "prediction.npz", name="a run")


def test_the_worst_frame_comes_first_with_its_joints(scored):
    worst = scored.content["worst"]
    assert 0 < len(worst) <= WORST
    first = worst[0]
    assert first["frame"] == int(scored.frames["frame"][np.argmax(scored.frames["procrustes.mpjpe"])])
    assert first["value"] == pytest.approx(float(scored.frames["procrustes.mpjpe"].max()), abs=1e-3)
    assert np.shape(first["truth"]) == np.shape(first["prediction"]) == (21, 2)
    assert [entry["value"] for entry in worst] == sorted((entry["value"] for entry in worst), reverse=True)
    frames = [(entry["side"], entry["frame"]) for entry in worst]
    apart = [abs(a - b) for i, (s, a) in enumerate(frames) for t, b in frames[i + 1 :] if s == t]
    assert min(apart, default=APART) >= APART


def test_every_hand_is_in_one_category_of_each_attribute_or_unknown(scored):
    for attribute, table in scored.content["slices"].items():
        codes = scored.frames[f"slice.{attribute}"]
        assert sum(entry["n"] for entry in table.values()) == int((codes >= 0).sum())
    sides = scored.content["slices"]["side"]
    weighted = sum(entry["found"] * entry["mpjpe"]["procrustes"] for entry in sides.values())
    assert weighted / FRAMES == pytest.approx(scored.content["alignments"]["procrustes"]["mpjpe"], rel=1e-3)


def test_motion_is_null_or_a_lag_and_a_share(scored):
    motion = scored.content["motion"]
    assert motion is None or set(motion) == {"lag_frames", "kept_amplitude"}

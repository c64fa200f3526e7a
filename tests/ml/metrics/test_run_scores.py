"""Scores of a run against the truth of its clip, compared with the definitions written out here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.catalog import RUN_ALIGNMENTS, RUN_MEASURES
from ml.formats.prediction import PredictionArrays
from ml.hand.skeleton import JOINTS
from ml.metrics.alignment import ALIGNMENTS
from ml.metrics.fscore import f_scores
from ml.metrics.run_scores import PENALTY_MM, RunScores, score_run
from tests.attachments import FRAMES, meshes
from tests.ml.metrics.browser_fixture import align

MISSING = 5


def scored(tmp_path: Path, truth: PredictionArrays, prediction: PredictionArrays) -> RunScores:
    truth.save(tmp_path / "truth.npz")
    prediction.save(tmp_path / "prediction.npz")
    return score_run(tmp_path / "truth.npz", tmp_path / "prediction.npz", name="a run")


@pytest.fixture(scope="module")
def pair() -> tuple[PredictionArrays, PredictionArrays]:
    truth, generator = meshes(), np.random.default_rng(1)
    noisy = {
        name: getattr(truth, name) + generator.normal(0, 0.004, getattr(truth, name).shape) for name in ("joints", "vertices")
    }
    return truth, replace(truth, **noisy).rows(np.arange(FRAMES) != MISSING)


@pytest.fixture(scope="module")
def found(pair, tmp_path_factory) -> RunScores:
    return scored(tmp_path_factory.mktemp("scores"), *pair)


def test_the_web_knows_every_alignment_and_measure(found):
    assert RUN_ALIGNMENTS == ALIGNMENTS
    for alignment, values in found.content["alignments"].items():
        measures = set(RUN_MEASURES) - (set() if alignment == "root" else {"acceleration"})
        assert set(values) - {"acceleration_m_s2"} == measures
        assert {name for name in found.frames if name.startswith(f"{alignment}.")} == {
            f"{alignment}.{measure}" for measure in (*measures, "joints")
        }


@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_joints(pair, found, alignment):
    truth, prediction = pair
    kept = np.arange(FRAMES) != MISSING
    expected, aligned = align(alignment, truth.joints[kept].astype(np.float64), prediction.joints.astype(np.float64))
    errors = 1000 * np.linalg.norm(expected - aligned, axis=-1)
    np.testing.assert_allclose(found.frames[f"{alignment}.joints"][kept], errors, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(found.frames[f"{alignment}.mpjpe"][kept], errors.mean(1), rtol=1e-6)
    assert np.isnan(found.frames[f"{alignment}.mpjpe"][MISSING])
    assert found.content["alignments"][alignment]["mpjpe"] == pytest.approx(errors.mean(), rel=1e-9)
    assert list(found.content["joints"][alignment].values()) == pytest.approx(errors.mean(0).tolist(), rel=1e-9, abs=1e-9)
    assert tuple(found.content["joints"][alignment]) == JOINTS
    thresholds = np.linspace(0, 50, 100)
    shares = (errors[..., None] <= thresholds).mean((0, 1))
    area = (0.5 * (shares[1:] + shares[:-1]) * np.diff(thresholds)).sum() / 50
    assert found.content["alignments"][alignment]["auc"] == pytest.approx(area, abs=1e-9)


@pytest.mark.parametrize("alignment", ALIGNMENTS)
def test_meshes(pair, found, alignment):
    truth, prediction = pair
    kept = np.arange(FRAMES) != MISSING
    joints, guess = truth.joints[kept].astype(np.float64), prediction.joints.astype(np.float64)
    vertices, meshes_ = truth.vertices[kept].astype(np.float64), prediction.vertices.astype(np.float64)
    if alignment == "root":
        expected, aligned = vertices - joints[:, :1], meshes_ - guess[:, :1]
    elif alignment == "scale-translation":
        scale = np.linalg.norm(joints[:, 4] - joints[:, 0], axis=-1) / np.linalg.norm(guess[:, 4] - guess[:, 0], axis=-1)
        expected, aligned = vertices, (meshes_ - guess[:, :1]) * scale[:, None, None] + joints[:, :1]
    else:
        expected, aligned = align(alignment, vertices, meshes_)
    errors = 1000 * np.linalg.norm(expected - aligned, axis=-1).mean(1)
    np.testing.assert_allclose(found.frames[f"{alignment}.mpvpe"][kept], errors, rtol=1e-5)
    shares = f_scores(expected, aligned, (0.005, 0.015))
    for column, measure in enumerate(("f5", "f15")):
        np.testing.assert_allclose(found.frames[f"{alignment}.{measure}"][kept], shares[:, column], atol=1e-6)
        assert found.content["alignments"][alignment][measure] == pytest.approx(shares[:, column].mean())


def test_a_missing_hand_costs_the_penalty_in_the_penalised_values_alone(found):
    content, kept = found.content, np.arange(FRAMES) != MISSING
    assert content["coverage"] == pytest.approx((FRAMES - 1) / FRAMES)
    assert content["counts"] == {"rows": FRAMES, "found": FRAMES - 1, "missing": 1, "extra": 0}
    errors = found.frames["procrustes.mpjpe"][kept].astype(np.float64)
    cost = content["penalised"]["procrustes"]["mpjpe"] * FRAMES - errors.sum()
    assert cost >= PENALTY_MM - 1e-3
    area = content["alignments"]["procrustes"]["auc"]
    assert content["penalised"]["procrustes"]["auc"] == pytest.approx(area * (FRAMES - 1) / FRAMES)


def test_accelerations_are_of_three_frames_in_a_row_at_the_clips_rate(pair, found):
    truth, prediction = pair
    kept = [t for t in range(1, FRAMES - 1) if MISSING not in (t - 1, t, t + 1)]
    assert np.flatnonzero(np.isfinite(found.frames["root.acceleration"])).tolist() == kept
    relative = [p.joints.astype(np.float64) - p.joints[:, :1] for p in (truth, prediction)]
    second = [np.diff(r[:MISSING], 2, axis=0) for r in relative]
    expected = 1000 * np.linalg.norm(second[0] - second[1], axis=-1).mean(1)
    np.testing.assert_allclose(found.frames["root.acceleration"][1 : MISSING - 1], expected, rtol=1e-5)
    root = found.content["alignments"]["root"]
    assert root["acceleration_m_s2"] == pytest.approx(root["acceleration"] * 30**2 / 1000)
    assert found.content["fps"] == 30


def test_a_mesh_of_another_topology_is_aligned_by_its_joints(pair, tmp_path):
    truth, prediction = pair
    other = scored(tmp_path, truth, replace(prediction, vertices=prediction.vertices[:, ::2])).content
    for values in other["alignments"].values():
        assert {"mpvpe", "auc_vertices"}.isdisjoint(values)
        assert 0 < values["f15"] <= 1


def test_a_prediction_without_meshes_is_scored_by_its_joints(pair, tmp_path):
    truth, prediction = pair
    alone = replace(prediction, vertices=None, meta={**prediction.meta, "hand_model": "mano"})
    content = scored(tmp_path, truth, alone).content
    assert set(content["alignments"]["none"]) == {"mpjpe", "auc"}
    assert content["notes"] == ["the prediction holds no meshes: joints alone are scored"]


def test_hands_of_the_other_side_are_missing(pair, tmp_path):
    truth, prediction = pair
    content = scored(tmp_path, truth, replace(prediction, side=np.zeros(len(prediction), np.uint8))).content
    assert (content["coverage"], content["alignments"]["procrustes"]["mpjpe"]) == (0.0, None)
    assert content["penalised"]["procrustes"]["mpjpe"] >= PENALTY_MM

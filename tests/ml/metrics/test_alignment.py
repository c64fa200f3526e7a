"""Alignments: equal to scipy's, and invariant to the transforms that they remove."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from ml.metrics.alignment import procrustes_align, root_align, scale_translation_align, similarity
from tests.ml.metrics.reference import procrustes, scale_translation

AWAY = np.array([0, 0, 0.5])
RUN = settings(max_examples=40, deadline=None, derandomize=True)
seeds = st.integers(0, 2**32 - 1)


def clouds(seed, frames=4, points=21):
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 0.05, (frames, points, 3)) + AWAY
    return rng, truth, truth + rng.normal(0, 0.01, truth.shape)


def moved(rng, points, *, mirror=False):
    turn = Rotation.random(random_state=int(rng.integers(2**31))).as_matrix()
    if mirror:
        turn = turn @ np.diag([1.0, 1.0, -1.0])
    return points @ turn.T * rng.uniform(0.2, 5) + rng.normal(0, 1, 3)


@RUN
@given(seeds, st.booleans())
def test_procrustes_equals_scipys_frame_by_frame(seed, mirror):
    rng, truth, prediction = clouds(seed)
    prediction = moved(rng, prediction, mirror=mirror)
    aligned, found = procrustes_align(truth, prediction)
    assert aligned == pytest.approx(np.stack([procrustes(g, p) for g, p in zip(truth, prediction, strict=True)]), abs=1e-12)
    assert (found.reflects == mirror).all()
    proper, _ = procrustes_align(truth, prediction, reflections=False)
    slow = [procrustes(g, p, rotation_only=True) for g, p in zip(truth, prediction, strict=True)]
    assert proper == pytest.approx(np.stack(slow), abs=1e-12)


@RUN
@given(seeds)
def test_procrustes_is_invariant_to_similarity_transforms_of_the_prediction(seed):
    rng, truth, prediction = clouds(seed)
    aligned, _ = procrustes_align(truth, prediction)
    again, _ = procrustes_align(truth, moved(rng, prediction))
    assert again == pytest.approx(aligned, abs=1e-6)  # 1e-8 is added to norms: a millionth of a metre at most


@RUN
@given(seeds)
def test_root_alignment_is_invariant_to_translation(seed):
    rng, _, prediction = clouds(seed)
    assert root_align(prediction + rng.normal(0, 1, 3)) == pytest.approx(root_align(prediction), abs=1e-12)
    assert (root_align(prediction, root=9)[:, 9] == 0).all()


@RUN
@given(seeds)
def test_scale_translation_equals_the_reference_and_is_invariant_to_both(seed):
    rng, truth, prediction = clouds(seed)
    aligned = scale_translation_align(truth, prediction)
    assert aligned == pytest.approx(
        np.stack([scale_translation(g, p) for g, p in zip(truth, prediction, strict=True)]), abs=1e-15
    )
    other = scale_translation_align(truth, prediction * rng.uniform(0.1, 9) + rng.normal(0, 1, 3))
    assert other == pytest.approx(aligned, abs=1e-9)


def test_a_bone_of_length_zero_causes_no_division_by_zero():
    truth = np.random.default_rng(0).normal(size=(1, 21, 3))
    aligned = scale_translation_align(truth, np.zeros((1, 21, 3)))
    assert aligned == pytest.approx(np.repeat(truth[:, :1], 21, 1))


def test_joints_that_are_not_seen_take_no_part():
    rng, truth, prediction = clouds(3)
    prediction = moved(rng, prediction)
    seen = np.zeros((4, 21), bool)
    seen[:, [4, 8, 12, 16, 20]] = True
    truth[~seen] = np.nan
    aligned, _ = procrustes_align(truth, prediction, seen=seen)
    tips, _ = procrustes_align(truth[seen].reshape(4, 5, 3), prediction[seen].reshape(4, 5, 3))
    assert aligned[seen].reshape(4, 5, 3) == pytest.approx(tips, abs=1e-12)


def test_the_transform_of_the_joints_aligns_the_mesh_and_that_of_the_freihand_script_does_not():
    """The true mesh, scaled by two and moved: the transform of the joints restores it exactly."""
    rng, joints, _ = clouds(5)
    mesh = rng.normal(0, 0.05, (4, 1159, 3)) + AWAY
    found = similarity(joints, 2 * joints + 0.3)
    assert found.apply(2 * mesh + 0.3) == pytest.approx(mesh, abs=1e-6)
    faulty = found.apply_as_freihand_script(2 * mesh + 0.3)
    assert np.linalg.norm(faulty - mesh, axis=-1).mean() > 0.02


def test_a_mirrored_hand_is_aligned_exactly_only_if_reflections_are_allowed():
    _, truth, _ = clouds(9)
    mirrored = truth * [-1, 1, 1]
    best, found = procrustes_align(truth, mirrored)
    proper, _ = procrustes_align(truth, mirrored, reflections=False)
    assert np.abs(best - truth).max() < 1e-8
    assert found.reflects.all()
    assert np.linalg.norm(proper - truth, axis=-1).mean() > 0.02


def test_flat_hands_are_aligned_without_reflection():
    _, truth, prediction = clouds(2)
    flat = prediction * [1, 1, 0]
    assert not similarity(truth, flat).reflects.any()

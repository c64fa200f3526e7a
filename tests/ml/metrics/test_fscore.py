"""F-scores: equal to comparing every vertex with every other, whatever the meshes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.metrics.fscore import f_scores, precision_and_recall
from tests.ml.metrics.reference import f_score

LIMITS = (0.005, 0.015)
RUN = settings(max_examples=60, deadline=None, derandomize=True)


def slow(truth, prediction):
    return np.array([[f_score(g, p, t) for t in LIMITS] for g, p in zip(truth, prediction, strict=True)])


@RUN
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 2, 63, 97, 300]),
    st.sampled_from([1, 5, 96, 211]),
    st.sampled_from([0.0, 1e-4, 0.005, 0.02, 0.3]),
    st.sampled_from([0.0, 0.6, 50.0, 1e5]),
    st.booleans(),
)
def test_f_scores_equal_those_of_comparing_all_pairs(seed, vertices, others, noise, away, on_a_grid):
    rng = np.random.default_rng(seed)
    truth = rng.normal(0, 0.04, (2, vertices, 3))
    prediction = truth[:, rng.integers(0, vertices, others)] + rng.normal(0, 1, (2, others, 3)) * noise
    if on_a_grid:  # distances of exactly 5 and 15 mm, up to rounding
        truth, prediction = (np.round(points / 0.005) * 0.005 for points in (truth, prediction))
    truth, prediction = truth + away, prediction + away
    assert (f_scores(truth, prediction, LIMITS) == slow(truth, prediction)).all()


@RUN
@given(st.integers(0, 2**32 - 1))
def test_it_is_symmetric_and_between_0_and_1(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(0, 0.04, (2, 3, 200, 3))
    assert f_scores(a, b, LIMITS) == pytest.approx(f_scores(b, a, LIMITS))
    precision, recall = precision_and_recall(a, b, LIMITS)
    assert (precision_and_recall(b, a, LIMITS)[0] == recall).all()
    assert (precision >= 0).all()
    assert (precision[:, 0] <= precision[:, 1]).all()
    assert (f_scores(a, a, LIMITS) == 1).all()


def test_an_f_score_equals_the_hand_calculation():
    """Two of four true vertices have a predicted one nearby, one of two predicted a true one: ½ and ½."""
    truth = np.array([[[0.0, 0, 0], [0.001, 0, 0], [1, 0, 0], [2, 0, 0]]])
    prediction = np.array([[[0.002, 0, 0], [5, 0, 0]]])
    precision, recall = precision_and_recall(truth, prediction, LIMITS)
    assert precision.tolist() == [[0.5, 0.5]]
    assert recall.tolist() == [[0.5, 0.5]]
    assert f_scores(truth, prediction, LIMITS).tolist() == [[0.5, 0.5]]


def test_a_mesh_without_vertices_scores_nothing():
    assert f_scores(np.zeros((2, 5, 3)), np.zeros((2, 0, 3)), LIMITS).tolist() == [[0, 0], [0, 0]]


def test_meshes_larger_than_one_processing_block_give_the_same_result():
    rng = np.random.default_rng(0)
    truth, prediction = rng.normal(0, 0.004, (1, 1159, 3)), rng.normal(0, 0.004, (1, 1500, 3))
    assert (
        f_scores(truth, prediction, (0.0004, 0.001)) == [[f_score(truth[0], prediction[0], t) for t in (0.0004, 0.001)]]
    ).all()

"""Means, curves, accelerations: numbers worked out by hand, and bounds that always hold."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.metrics.errors import (
    Curve,
    acceleration_errors,
    area_under_curve,
    areas_of_bins,
    counts_of_bins,
    distances,
    shape_error,
    shares_of_counts,
    threshold_bins,
)

RUN = settings(max_examples=40, deadline=None, derandomize=True)


def test_distances_by_hand():
    assert distances(np.zeros((1, 2, 3)), np.array([[[3.0, 4, 0], [1, 2, 2]]])).tolist() == [[5.0, 3.0]]


def pck(values: np.ndarray, thresholds: np.ndarray, *, seen: np.ndarray | None = None, strict: bool = False) -> np.ndarray:
    """Shares [T] of distances [n, P] within thresholds [T], for each point over frames, then over points."""
    seen = np.ones(values.shape, bool) if seen is None else seen
    bins = threshold_bins(np.where(seen, values, np.nan), thresholds, strict=strict)
    return shares_of_counts(counts_of_bins(bins, len(thresholds)), seen.sum(0))


def test_pck_counts_ties_unless_strict():
    values, thresholds = np.array([[0.0, 1.0], [1.0, 2.0]]), np.array([0.0, 1.0, 2.0])
    assert pck(values, thresholds).tolist() == [0.25, 0.75, 1.0]
    assert pck(values, thresholds, strict=True).tolist() == [0.0, 0.25, 0.75]
    assert pck(values, thresholds, seen=np.array([[True, False], [True, False]])).tolist() == [0.5, 1.0, 1.0]


def test_auc_of_one_distance_by_hand():
    """25 mm, 0 to 50 in steps of 10: within at 30, 40, 50; trapezoid 5 + 10 + 10 of 50, left sum 20 of 50."""
    values, thresholds = np.array([[25.0]]), np.linspace(0, 50, 6)
    shares = pck(values, thresholds)
    assert area_under_curve(thresholds, shares) == 0.5
    assert area_under_curve(thresholds, shares, rule="left") == 0.4


def test_hand3ds_curve_leaves_out_its_first_eight():
    thresholds = Curve("20-50-hand3d", 0, 50, 20, skip=8).thresholds(1.0)
    assert len(thresholds) == 12
    assert thresholds[0] == pytest.approx(21.0526, abs=1e-4)


@RUN
@given(st.lists(st.floats(0, 0.08), min_size=1, max_size=40), st.sampled_from(["trapezoid", "left"]), st.booleans())
def test_auc_is_a_share_falls_with_distance_and_adds_up_frame_by_frame(values, rule, strict):
    curve = Curve("0-50", 0, 50, 100, rule=rule, strict=strict)
    column, thresholds = np.array(values)[:, None], curve.thresholds(1000.0)
    area = curve.area(pck(column, thresholds, strict=strict))
    assert 0 <= area <= 1
    assert curve.area(pck(column + 0.001, thresholds, strict=strict)) <= area
    assert areas_of_bins(curve)[threshold_bins(column, thresholds, strict=strict)].mean() == pytest.approx(area, abs=1e-12)


def test_nan_is_within_no_threshold():
    assert threshold_bins(np.array([[np.nan, 0.0]]), np.array([0.0, 1.0])).tolist() == [[2, 0]]


def test_acceleration_of_a_known_motion():
    """Joint 1 at t² mm about a wrist that wanders: a = 2 mm/frame²; the truth stands still, so the error is 2 on that joint."""
    t = np.arange(6.0)
    wrist = np.stack([np.sin(t), np.cos(t), t], -1)
    truth = np.stack([wrist, wrist], 1)
    prediction = truth + np.stack([0 * wrist, np.stack([t**2, 0 * t, 0 * t], -1)], 1)
    frame, track = np.array([0, 1, 2, 3, 5, 6]), np.zeros(6, int)
    found = acceleration_errors(frame, track, truth, prediction)
    assert found[[1, 2]] == pytest.approx([1.0, 1.0])  # the mean over two joints; frames 3 and 5 lack a neighbour
    assert np.isnan(found[[0, 3, 4, 5]]).all()
    prediction[2] = np.nan
    assert np.isnan(acceleration_errors(frame, track, truth, prediction)).all()
    assert np.isnan(acceleration_errors(frame, np.array([0, 0, 1, 1, 1, 1]), truth, truth)).all()


def test_shape_error_by_hand():
    assert shape_error(np.zeros((2, 10)), np.full((2, 10), 0.5)) == 0.25


@given(
    st.lists(
        st.floats(0, 0.2) | st.sampled_from([0.0, 0.01, 0.025, 0.05, np.nextafter(0.05, 1), np.inf, np.nan, 1e9]), max_size=60
    ),
    st.sampled_from([(0.0, 0.05, 100), (0.02, 0.05, 31), (0.0, 50.0, 101), (0.0, 0.05, 2), (0.0, 0.05, 1)]),
    st.booleans(),
)
def test_bins_equal_those_of_searchsorted(values, ends, strict):
    thresholds = np.linspace(*ends)
    on_them = np.concatenate([thresholds, np.nextafter(thresholds, -1), np.nextafter(thresholds, np.inf), values])
    found = threshold_bins(on_them, thresholds, strict=strict)
    assert (found == np.searchsorted(thresholds, on_them, side="right" if strict else "left")).all()


@pytest.mark.parametrize("strict", [False, True])
def test_thresholds_at_unequal_distances_are_searched(strict):
    thresholds = np.array([0.0, 1.0, 10.0, 11.0])
    values = np.array([0.0, 0.5, 1.0, 9.0, 10.0, 10.5, 12.0, np.nan])
    expected = [1, 1, 2, 2, 3, 3, 4, 4] if strict else [0, 1, 1, 2, 2, 3, 4, 4]
    assert threshold_bins(values, thresholds, strict=strict).tolist() == expected

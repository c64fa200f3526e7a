"""Ranks that data support: equal submissions stay tied, clearly different ones are separated."""

from __future__ import annotations

import numpy as np
import pytest

from ml.metrics.ranking import MAP_ROWS, obstacle, rank_statistics
from ml.metrics.statistics import paired_difference, t_test
from tests.ml.metrics.test_statistics import correlated_errors


def sums_of(errors: np.ndarray, sequence: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sums by sequence [M, C] and frames of each [C]."""
    counts = np.bincount(sequence).astype(float)
    return np.array([np.bincount(sequence, weights=row) for row in errors]), counts


@pytest.mark.parametrize("clusters", [6, 12, 30])
def test_at_most_5_percent_of_boards_of_equal_submissions_have_a_significant_difference(clusters):
    rng = np.random.default_rng(clusters)
    boards, wrong = 300, 0
    for _ in range(boards):
        sums, counts = sums_of(*correlated_errors(rng, clusters, methods=6))
        if obstacle(counts):
            continue
        found = rank_statistics(sums, counts, lower_is_better=True)
        wrong += bool((found.rank_low > 1).any())
        assert (found.rank_low <= np.arange(1, 7)).all()
        assert (found.rank_high >= np.arange(1, 7)).all()
    assert wrong / boards <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / boards)


def test_groups_that_are_far_apart_are_told_apart():
    rng = np.random.default_rng(1)
    errors, sequence = correlated_errors(rng, 40, methods=6)
    errors[3:] += 20
    shuffled = rng.permutation(6)
    found = rank_statistics(*sums_of(errors[shuffled], sequence), lower_is_better=True)
    assert set(shuffled[found.order[:3]]) == {0, 1, 2}
    assert found.rank_low.tolist() == [1, 1, 1, 4, 4, 4]
    assert found.rank_high.tolist() == [3, 3, 3, 6, 6, 6]
    assert found.first_share[3:].tolist() == [0, 0, 0]
    assert found.first_share.sum() == pytest.approx(1)


def test_metrics_where_higher_is_better_rank_in_reverse_order():
    errors, sequence = correlated_errors(np.random.default_rng(2), 12, methods=4)
    sums, counts = sums_of(errors, sequence)
    up, down = (rank_statistics(sums, counts, lower_is_better=lower) for lower in (True, False))
    assert up.order.tolist() == down.order[::-1].tolist()
    assert up.p == pytest.approx(down.p[::-1, ::-1])


def test_p_is_that_of_the_paired_test_with_holms_adjustment():
    errors, sequence = correlated_errors(np.random.default_rng(4), 10, methods=3)
    errors += 1e5  # what is common to all may be large
    found = rank_statistics(*sums_of(errors, sequence), lower_is_better=True)
    best, second, third = errors[found.order]
    raw = {
        (i, j): paired_difference(a, b, sequence).p
        for (i, a), (j, b) in (((0, best), (1, second)), ((0, best), (2, third)), ((1, second), (2, third)))
    }
    smallest, middle, largest = sorted(raw, key=raw.__getitem__)
    steps = np.maximum.accumulate([3 * raw[smallest], 2 * raw[middle], raw[largest]])
    for pair, wanted in zip((smallest, middle, largest), steps, strict=True):
        assert found.p[pair] == pytest.approx(min(wanted, 1), rel=1e-6)
        assert found.p[pair] == found.p[pair[::-1]]


def test_the_resolvable_difference_is_found_in_four_of_five_trials():
    rng = np.random.default_rng(5)
    clusters, counts = 12, np.full(12, 30.0)
    found = rank_statistics(10 + rng.normal(size=(200, clusters)), counts, lower_is_better=True)
    each = found.resolvable * counts  # added to every frame
    shifted = rng.normal(size=(2000, clusters)) - rng.normal(size=(2000, clusters)) + each
    assert 0.75 <= (t_test(shifted) < 0.05).mean() <= 0.87


def test_a_single_submission_is_first_and_has_no_resolvable_difference():
    found = rank_statistics(np.ones((1, 8)), np.ones(8), lower_is_better=True)
    assert (found.rank_low.tolist(), found.rank_high.tolist(), found.first_share.tolist()) == ([1], [1], [1.0])
    assert found.resolvable is None


def test_identical_submissions_share_their_rank_and_first_place():
    row = np.random.default_rng(6).normal(size=9)
    found = rank_statistics(np.stack([row, row, row + 5]), np.ones(9), lower_is_better=True)
    assert found.rank_low.tolist() == [1, 1, 3]
    assert found.p[0, 1] == 1
    assert found.first_share.tolist() == [0.5, 0.5, 0]


def test_the_significance_map_has_only_the_top_rows():
    found = rank_statistics(np.random.default_rng(7).normal(size=(40, 20)), np.ones(20), lower_is_better=True)
    assert found.p.shape == (MAP_ROWS, MAP_ROWS)
    assert len(found.rank_low) == 40


def test_few_or_unequal_clusters_have_no_ranks():
    assert (obstacle(np.ones(5)), obstacle(np.ones(6)), obstacle(np.array([500.0, 1, 1, 1, 1, 1, 1]))) == ("few", "", "unequal")
    with pytest.raises(ValueError, match="clusters that carry a test"):
        rank_statistics(np.ones((2, 5)), np.ones(5), lower_is_better=True)

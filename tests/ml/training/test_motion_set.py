"""The motion set: its parts are disjoint and the same on every run, and its command writes them."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import torch

from ml.hand.joint_limits import LIMITS
from ml.priors.motion_window import FRAMES
from ml.synthetic.hand_motion import ALL_ACTIVITIES
from ml.training.motion_set import SPLITS, continued, main, motion_set, windows_tensor
from ml.training.recorded_motion import Motion


@pytest.fixture(scope="module")
def parts():
    return {split: motion_set(split, an_activity=1) for split in SPLITS}


def test_every_part_has_every_activity_within_the_limits(parts):
    for part in parts.values():
        assert [m.name for m in part.procedural] == list(ALL_ACTIVITIES)
        angles = np.concatenate([m.angles for m in part.procedural]).reshape(-1, 15, 3)
        assert (angles >= LIMITS[1:, :, 0] - 1e-6).all()
        assert (angles <= LIMITS[1:, :, 1] + 1e-6).all()


def test_no_two_parts_share_a_motion(parts):
    for first, second in combinations(parts.values(), 2):
        assert not {m.session for m in first.motions} & {m.session for m in second.motions}
        for a, b in zip(first.procedural, second.procedural, strict=True):
            assert np.abs(a.angles - b.angles).max() > 0.01


def test_the_same_seed_gives_the_same_set_and_another_does_not(parts):
    again, other = motion_set("test", an_activity=1), motion_set("test", an_activity=1, seed=1)
    assert torch.equal(again.windows(), parts["test"].windows())
    assert not torch.equal(other.windows(), again.windows())


def test_a_larger_set_contains_the_smaller_one(parts):
    larger = motion_set("test", an_activity=2)
    np.testing.assert_array_equal(larger.procedural[0].angles, parts["test"].procedural[0].angles)


def test_short_motions_are_continued_backwards_without_a_jump():
    angles = np.cumsum(np.full((50, 45), 0.01), axis=0)
    longer = continued(angles)
    assert len(longer) == FRAMES
    np.testing.assert_array_equal(longer[:50], angles)
    np.testing.assert_allclose(np.abs(np.diff(longer, axis=0)), 0.01)
    assert windows_tensor([Motion("s", "n", angles)]).shape == (1, FRAMES, 45)


def test_windows_start_at_multiples_of_the_hop():
    motion = Motion("s", "n", np.arange(200.0)[:, None].repeat(45, 1))
    windows = windows_tensor([motion], hop=36)
    assert windows[:, 0, 0].tolist() == [0, 36, 72]


def test_the_command_writes_all_parts_and_draws_them(tmp_path, capsys):
    main(["--an-activity", "1", "--out", str(tmp_path / "set.npz"), "--figure", str(tmp_path / "coverage.svg")])
    with np.load(tmp_path / "set.npz", allow_pickle=False) as stored:
        assert set(stored["splits"]) == set(SPLITS)
        assert stored["lengths"].sum() == len(stored["angles"])
        assert len(stored["sessions"]) == len(stored["names"]) == len(stored["lengths"])
    assert "<svg" in (tmp_path / "coverage.svg").read_text()
    assert "train      procedural" in capsys.readouterr().out

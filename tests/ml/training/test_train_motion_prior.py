"""Training of motion priors in miniature: from motions to weights that load, with a card, resumable; parts are disjoint."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ml.priors import motion
from ml.priors.gaussian_windows import GaussianWindowSettings
from ml.priors.motion_autoencoder import AutoencoderSettings
from ml.priors.motion_window import frame_times
from ml.training.loop import Schedule
from ml.training.motion_errors import fill_errors, reconstruction, repair_errors
from ml.training.motion_set import SPLITS, continued, main, motion_set, split_of, windows_tensor
from ml.training.recorded_motion import Motion, RecordedMotionError, recorded_motions, resampled
from ml.training.train_motion_prior import PriorConfig, WindowSampler, run

RECORDED = Path(__file__).parents[4] / "shared" / "motion"
SMALL = PriorConfig(
    an_activity=1,
    held_out=1,
    sizes=AutoencoderSettings(latent=8, width=16, layers=2, terms=16, channels=(4, 4, 4, 4)),
    gaussian=GaussianWindowSettings(components=16, terms=16),
    schedule=Schedule(steps=3, batch=4, rate=1e-3),
)


def test_a_run_ends_with_priors_that_load_and_a_card_that_describes_them(tmp_path, monkeypatch):
    card = run(SMALL, tmp_path / "run", weights=tmp_path / "weights")
    assert card == json.loads((tmp_path / "weights" / "motion-autoencoder.json").read_text())
    assert set(card["errors"]["procedural"]) == {"motion", "pca", "gmm", "none"}
    monkeypatch.setattr(motion, "FOLDER", tmp_path / "weights")
    z = torch.zeros(1, 8)
    loaded = motion._loaded.__wrapped__("motion", torch.device("cpu"))
    assert loaded.latent == 8
    assert not loaded.training
    assert loaded.decode(z, frame_times()).shape == (1, 128, 45)
    assert motion._loaded.__wrapped__("gmm", torch.device("cpu")).latent == 16


def test_a_run_on_motion_capture_needs_some(tmp_path):
    with pytest.raises(RecordedMotionError, match=r"no \*\.npz of AMASS"):
        run(replace(SMALL, amass=str(tmp_path)), tmp_path / "run", weights=tmp_path / "weights")


def test_parts_share_no_motion():
    parts = {split: motion_set(split, an_activity=2) for split in SPLITS}
    contents = [m.angles.tobytes() for part in parts.values() for m in part.motions]
    assert len(set(contents)) == len(contents) == 3 * 2 * 19
    again = motion_set("train", an_activity=2)
    assert [m.angles.tobytes() for m in again.motions] == contents[: 2 * 19]


def test_batches_are_a_function_of_the_step():
    sampler = WindowSampler(motion_set("train", an_activity=1), SMALL)
    first, again, other = sampler(3), sampler(3), sampler(4)
    assert torch.equal(first["windows"], again["windows"])
    assert not torch.equal(first["windows"], other["windows"])
    assert first["windows"].shape == (4, 128, 45)
    assert (first["frames"].diff() > 0).all()


def test_resampling_goes_by_time_and_keeps_slow_motion():
    for fps in (110.6, 24.0):
        times = np.arange(round(3 * fps)) / fps
        found = resampled(np.sin(2 * np.pi * times)[:, None], fps, 0.02)[:, 0]
        expected = np.sin(2 * np.pi * np.arange(len(found)) / 30)
        assert np.abs(found - expected)[5:-5].max() < 0.05


def test_short_motions_are_played_back_and_forth():
    angles = np.arange(40)[:, None] * np.ones(45)
    longer = continued(angles)[:, 0]
    assert len(longer) == 128
    assert np.abs(np.diff(longer)).max() == 1
    assert len(windows_tensor([Motion("a", "a", angles)])) == 1


def test_a_folder_without_recordings_is_named(tmp_path):
    with pytest.raises(RecordedMotionError, match=r"leap\.npz is missing; docs/motion-prior\.md"):
        recorded_motions(tmp_path)
    np.savez(tmp_path / "leap.npz", joints=np.zeros((5, 21, 3)), lengths=np.array([4]), fps=np.ones(1), names=np.array(["a"]))
    with pytest.raises(RecordedMotionError, match=r"joints are \(5, 21, 3\), expected \[N, 21, 3\] with N = 4"):
        recorded_motions(tmp_path)


@pytest.mark.media
@pytest.mark.skipif(not RECORDED.is_dir(), reason="recorded motion is not here (../shared/motion)")
def test_sessions_of_recorded_motion_are_in_one_part_each():
    recordings = recorded_motions(RECORDED)
    of_session: dict[str, set[str]] = {}
    for one in recordings:
        of_session.setdefault(one.session, set()).add(split_of(one))
    assert all(len(splits) == 1 for splits in of_session.values())
    assert {split for splits in of_session.values() for split in splits} == set(SPLITS)
    assert min(len(one.angles) for one in recordings) > 20


def test_the_command_writes_the_set_and_its_coverage(tmp_path, capsys):
    main(["--an-activity", "1", "--out", str(tmp_path / "set.npz"), "--figure", str(tmp_path / "coverage.svg")])
    with np.load(tmp_path / "set.npz", allow_pickle=False) as stored:
        assert len(stored["angles"]) == stored["lengths"].sum() == 3 * 19 * 360
        assert set(stored["splits"]) == set(SPLITS)
    assert (tmp_path / "coverage.svg").read_text().count("<rect") > 80
    assert "train      procedural    19 motions" in capsys.readouterr().out


@pytest.fixture(scope="module")
def unseen() -> torch.Tensor:
    """Windows of the test part, from another seed than the model card's."""
    return motion_set("test", an_activity=1, seed=5).windows()[::3]


def test_the_shipped_prior_repairs_jitter_better_than_pca_and_none(unseen):
    found = {name: repair_errors(motion.load_motion_prior(name), unseen) for name in ("motion", "pca", "none")}
    best = found.pop("motion")
    assert best["repaired_mm"] < min(values["repaired_mm"] for values in found.values())
    assert best["repaired_mm"] < 0.7 * best["jitter_mm"]


def test_the_shipped_prior_fills_gaps_better_than_pca(unseen):
    gaps = {name: fill_errors(motion.load_motion_prior(name), unseen) for name in ("motion", "pca")}
    assert gaps["motion"]["gap_mm"] < gaps["pca"]["gap_mm"]
    assert gaps["motion"]["outside_mm"] < gaps["pca"]["outside_mm"]


def test_the_shipped_prior_holds_motions_to_two_millimetres(unseen):
    values = reconstruction(motion.load_motion_prior("motion"), unseen)
    assert values["mm"] < 2.0
    assert values["fast_mm"] < 4.0

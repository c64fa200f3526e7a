"""The study of the paper's mesh loss, in miniature."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ml.identity.networks import Baseline
from ml.identity.weights import BACKBONES
from ml.training import mesh_loss_study
from ml.training.samples import make_samples
from ml.training.train_kong2022 import Dataset


@pytest.fixture
def small(tmp_path, monkeypatch):
    """One clip for training and one for validation, four steps of four hands, in a cache of its own."""
    for name, value in {
        "CACHE": tmp_path / "samples",
        "FOLDER": tmp_path / "runs",
        "CLIPS": 1,
        "VALIDATION_CLIPS": 1,
        "SCHEDULE": replace(mesh_loss_study.SCHEDULE, steps=4, batch=4, rate=0.1),
    }.items():
        monkeypatch.setattr(mesh_loss_study, name, value)
    make_samples(tmp_path / "samples", split="train", seed=0, clips=1, processes=1)
    make_samples(tmp_path / "samples", split="validation", seed=0, clips=1, clips_a_subject=2, processes=1)


def test_both_losses_train_on_the_same_hands_and_give_different_networks(small):
    joints, mesh = (mesh_loss_study.trained(loss, 0) for loss in ("joints", "mesh"))
    assert joints["training_samples"] == mesh["training_samples"] > 0
    assert all(one[key] > 0 for one in (joints, mesh) for key in ("ra_mpjpe", "pa_mpjpe", "ra_mpvpe", "shape_mse"))
    assert joints["pa_mpjpe"] < joints["ra_mpjpe"]
    assert joints["ra_mpvpe"] != mesh["ra_mpvpe"]


def test_a_network_that_gives_the_truth_has_no_error(small, monkeypatch):
    data = Dataset.of(mesh_loss_study._samples()[1])
    monkeypatch.setattr(mesh_loss_study, "infer", lambda *_: (data.rotations, data.betas, torch.zeros(len(data), 1)))
    found = mesh_loss_study.errors(Baseline(BACKBONES["landmarks"]()), data)
    assert max(found.values()) < 1e-3

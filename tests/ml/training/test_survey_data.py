"""Batches of the survey's systems: 2D joints, depths and the crop's place in its camera agree, also when augmented."""

from __future__ import annotations

import pytest
import torch

from ml.networks.depth_regulariser import back_projected
from ml.training.samples import make_samples
from ml.training.survey_data import SurveyData
from ml.training.systems.cai import true_depths


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> SurveyData:
    folder = tmp_path_factory.mktemp("samples")
    return SurveyData.of(make_samples(folder, split="train", seed=0, clips=2, processes=1), folder / "depths.npy")


@pytest.mark.parametrize("seed", [None, 0, 1])
def test_true_2d_joints_and_depths_give_the_true_joints(data, seed):
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    batch = data.batch(torch.arange(len(data)), pixels=False, generator=generator)
    unit = (batch["windows"][:, 2] * batch["distances"])[:, None, None]
    joints = unit * back_projected(batch["points"], true_depths(batch), batch["windows"])
    torch.testing.assert_close(joints, batch["joints"], atol=1e-5, rtol=0)

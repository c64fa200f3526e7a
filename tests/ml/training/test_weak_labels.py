"""Training of Cai et al. with few 3D labels: who has labels, what a batch holds, and what is shipped."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from ml.networks.hand_batch import HandBatch
from ml.training.loop import Schedule
from ml.training.samples import make_samples
from ml.training.survey_data import SurveyData
from ml.training.system_training import fitted
from ml.training.systems.cai import KEYPOINTS, gain_of, labelled_rows, loss_of, mixed_batches


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> SurveyData:
    folder = tmp_path_factory.mktemp("samples")
    return SurveyData.of(make_samples(folder, split="train", seed=0, clips=4, processes=1), folder / "depths.npy")


def test_labels_are_withheld_from_whole_people():
    people = torch.arange(40).repeat_interleave(5)
    labelled, others = labelled_rows(people, 0.25, seed=0)
    assert len(labelled) == 50
    assert not set(people[labelled].tolist()) & set(people[others].tolist())
    assert len(others) + len(labelled) == 200


def test_with_unlabelled_data_half_of_each_batch_is_labelled(data):
    schedule = Schedule(steps=2, batch=4)
    mixed = mixed_batches(data, schedule, share=0.5, weak=True)(0)
    assert mixed["labelled"].tolist() == [1.0] * 4 + [0.0] * 4
    assert mixed["depths"].shape == (8, 48, 48)
    assert "labelled" not in mixed_batches(data, schedule, share=1.0, weak=True)(0)
    assert "depths" not in mixed_batches(data, schedule, share=0.5, weak=False)(0)


def test_joint_depths_of_unlabelled_hands_do_not_change_the_loss(data):
    batch = mixed_batches(data, Schedule(steps=2, batch=4), share=0.5, weak=False)(0)
    network = KEYPOINTS.build().eval()
    loss = loss_of(network, batch, depth_weight=0.0, noise=0.0)
    other = batch["joints"].clone()
    other[4:] += 1.0
    assert loss_of(network, batch | {"joints": other}, depth_weight=0.0, noise=0.0) == loss
    other[:4] += torch.rand(4, 21, 3)
    assert loss_of(network, batch | {"joints": other}, depth_weight=0.0, noise=0.0) != loss


def test_the_regulariser_is_trained_with_the_network_and_not_shipped(data, tmp_path):
    variant = replace(KEYPOINTS, schedule=Schedule(steps=2, batch=8))
    network, _ = fitted(variant, data, tmp_path)
    assert set(network.state_dict()) == set(KEYPOINTS.build().state_dict())
    assert torch.isfinite(network(HandBatch.of(data.batch(torch.arange(2), pixels=False))).joints).all()


def test_the_gain_is_the_mean_over_seeds_with_its_standard_error():
    rows = [
        {"share": 0.1, "depth_maps": weak, "seed": seed, "pa_mpjpe": error, "ra_mpjpe": error}
        for weak, errors in ((False, (10.0, 12.0)), (True, (9.0, 9.0)))
        for seed, error in enumerate(errors)
    ]
    assert gain_of(rows, 0.1) == {"share": 0.1, "pa_mpjpe": 2.0, "pa_mpjpe_error": 1.0, "ra_mpjpe": 2.0, "ra_mpjpe_error": 1.0}

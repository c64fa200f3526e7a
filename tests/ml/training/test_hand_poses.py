"""Hands from motions and from a detector, as IKNet is trained on them, and its losses."""

from __future__ import annotations

import pytest
import roma
import torch

from ml.hand.joint_limits import LIMITS
from ml.networks.pose_quaternions import Posed
from ml.training.hand_poses import DetectedJoints, HandPoses
from ml.training.samples import make_samples
from ml.training.survey_data import SurveyData, joints_of
from ml.training.systems.zhou import ik_losses, true_quaternions


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> SurveyData:
    return SurveyData.of(make_samples(tmp_path_factory.mktemp("samples"), split="train", seed=0, clips=2, processes=1))


@pytest.fixture(scope="module")
def poses(data) -> HandPoses:
    return HandPoses.of_motions(data, sequences=1)


def drawn(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_mixed_poses_are_within_the_joint_limits_and_new(poses):
    angles = poses.mixed(200, drawn(0)).view(200, 15, 3)
    low, high = torch.as_tensor(LIMITS[1:], dtype=torch.float32).unbind(-1)
    assert ((angles >= low - 1e-4) & (angles <= high + 1e-4)).all()
    apart = torch.cdist(angles.flatten(1), poses.angles).amin(1)
    assert (apart > 1e-3).float().mean() > 0.9


def test_half_of_the_poses_have_inputs_without_noise(poses):
    batch = poses.batch(400, drawn(1))
    seen = batch["seen"] - batch["seen"][:, :1]
    apart = (seen - joints_of(batch["rotations"], batch["betas"])).norm(dim=-1).mean(1)
    assert 0.4 < (apart < 1e-5).float().mean() < 0.6
    assert apart.max() > 0.005
    assert batch["landmarks"].abs().max() < 1.5


def test_the_same_step_gives_the_same_batch(poses, data):
    rows = torch.arange(8)
    for make in (lambda: poses.batch(8, drawn(2)), lambda: DetectedJoints.of_mediapipe(data).batch(rows, drawn(2))):
        first, second = make(), make()
        assert all(torch.equal(first[name], second[name]) for name in first)


def test_detected_joints_are_rolled_with_their_truth(data):
    detected = DetectedJoints(data.true_joints, data.data.joints, data, noise=0.0)
    batch = detected.batch(torch.arange(len(data)), drawn(3))
    seen = batch["seen"] - batch["seen"][:, :1]
    torch.testing.assert_close(seen, joints_of(batch["rotations"], batch["betas"]), atol=1e-4, rtol=0)


def test_the_losses_of_the_truth_are_zero_and_of_another_pose_are_not(poses):
    batch = poses.batch(6, drawn(4))
    palm = roma.random_rotmat(6)
    true = true_quaternions(palm, batch["rotations"])
    assert (true[..., 3] >= 0).all()
    posed = Posed(true, palm, batch["betas"], torch.zeros(6, 20))
    torch.testing.assert_close(posed.rotations, batch["rotations"], atol=1e-5, rtol=0)
    assert all(float(value) < 1e-4 for value in ik_losses(posed, batch).values())
    other = Posed(true.roll(1, 0), palm, batch["betas"], torch.zeros(6, 20))
    losses = ik_losses(other, batch)
    assert all(float(losses[name]) > 1e-2 for name in ("cos", "l2", "xyz"))
    longer = Posed(2 * true, palm, batch["betas"], torch.zeros(6, 20))
    assert float(ik_losses(longer, batch)["norm"]) == pytest.approx(3.0, abs=1e-3)
    assert float(ik_losses(longer, batch)["cos"]) < 1e-5

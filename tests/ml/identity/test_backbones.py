"""The networks: inputs and outputs, alone and in a batch, and what the image backbone starts from."""

from __future__ import annotations

from typing import get_args

import pytest
import torch

from ml.identity.backbones import FEATURES, ImageBackbone, LandmarkBackbone
from ml.identity.crops import CROP_PX
from ml.identity.networks import Baseline, IdentityAware
from ml.identity.observation import INPUTS
from ml.identity.weights import BACKBONES, Kind
from ml.networks.hand_trunk import LANDMARK_PX, TRUNK_FEATURES
from ml.training.landmark_stage_weights import mediapipe_stage, started_backbone


def seen(count: int, kind: Kind, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    if kind == "landmarks":
        return torch.randn(count, INPUTS, generator=generator)
    return torch.randint(0, 256, (count, 3, CROP_PX, CROP_PX), dtype=torch.uint8, generator=generator)


@pytest.fixture(scope="module", params=get_args(Kind))
def network(request):
    torch.manual_seed(0)
    return Baseline(BACKBONES[request.param]()).eval(), request.param


@torch.no_grad()
def test_outputs_are_valid_rotations_shapes_and_features(network):
    model, kind = network
    rotations, betas, features = model(seen(5, kind))
    assert (rotations.shape, betas.shape, features.shape) == ((5, 16, 3, 3), (5, 10), (5, FEATURES))
    eye = torch.eye(3).expand(5, 16, 3, 3)
    torch.testing.assert_close(rotations @ rotations.mT, eye, atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.linalg.det(rotations), torch.ones(5, 16), atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_hand_gives_the_same_output_alone_and_in_a_batch(network):
    model, kind = network
    together = model(seen(40, kind))
    alone = model(seen(40, kind)[7:8])
    for one, all_of_them in zip(alone, together, strict=True):
        torch.testing.assert_close(one, all_of_them[7:8], atol=1e-4, rtol=1e-3)


@torch.no_grad()
def test_an_untrained_image_backbone_finds_what_the_landmark_stage_finds():
    stage = mediapipe_stage()
    backbone = started_backbone(stage).eval()
    crops = seen(3, "image")
    pooled = backbone.pooled(crops).float()
    px = stage.image(pooled).unflatten(1, (21, 3))[..., :2]
    look = backbone(crops)
    # both crops have their middle in common, and pixels of one size
    torch.testing.assert_close(CROP_PX / 2 * look.joints, px - LANDMARK_PX / 2, atol=1e-2, rtol=1e-3)
    assert look.log_scale.shape == (3, 21)


@torch.no_grad()
def test_the_error_estimate_does_not_move_the_joints():
    backbone = ImageBackbone().eval()
    with torch.enable_grad():
        backbone.read(torch.ones(2, TRUNK_FEATURES, requires_grad=True)).log_scale.sum().backward()
    assert backbone.find.weight.grad is None
    assert backbone.spread.weight.grad is not None


def test_the_identity_aware_network_has_the_layers_of_the_baseline_except_the_shape():
    baseline, aware = Baseline(LandmarkBackbone()), IdentityAware(LandmarkBackbone())
    kept = {name for name in baseline.state_dict() if not name.startswith("shape.")}
    assert kept == set(aware.state_dict())


def test_the_backbones_have_few_parameters():
    for backbone, limit in ((LandmarkBackbone, 2_000_000), (ImageBackbone, 5_000_000)):
        assert sum(parameter.numel() for parameter in backbone().parameters()) < limit

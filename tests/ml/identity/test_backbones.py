"""The networks: inputs and outputs, alone and in a batch, and that joints are read at the maximum of the heat maps."""

from __future__ import annotations

import pytest
import torch

from ml.identity.backbones import FEATURES, ImageBackbone, LandmarkBackbone
from ml.identity.crops import CROP_PX
from ml.identity.networks import Baseline, IdentityAware
from ml.identity.observation import INPUTS


def seen(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    crops = torch.randint(0, 256, (count, 3, CROP_PX, CROP_PX), dtype=torch.uint8, generator=generator)
    return (
        torch.randn(count, INPUTS, generator=generator),
        crops,
        torch.rand(count, 21, 2, generator=generator) * 1.4 - 0.7,
    )


@pytest.fixture(scope="module", params=["landmarks", "image"])
def network(request):
    torch.manual_seed(0)
    takes = 1 if request.param == "landmarks" else 3
    return Baseline(LandmarkBackbone() if takes == 1 else ImageBackbone()).eval(), takes


@torch.no_grad()
def test_outputs_are_valid_rotations_shapes_and_features(network):
    model, takes = network
    rotations, betas, features = model(*seen(5)[:takes])
    assert (rotations.shape, betas.shape, features.shape) == ((5, 16, 3, 3), (5, 10), (5, FEATURES))
    eye = torch.eye(3).expand(5, 16, 3, 3)
    torch.testing.assert_close(rotations @ rotations.mT, eye, atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.linalg.det(rotations), torch.ones(5, 16), atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_hand_gives_the_same_output_alone_and_in_a_batch(network):
    model, takes = network
    together = model(*seen(40)[:takes])
    alone = model(*(part[7:8] for part in seen(40)[:takes]))
    for one, all_of_them in zip(alone, together, strict=True):
        torch.testing.assert_close(one, all_of_them[7:8], atol=1e-4, rtol=1e-3)


@torch.no_grad()
def test_joints_lie_in_the_crop_and_at_the_maximum_of_their_heat_map():
    torch.manual_seed(0)
    backbone = ImageBackbone().eval()
    look = backbone(*seen(3))
    assert look.joints.shape == (3, 21, 2)
    assert look.log_scale.shape == (3, 21)
    assert look.joints.abs().max() < 1
    # all heat in one cell: the joint is at its middle
    backbone.heat.weight.zero_()
    uniform = backbone(*seen(3)).joints
    torch.testing.assert_close(uniform, torch.zeros(3, 21, 2), atol=1e-5, rtol=0)


def test_the_identity_aware_network_has_the_layers_of_the_baseline_except_the_shape():
    baseline, aware = Baseline(LandmarkBackbone()), IdentityAware(LandmarkBackbone())
    kept = {name for name in baseline.state_dict() if not name.startswith("shape.")}
    assert kept == set(aware.state_dict())


def test_the_backbones_have_few_parameters():
    for backbone, limit in ((LandmarkBackbone, 2_000_000), (ImageBackbone, 4_000_000)):
        assert sum(parameter.numel() for parameter in backbone().parameters()) < limit

"""DetNet's maps: where they are read, and images without anything in them."""

from __future__ import annotations

import pytest
import torch

from ml.networks.detection_maps import DetectedMaps, DetectorOnly, PixelIKNet
from ml.networks.feature_pyramid import drawn_maps
from ml.networks.hand_batch import HandBatch


def test_locations_are_read_where_the_heat_maps_are_highest():
    points = torch.rand(5, 21, 2, generator=torch.Generator().manual_seed(0)) * 1.6 - 0.8
    heat = torch.logit(drawn_maps(points).clamp(1e-6, 1 - 1e-6))
    wanted = torch.randn(5, 21, 3, generator=torch.Generator().manual_seed(1))
    at_maximum = (heat == heat.amax((2, 3), keepdim=True)).float()
    locations = (wanted[..., None, None] * at_maximum[:, :, None]).reshape(5, 63, 24, 24)
    found = DetectedMaps(heat, torch.zeros_like(locations), locations)
    torch.testing.assert_close(found.joints(), wanted)
    assert (found.landmarks() - points).norm(dim=-1).max() < 1 / 24  # half a cell


@pytest.mark.parametrize("build", [DetectorOnly, PixelIKNet])
@pytest.mark.parametrize("grey", [0.0, 128.0, 255.0])
def test_images_of_uniform_grey_give_finite_outputs(build, grey):
    torch.manual_seed(0)
    hands = HandBatch(torch.zeros(2, 132), torch.zeros(2, 21, 2), torch.full((2, 3, 96, 96), grey))
    with torch.no_grad():
        guess = build().eval()(hands)
    for name in ("joints", "rotations", "betas", "landmarks"):
        found = getattr(guess, name)
        assert found is None or torch.isfinite(found).all(), name

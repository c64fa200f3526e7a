"""The image backbone's training, from pictures to card, in miniature."""

from __future__ import annotations

import json

import pytest
import torch

from ml.identity.observation import roll_matrices
from ml.training import image
from ml.training.loop import Schedule


@pytest.fixture
def tiny(monkeypatch, tmp_path) -> image.ImageConfig:
    monkeypatch.setattr(image, "CACHE", tmp_path / "cache")
    monkeypatch.setattr(image, "CONFIDENCE", Schedule(steps=2, batch=4))
    return image.ImageConfig(clips=1, validation_clips=1, test_clips=1, network=Schedule(steps=2, batch=4))


def test_from_pictures_to_a_card(tiny, tmp_path):
    image.run(tiny, tmp_path / "runs", card_file=tmp_path / "card.json")
    card = json.loads((tmp_path / "card.json").read_text())
    for split in ("validation", "test"):
        assert set(card[split]["image"]) == set(card[split]["landmarks"])
        assert card[split]["image"]["ra_mpjpe_baseline"] > card[split]["landmarks"]["ra_mpjpe_baseline"]
    assert card["training_samples"] > 4
    assert (tmp_path / "runs" / "image-baseline.safetensors").exists()


def test_a_rolled_crop_shows_what_was_there_turned():
    crops = torch.zeros(1, 3, 64, 64)
    crops[:, :, 30:34, 50:54] = 255.0  # right of the middle
    angle = torch.tensor([torch.pi / 2])
    seen = image.varied(crops.expand(64, -1, -1, -1), roll_matrices(angle.expand(64)), torch.Generator().manual_seed(0))
    lit = (seen.mean(1) * (seen.mean(1) > 100)).mean(0)
    rows, columns = torch.meshgrid(torch.arange(64.0), torch.arange(64.0), indexing="ij")
    centre = torch.stack([(columns * lit).sum(), (rows * lit).sum()]) / lit.sum()
    # a quarter turn from x to y: below the middle, where y points
    torch.testing.assert_close(centre, torch.tensor([31.5, 51.5]), atol=2.5, rtol=0)

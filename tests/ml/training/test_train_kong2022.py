"""Training, from images to weights and card, in miniature; and augmentation of image and truth together."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import get_args

import numpy as np
import pytest
import torch

from ml.hand.model import load_hand_model
from ml.identity import weights
from ml.identity.weights import PARTS, Kind
from ml.training import train_kong2022
from ml.training.augment import augment, without_rim
from ml.training.kong2022_validation import moments
from ml.training.loop import Schedule
from ml.training.samples import make_samples
from ml.training.train_kong2022 import Config, Dataset

SHORT = Schedule(steps=2, batch=4)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A clip of twelve frames of each split, rendered and detected once."""
    folder = tmp_path_factory.mktemp("samples")
    make_samples(folder, split="train", seed=0, clips=1, processes=1)
    make_samples(folder, split="validation", seed=0, clips=1, clips_a_subject=2, processes=1)
    return folder


@pytest.mark.parametrize("backbone", get_args(Kind))
def test_a_run_ends_with_weights_that_load_and_a_card_that_describes_them(cache, tmp_path, monkeypatch, backbone):
    monkeypatch.setattr(train_kong2022, "CACHE", cache)
    config = Config(backbone, clips=1, validation_clips=1, baseline=SHORT, identity=SHORT, confidence=SHORT)
    card = train_kong2022.run(config, tmp_path / "runs", weights=tmp_path / "weights")
    assert card == json.loads((tmp_path / "weights" / f"kong2022-{backbone}.json").read_text())
    assert card["training_people"] == 1
    assert 0.5 < card["found"] <= 1
    assert np.isfinite(list(card["validation"].values())).all()
    monkeypatch.setattr(weights, "FOLDER", tmp_path / "weights")
    models = weights.load_models.__wrapped__(backbone)
    assert (models.backbone, models.baseline.training) == (backbone, False)
    assert set(card["models"]) == set(PARTS)
    assert card["choices"] == train_kong2022.choices(backbone)


def test_the_other_networks_are_retrained_when_the_baseline_schedule_changes():
    one, other = (Config("landmarks", baseline=replace(SHORT, steps=steps)) for steps in (2, 3))
    assert train_kong2022._depends_on(one, "baseline") == train_kong2022._depends_on(other, "baseline")
    assert train_kong2022._depends_on(one, "identity") != train_kong2022._depends_on(other, "identity")
    noisy = replace(one, noise=0.1)
    assert train_kong2022._depends_on(one, "baseline") != train_kong2022._depends_on(noisy, "baseline")


def test_rendered_hands_lie_where_their_crops_show_them(cache):
    data = Dataset.of(make_samples(cache, split="train", seed=0, clips=1))
    model = load_hand_model("open", "right")
    posed = model.joints(data.rotations, data.betas, torch.tensor([0.0, 0.0, 0.5]))
    # the same hand in the same place, but for perspective and distance: directions of bones agree
    for start, end in ((0, 9), (0, 5), (5, 6)):
        seen = torch.nn.functional.normalize(data.joints[:, end] - data.joints[:, start], dim=-1)
        true = torch.nn.functional.normalize((posed[:, end] - posed[:, start])[:, :2], dim=-1)
        assert float((seen * true).sum(-1).median()) > 0.97
    # and MediaPipe, which drew the crop, finds them near there
    assert float((data.joints - data.seen.landmarks).norm(dim=-1).median()) < 0.15


def spotted(points: torch.Tensor) -> torch.Tensor:
    """Crops [n, 3, 112, 112] with their rim, black but for a white spot at points [n, 2]."""
    rows, columns = torch.meshgrid(torch.arange(112.0), torch.arange(112.0), indexing="ij")
    x, y = ((points[:, k, None, None] + 1) / 2 * 96 + 7.5 for k in range(2))
    lit = ((columns - x) ** 2 + (rows - y) ** 2 < 9).float() * 255
    return lit[:, None].expand(-1, 3, -1, -1).to(torch.uint8)


def test_images_and_points_and_rotations_turn_together():
    generator = torch.Generator().manual_seed(3)
    points = torch.rand(64, 2, generator=generator) - 0.5
    rotations = torch.eye(3).expand(64, 16, 3, 3)
    every = points[None, :, None].expand(1, 64, 21, 2)
    other = augment(torch.zeros(64, 132), rotations, spotted(points), every, torch.Generator().manual_seed(0))
    assert other.crops is not None
    bright = other.crops[:, 0] > 0.6 * other.crops[:, 0].amax((1, 2), keepdim=True)
    steps = (torch.arange(96) + 0.5) / 96 * 2 - 1
    centre = torch.stack([(bright * steps).sum((1, 2)), (bright * steps[:, None]).sum((1, 2))], 1) / bright.sum((1, 2))[:, None]
    assert float((centre - other.points[0, :, 0]).norm(dim=-1).max()) < 0.03
    assert float((other.points[0, :, 0] - points).norm(dim=-1).mean()) > 0.05
    angle = torch.atan2(other.rotations[:, 0, 1, 0], other.rotations[:, 0, 0, 0])
    assert 0.1 < float(angle.abs().max()) <= 0.25
    assert (other.rotations[:, 1:] == torch.eye(3)).all()


def test_removing_the_rim_gives_a_crop_of_the_network_input_size():
    crops = torch.arange(112).expand(1, 3, 112, 112)
    assert without_rim(crops).shape == (1, 3, 96, 96)
    assert without_rim(crops)[0, 0, 0, 0] == 8


def test_moments_of_simulated_answers_are_recovered():
    """Answers = half the truth + an error of the clip + an error of the image."""
    generator = torch.Generator().manual_seed(0)
    people, clips, images = 4000, 2, 3
    true = torch.randn(people, 1, 1, 10, generator=generator)
    of_clip = 0.3 * torch.randn(people, clips, 1, 10, generator=generator)
    of_picture = 0.4 * torch.randn(people, clips, images, 10, generator=generator)
    answers = (0.5 * true + of_clip + of_picture).view(-1, 10)
    person = torch.arange(people).repeat_interleave(clips * images)
    clip = torch.arange(people * clips).repeat_interleave(images)
    found = moments(answers, true.expand(-1, clips, images, -1).reshape(-1, 10), person, clip).mean(1)
    torch.testing.assert_close(found, torch.tensor([0.5, 0.5, 0.34, 0.25]), atol=0.02, rtol=0)
    alone = moments(answers, answers, torch.arange(len(answers)), torch.arange(len(answers)))
    assert alone.isfinite().all()

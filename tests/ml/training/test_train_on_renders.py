"""Training on renders as they are made: the processes that render, the crops and their augmentation, and a short run."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
import torch

from ml.hand.camera import project
from ml.identity import weights
from ml.training import rendered_hands, train_on_renders
from ml.training.crop_colours import recoloured
from ml.training.landmark_stage_weights import mediapipe_stage
from ml.training.render_pool import PIXELS, RenderPool, training_clip
from ml.training.rendered_hands import Hands, HandStore, augmented_crops, crops_of

IMAGES = 16


@pytest.fixture(scope="module")
def rendered():
    """Images of two processes, in the order in which they came."""
    pool = RenderPool(IMAGES, split="train", seed=3, processes=2)
    parts, deadline = [], time.monotonic() + 120
    while not pool.is_done and time.monotonic() < deadline:
        parts += list(pool.take())
    pool.close()
    assert sum(map(len, parts)) == IMAGES
    return parts


def test_images_come_with_their_truth(rendered):
    for part in rendered:
        assert part.images.shape[1:] == (PIXELS, PIXELS, 3)
        for joints, intrinsics in zip(part.joints, part.intrinsics, strict=True):
            inside = (np.abs(project(joints, intrinsics) - PIXELS / 2) < PIXELS).all(1)
            assert inside.mean() > 0.5


def test_a_clip_is_determined_by_its_number():
    one, same, other = (training_clip(number, "train", 3) for number in (5, 5, 6))
    assert np.array_equal(one.truth.hands[0].pose, same.truth.hands[0].pose)
    assert not np.array_equal(one.truth.hands[0].pose, other.truth.hands[0].pose)


def test_a_store_keeps_the_hands_that_are_found_and_no_more_than_it_has_room_for(rendered, monkeypatch):
    monkeypatch.setattr(rendered_hands, "AT_ONCE", 4)
    stage = mediapipe_stage()
    many, few = HandStore(IMAGES, stage, torch.device("cpu")), HandStore(2, stage, torch.device("cpu"))
    for part in rendered:
        many.add(part)
        few.add(part)
    assert IMAGES // 2 <= many.hands <= many.images <= IMAGES
    assert few.hands == 2
    assert few.is_full
    hands = many.rows(slice(0, many.hands))
    # the joints that the crop shows are where the image has them: near what was detected
    assert float((hands.joints - hands.landmarks).norm(dim=-1).mean(1).max()) < 0.5
    assert crops_of(hands).shape == (many.hands, 3, 192, 192)
    torch.testing.assert_close(
        hands.rotations @ hands.rotations.mT, torch.eye(3).expand(many.hands, 16, 3, 3), atol=1e-5, rtol=0
    )


def spotted(points: torch.Tensor) -> Hands:
    """Hands whose crop is the middle of the image and shows a white spot at points [n, 2]."""
    count = len(points)
    steps = torch.arange(PIXELS, dtype=torch.float32)
    pixels = 80 * points + PIXELS / 2
    far = [(steps - pixels[:, axis, None]) ** 2 for axis in (0, 1)]
    lit = 255 * (far[0][:, None, :] + far[1][:, :, None] < 30).to(torch.uint8)
    maps = torch.tensor([[80.0, 0, PIXELS / 2], [0, 80.0, PIXELS / 2], [0, 0, 1]]).repeat(count, 1, 1)
    every = points[:, None].expand(-1, 21, -1)
    turns = torch.eye(3).repeat(count, 16, 1, 1)
    return Hands(lit[..., None].expand(-1, -1, -1, 3), maps, every, every, turns, torch.zeros(count, 10))


def spots(crops: torch.Tensor) -> torch.Tensor:
    """The middle of what is bright in crops, in −1 … 1."""
    side = crops.shape[-1]
    bright = (crops.mean(1) > 0.6 * crops.mean(1).amax((1, 2), keepdim=True)).float()
    steps = (torch.arange(side) + 0.5) / side * 2 - 1
    return torch.stack([(bright * steps).sum((1, 2)), (bright * steps[:, None]).sum((1, 2))], 1) / bright.sum((1, 2))[:, None]


def test_crops_joints_and_rotations_move_together(monkeypatch):
    points = torch.rand(32, 2, generator=torch.Generator().manual_seed(1)) - 0.5
    hands = spotted(points)
    assert float((spots(crops_of(hands)) - points).norm(dim=-1).max()) < 0.02
    monkeypatch.setattr(rendered_hands, "recoloured", lambda crops, generator: crops)
    crops, moved = augmented_crops(hands, torch.Generator().manual_seed(0))
    assert float((spots(crops) - moved.joints[:, 0]).norm(dim=-1).max()) < 0.03
    assert float((moved.joints[:, 0] - points).norm(dim=-1).mean()) > 0.05
    turned = torch.atan2(moved.rotations[:, 0, 1, 0], moved.rotations[:, 0, 0, 0]).abs()
    assert 0.1 < float(turned.max()) <= 0.3


def test_other_light_keeps_the_size_and_the_range():
    crops = 255 * torch.rand(40, 3, 192, 192, generator=torch.Generator().manual_seed(2))
    seen = recoloured(crops, torch.Generator().manual_seed(0))
    assert seen.shape == crops.shape
    assert 0 <= float(seen.min()) < float(seen.max()) <= 255
    assert torch.equal(seen, recoloured(crops, torch.Generator().manual_seed(0)))


@pytest.mark.slow
def test_a_run_writes_weights_that_load(tmp_path, monkeypatch):
    for module in (rendered_hands, train_on_renders):
        monkeypatch.setattr(module, "AT_ONCE", 4)
    plan = replace(train_on_renders.Plan(), seconds=1.0, first_seconds=0.5, images=16, validation=8, batch=2)
    told = []
    networks = train_on_renders.train(plan, torch.device("cpu"), told.append)
    networks.save(tmp_path)
    baseline, aware = weights.load_networks("image", tmp_path)
    assert aware.backbone is baseline.backbone
    crops = torch.zeros(1, 3, 192, 192, dtype=torch.uint8)
    torch.testing.assert_close(baseline(crops)[0], networks.baseline.eval()(crops)[0], atol=2e-2, rtol=0)
    assert told[-1]["steps"] >= 1
    assert told[0]["loss"] > 0

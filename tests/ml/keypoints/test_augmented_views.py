"""Confidence from augmented views: for equal detections, for deviating ones, and without any."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from ml.clip import Clip, open_clip
from ml.keypoints.augmented_views import CLEAR, GAMMA, confidence, random_view, view_deviations
from ml.keypoints.tracklet import Detection
from ml.keypoints.tracks import HandTrack

JOINTS = np.random.default_rng(3).uniform([120, 80], [200, 160], (21, 2)).astype(np.float32)


class MarkFinder:
    """Finds the bright spots that are drawn at joints: their mean is where the hand is, and the joints lie as given."""

    def __init__(self, noise: float, blind: bool = False) -> None:
        self.noise, self.blind, self.rng = noise, blind, np.random.default_rng(0)
        self.views: list = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def find(self, image: np.ndarray) -> list[Detection]:
        if self.blind:
            return []
        view = self.views.pop(0)
        seen = (JOINTS - view.centre) @ np.linalg.inv(view.linear).T + image.shape[0] / 2
        noisy = seen + self.rng.normal(0, self.noise, seen.shape) / np.sqrt(abs(np.linalg.det(view.linear)))
        return [Detection(noisy.astype(np.float32), np.zeros((21, 3), np.float32), 0.9)]


@pytest.fixture
def clip(tmp_path) -> Clip:
    for number in range(9):
        Image.fromarray(np.full((240, 320, 3), 90, np.uint8)).save(tmp_path / f"{number}.png")
    return open_clip(tmp_path)


def track() -> HandTrack:
    count = 9
    return HandTrack(
        0, "right", np.arange(count, dtype=np.int32), np.repeat(JOINTS[None], count, 0), np.zeros((count, 21, 3), np.float32),
        np.ones(count, np.float32),
    )  # fmt: skip


def deviations(clip, finder: MarkFinder, views: int = 4) -> np.ndarray:
    # the views of frame 0, 4 and 8 of track 0, as the module draws them
    for frame in (0, 4, 8):
        rng = np.random.default_rng([frame, 0])
        finder.views += [random_view(JOINTS, rng) for _ in range(views)]
    return view_deviations(clip, (track(),), views, lambda: finder)[0]


def test_a_detector_that_repeats_itself_has_full_confidence(clip):
    found = deviations(clip, MarkFinder(0.0))
    assert found.shape == (9, 21)
    assert found.max() < 1e-3
    assert confidence(found).min() == 1


def test_deviations_are_those_of_the_noise_as_shares_of_the_box(clip):
    box = float(np.ptp(JOINTS, axis=0).max())
    found = deviations(clip, MarkFinder(0.04 * box), views=16)
    assert found.mean() == pytest.approx(0.04 * np.sqrt(2), rel=0.15)
    assert confidence(found).mean() < 0.2


def test_a_hand_found_in_no_view_has_confidence_zero(clip):
    found = deviations(clip, MarkFinder(0.0, blind=True))
    assert confidence(found).max() == 0


def test_confidence_falls_from_1_to_0_with_growing_deviation():
    values = confidence(np.array([0.0, CLEAR, CLEAR + GAMMA / 2, CLEAR + GAMMA, 1.0]))
    assert values.tolist() == pytest.approx([1, 1, 0.5, 0, 0])


def test_a_view_maps_points_back_to_the_image():
    view = random_view(JOINTS, np.random.default_rng(1))
    patch = (JOINTS - view.centre) @ np.linalg.inv(view.linear).T + 128
    assert np.abs(view.to_image(patch) - JOINTS).max() < 1e-3
    image = np.zeros((240, 320, 3), np.uint8)
    image[118:122, 158:162] = 255
    seen = view.patch(image)
    y, x = (axis.mean() for axis in np.nonzero(seen[..., 0] > 100))
    assert np.abs(view.to_image(np.array([x, y]) + 0.5) - [160, 120]).max() < 1.5

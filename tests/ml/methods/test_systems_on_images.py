"""Variants of the survey's systems that take pixels, on images of usual and unusual sizes and colours."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from ml import catalog
from ml.clip import Clip
from ml.hand.camera import default_intrinsics
from ml.keypoints.tracks import HandTrack, Keypoints
from ml.methods.interface import Request, load_method

ON_PIXELS = [
    (entry.name, choice)
    for entry in catalog.METHODS.values()
    for option in entry.options
    if option.name == "input"
    for choice in option.choices
    if choice != option.default
]


def request_on(two_hands: Request, image: np.ndarray) -> Request:
    """The first three frames of two hands, which are in an image of any size."""
    height, width = image.shape[:2]
    scale = np.array([width / 640, height / 480], np.float32)
    tracks = tuple(
        HandTrack(t.track, t.side, t.frames[:3], t.joints_2d[:3] * scale, t.world[:3], t.score[:3])
        for t in two_hands.keypoints.tracks
    )
    clip = SimpleNamespace(
        fps=30.0, frame_count=3, width=width, height=height, path=SimpleNamespace(name="x.mp4"),
        frames=lambda *, start=0, stop=None: iter([image] * 3),
    )  # fmt: skip
    return replace(
        two_hands,
        clip=cast(Clip, clip),
        keypoints=Keypoints(tracks, 3, 30.0, width, height),
        intrinsics=default_intrinsics(width, height),
    )


def noise(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)


@pytest.mark.parametrize(("name", "variant"), ON_PIXELS)
@pytest.mark.parametrize(
    "image",
    [noise(480, 640), np.full((480, 640, 3), 128, np.uint8), noise(1, 1), np.zeros((6000, 8000, 3), np.uint8)],
    ids=["colour", "grey", "1 px", "8000 px"],
)
def test_hands_are_finite_on_any_image_and_the_same_twice(two_hands, name, variant, image):
    request = replace(request_on(two_hands, image), options={"input": variant})
    found, again = (load_method(name).estimate(request, lambda stage, fraction: None) for _ in range(2))
    assert len(found) == 6
    assert found.meta["input"] == variant
    assert np.isfinite(found.joints).all()
    assert np.isfinite(found.vertices).all()
    assert np.array_equal(found.joints, again.joints)

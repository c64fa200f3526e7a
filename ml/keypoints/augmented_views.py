"""Confidence of detected joints from augmented views: the image of a hand, turned and scaled, is looked at again.

As on HMP's poster (Duran et al., WACV 2024): σ²ⱼ is the mean squared distance of joint j in N views, warped back, from the
detection itself; αⱼ = 1 − min(σⱼ, γ) / γ. Three things differ. σ and γ are shares of the hand's box, not px, so that hands of
every size are judged by one measure. Only what σ exceeds that of a clear hand counts, since views differ a little by
themselves. A view in which the hand is not found counts as γ away; in the public code a frame that fewer than two views confirm
keeps full confidence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import nn

from ml.clip import Clip
from ml.keypoints.detector import SECOND_CONFIDENCE, HandDetector, give_back_memory
from ml.keypoints.gaps import CROP, Finder
from ml.keypoints.tracklet import hand_size
from ml.keypoints.tracks import HandTrack

GAMMA: Final = 0.035
"""γ as a share of the box of the joints, measured (`docs/results/keypoint-confidence.md`)."""
CLEAR: Final = 0.015
"""σ of a hand in clear view, as a share of the box."""
MISSED: Final = 0.06
"""σ of a view in which the hand is not found."""
STEP: Final = 4
"""Neighbouring frames fail together: looking at all of them gains little (the same page)."""
TURN: Final = (15.0, 45.0)
"""Least and largest rotation of a view, degrees, to either side."""
SCALE: Final = (0.9, 1.1)
PATCH_PX: Final = 256
"""Side of a view."""
MEMORY_FRAMES: Final = 32
"""Frames after which freed images are given back, so that memory does not grow with the clip."""
MATCH: Final = 0.25
"""A hand in a view is this one if its joints are nearer than this share of the box in the mean."""


@dataclass(frozen=True)
class AugmentedView:
    """Image point = `centre` [2] + `linear` [2, 2] · (patch point − middle of the patch), px."""

    centre: np.ndarray
    linear: np.ndarray

    def patch(self, image: np.ndarray) -> np.ndarray:
        """The view of an image, uint8 [256, 256, 3]; black outside the image."""
        steps = np.arange(PATCH_PX) + 0.5 - PATCH_PX / 2
        grid = np.stack(np.meshgrid(steps, steps), -1) @ self.linear.T + self.centre
        height, width = image.shape[:2]
        places = torch.as_tensor(2 * grid / [width, height] - 1, dtype=torch.float32)[None]
        whole = torch.tensor(image).permute(2, 0, 1)[None].float()
        seen = nn.functional.grid_sample(whole, places, align_corners=False)[0].permute(1, 2, 0)
        return np.asarray(seen.round().clamp(0, 255).to(torch.uint8).numpy())

    def to_image(self, points: np.ndarray) -> np.ndarray:
        """Points [..., 2] of the patch in the image."""
        return np.asarray((points - PATCH_PX / 2) @ self.linear.T + self.centre)


def random_view(joints: np.ndarray, rng: np.random.Generator) -> AugmentedView:
    """A view around a hand with joints [21, 2], px, turned and scaled at random."""
    angle = np.deg2rad(rng.uniform(*TURN)) * rng.choice([-1, 1])
    step = CROP * hand_size(joints) / PATCH_PX / rng.uniform(*SCALE)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return AugmentedView((joints.min(0) + joints.max(0)) / 2, step * turn)


def view_deviations(
    clip: Clip,
    tracks: tuple[HandTrack, ...],
    views: int,
    finder: Callable[[], AbstractContextManager[Finder]],
    *,
    progress: Callable[[float], None] = lambda fraction: None,
    step: int = STEP,
) -> list[np.ndarray]:
    """σ of each track's joints [n, 21] as shares of the box; deterministic.

    Args:
        clip: the images.
        tracks: detected in it.
        views: N, at least 1.
        finder: opens a detector of independent images.
        progress: called with the fraction done.
        step: every so many-th frame of a track is looked at, and σ interpolated between them.
    """
    looked = [np.unique(np.r_[np.arange(0, len(track.frames), step), len(track.frames) - 1]) for track in tracks]
    found = [np.zeros((len(chosen), 21)) for chosen in looked]
    rows = [
        {int(track.frames[row]): place for place, row in enumerate(chosen)}
        for track, chosen in zip(tracks, looked, strict=True)
    ]
    with finder() as detector:
        for looked_at, (frame, image) in enumerate(_images(clip, sorted(set().union(*rows)) if rows else [])):
            if looked_at % MEMORY_FRAMES == 0:
                give_back_memory()
            for number, track in enumerate(tracks):
                place = rows[number].get(frame)
                if place is not None:
                    rng = np.random.default_rng([frame, number])
                    found[number][place] = _deviation(image, track.joints_2d[looked[number][place]], views, detector, rng)
            progress(frame / max(1, clip.frame_count))
    return [
        np.stack([np.interp(np.arange(len(track.frames)), chosen, own[:, joint]) for joint in range(21)], 1)
        for track, chosen, own in zip(tracks, looked, found, strict=True)
    ]


def one_hand_finder() -> HandDetector:
    """A detector for views, each of which shows one hand."""
    return HandDetector(1, static=True, confidence=SECOND_CONFIDENCE)


def confidence(deviations: np.ndarray, gamma: float = GAMMA) -> np.ndarray:
    """α, 0 to 1, of deviations that are shares of the box, any shape."""
    return np.asarray(1 - np.clip(deviations - CLEAR, 0, gamma) / gamma)


def _deviation(image: np.ndarray, joints: np.ndarray, views: int, detector: Finder, rng: np.random.Generator) -> np.ndarray:
    """σ [21] of one hand as a share of its box."""
    box = float(np.ptp(joints, axis=0).max())
    squares = np.zeros(21)
    for _ in range(views):
        view = random_view(joints, rng)
        seen = [view.to_image(hand.joints_2d) for hand in detector.find(view.patch(image))]
        apart = [np.linalg.norm(points - joints, axis=-1) / box for points in seen]
        nearest = min(apart, key=lambda distances: float(distances.mean()), default=None)
        if nearest is None or nearest.mean() > MATCH:
            nearest = np.full(21, MISSED)
        squares += np.square(nearest)
    return np.asarray(np.sqrt(squares / views))


def _images(clip: Clip, wanted: list[int]) -> Iterator[tuple[int, np.ndarray]]:
    """The wanted frames, ascending, with their images."""
    if not wanted:
        return
    chosen = set(wanted)
    for frame, image in enumerate(clip.frames(start=wanted[0], stop=wanted[-1] + 1), wanted[0]):
        if frame in chosen:
            yield frame, image

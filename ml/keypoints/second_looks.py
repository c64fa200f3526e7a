"""Further looks at frames in which the detector found no hand at all: with a border, turned, and enlarged.

MediaPipe's palm detector misses hands that touch the border, hang down, or take little of the image. What a further look
finds, at a lower threshold, is taken only if its 2D and 3D agree. Frames are probed first and the number of looks is bounded,
so that a clip without hands costs little more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Final

import numpy as np

from ml.clip import Clip
from ml.keypoints.gaps import Finder
from ml.keypoints.tracklet import Detection

BORDER: Final = 0.25
"""Black border on every side, as a share of the longer side."""

TILE: Final = 0.6
"""Side of the four enlarged parts, as a share of the image's."""

PROBES: Final = 12
"""Frames without a hand, spread over the clip, that are looked at first; the others only if one of these shows a hand."""

SHARE: Final = 0.15
"""Most looks in a video, as a share of its frames: one costs about twice a frame of the first look."""

MAX_MISS: Final = 0.015
"""Metres that the landmarks' x and y may miss their own 2D in the mean: on real hands the 90th percentile is 0.011."""

MIN_SCORE: Final = 0.6
"""Least confidence in the side."""


def look_again(
    clip: Clip, found: Sequence[Sequence[Detection]], finder: Callable[[], AbstractContextManager[Finder]], *, static: bool
) -> list[tuple[int, Detection]]:
    """Hands in frames in which the first look found none, as (frame, detection).

    Args:
        clip: the images.
        found: for each frame, the hands of the first look.
        finder: opens a detector of independent images.
        static: the images are independent: then the number of looks is bounded by the probes alone.
    """
    missed = [frame for frame, hands in enumerate(found) if not hands]
    if not missed:
        return []
    probes = sorted({missed[i] for i in np.linspace(0, len(missed) - 1, min(PROBES, len(missed))).round().astype(int)})
    budget = len(LOOKS) * len(missed) if static else max(len(LOOKS), int(SHARE * clip.frame_count))
    extra: list[tuple[int, Detection]] = []
    with finder() as detector:
        for frames in (probes, [frame for frame in missed if frame not in probes]):
            for frame in frames:
                image = next(iter(clip.frames(start=frame, stop=frame + 1)), None)
                if image is None or budget <= 0:
                    break
                hands, looks = _looked(image, detector, budget)
                budget -= looks
                extra += [(frame, hand) for hand in hands]
            if not extra:
                break
    return sorted(extra, key=lambda pair: pair[0])


def agrees(hand: Detection) -> bool:
    """Whether a detection's world landmarks, scaled, lie on its own 2D, and its side is clear."""
    flat = hand.world[:, :2] - hand.world[:, :2].mean(axis=0)
    seen = hand.joints_2d - hand.joints_2d.mean(axis=0)
    scale = float((seen * flat).sum() / max(float((flat**2).sum()), 1e-12))
    if scale <= 0 or hand.score < MIN_SCORE:
        return False
    return float(np.linalg.norm(seen / scale - flat, axis=-1).mean()) <= MAX_MISS


def _looked(image: np.ndarray, detector: Finder, budget: int) -> tuple[list[Detection], int]:
    """The hands of the first look that shows any, and how many looks that took."""
    used = 0
    for look in LOOKS[:budget]:
        used += 1
        hands = [hand for hand in look(image, detector) if agrees(hand)]
        if hands:
            return hands, used
    return [], used


def _bordered(image: np.ndarray, detector: Finder) -> list[Detection]:
    margin = round(BORDER * max(image.shape[:2]))
    wide = np.pad(image, ((margin, margin), (margin, margin), (0, 0)))
    return [replace(hand, joints_2d=hand.joints_2d - np.float32(margin)) for hand in detector.find(wide)]


def turned(quarters: int) -> Callable[[np.ndarray, Finder], list[Detection]]:
    """A look at the image turned by quarters counter-clockwise; detections are turned back."""

    def look(image: np.ndarray, detector: Finder) -> list[Detection]:
        hands = detector.find(np.ascontiguousarray(np.rot90(image, quarters)))
        for step in range(quarters):
            # each step back: the image whose quarter turn is the present one
            width = image.shape[1] if (quarters - step) % 2 == 1 else image.shape[0]
            hands = [_turned_back(hand, width) for hand in hands]
        return hands

    return look


def _turned_back(hand: Detection, width: int) -> Detection:
    """By a quarter clockwise, onto an image of this width."""
    x, y = hand.joints_2d.T
    world_x, world_y, world_z = hand.world.T
    return replace(
        hand,
        joints_2d=np.stack([width - y, x], 1).astype(np.float32),
        world=np.stack([-world_y, world_x, world_z], 1).astype(np.float32),
    )


def _enlarged(image: np.ndarray, detector: Finder) -> list[Detection]:
    """The first hands in one of four overlapping parts."""
    for part, corner in _parts(image):
        hands = [replace(hand, joints_2d=hand.joints_2d + corner) for hand in detector.find(part)]
        if any(agrees(hand) for hand in hands):
            return hands
    return []


def _parts(image: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    height, width = (round(TILE * side) for side in image.shape[:2])
    for top in (0, image.shape[0] - height):
        for left in (0, image.shape[1] - width):
            yield np.ascontiguousarray(image[top : top + height, left : left + width]), np.array([left, top], np.float32)


LOOKS: Final = (_bordered, turned(1), turned(3), turned(2), _enlarged)
"""In the order of how often they find what the first look missed."""

"""A second look where a hand was lost: the same detector on a crop around the place where it should be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final, Protocol

import numpy as np

from ml.clip import Clip
from ml.keypoints.association import DUPLICATE, GATE
from ml.keypoints.tracklet import Detection, hand_distance, hand_size
from ml.keypoints.tracks import HandTrack

CROP: Final = 2.4
"""Side of the crop in hand sizes: the palm detector is best when a hand takes a good part of the image."""

EDGE: Final = 5
"""Frames looked at beyond either end of a track."""

SHARE: Final = 0.25
"""Most frames, as a share of the clip, that are looked at again; the rest of the gaps stay."""


class Finder(Protocol):
    """Finds hands in one image."""

    def find(self, image: np.ndarray) -> list[Detection]:
        """The hands in an image, uint8 [height, width, 3], RGB."""
        ...


@dataclass(frozen=True)
class Region:
    """Where a hand is looked for: `joints` [21, 2] (px) are about where it is expected, `others` those of other hands."""

    frame: int
    joints: np.ndarray
    others: tuple[np.ndarray, ...]


def fill_gaps(
    clip: Clip, tracks: Sequence[HandTrack], finder: Callable[[], AbstractContextManager[Finder]]
) -> list[tuple[int, Detection]]:
    """Hands found by the second look, as (frame, detection); frames in which none is found stay gaps.

    Args:
        clip: the images.
        tracks: what the first look gave.
        finder: opens a detector of independent images.
    """
    regions = _regions(clip, tracks)
    if not regions:
        return []
    extra: list[tuple[int, Detection]] = []
    with finder() as detector:
        for run in _runs(sorted(regions)):
            for frame, image in enumerate(clip.frames(start=run.start, stop=run.stop), run.start):
                extra += [(frame, hand) for region in regions.get(frame, ()) if (hand := look_near(image, region, detector))]
    return extra


def _regions(clip: Clip, tracks: Sequence[HandTrack]) -> dict[int, list[Region]]:
    """Where to look again, by frame: gaps up to a second, and just beyond the ends of a track."""
    regions: dict[int, list[Region]] = {}
    budget = int(SHARE * clip.frame_count)
    for track in tracks:
        others = [t for t in tracks if t is not track]
        for frame in _missing(track, clip):
            if frame not in regions and len(regions) >= budget:
                continue
            near = tuple(t.joints_2d[i] for t in others for i in np.flatnonzero(t.frames == frame))
            regions.setdefault(frame, []).append(Region(frame, _between(track, frame), near))
    return regions


def _missing(track: HandTrack, clip: Clip) -> list[int]:
    frames = track.frames
    inner = [f for a, b in pairwise(frames) if 1 < b - a <= clip.fps for f in range(int(a) + 1, int(b))]
    before = range(max(0, int(frames[0]) - EDGE), int(frames[0]))
    after = range(int(frames[-1]) + 1, min(clip.frame_count, int(frames[-1]) + 1 + EDGE))
    return [*before, *inner, *after]


def _between(track: HandTrack, frame: int) -> np.ndarray:
    """Joints [21, 2] expected in a frame: on the line between the neighbours in time, held at the ends; never kept."""
    flat = track.joints_2d.reshape(len(track.frames), -1)
    after = int(np.searchsorted(track.frames, frame))
    if after in (0, len(flat)):
        held: np.ndarray = track.joints_2d[min(after, len(flat) - 1)]
        return held
    a, b = track.frames[after - 1], track.frames[after]
    t = (frame - a) / (b - a)
    joints: np.ndarray = ((1 - t) * flat[after - 1] + t * flat[after]).reshape(21, 2)
    return joints


def look_near(image: np.ndarray, region: Region, detector: Finder) -> Detection | None:
    """The hand nearest to where one is expected, in an enlarged cut around that place; None where none is near."""
    size = float(hand_size(region.joints))
    side = CROP * size
    corner = np.round((region.joints.min(axis=0) + region.joints.max(axis=0)) / 2 - side / 2).astype(int)
    hands = [replace(h, joints_2d=h.joints_2d + corner.astype(np.float32)) for h in detector.find(crop(image, corner, side))]
    hands = [h for h in hands if all(hand_distance(h.joints_2d, o) > DUPLICATE for o in region.others)]
    best = min(hands, key=lambda h: float(hand_distance(h.joints_2d, region.joints)), default=None)
    return best if best is not None and hand_distance(best.joints_2d, region.joints) < GATE else None


def crop(image: np.ndarray, corner: np.ndarray, side: float) -> np.ndarray:
    """A square cut of an image from its upper left corner (x, y), at least 8 px; what lies outside of the image is black."""
    side = max(8, round(side))
    cut = np.zeros((side, side, 3), np.uint8)
    (x, y), (height, width) = corner, image.shape[:2]
    left, top, right, bottom = max(0, x), max(0, y), min(width, x + side), min(height, y + side)
    if left < right and top < bottom:
        cut[top - y : bottom - y, left - x : right - x] = image[top:bottom, left:right]
    return cut


def _runs(frames: Sequence[int]) -> list[range]:
    """Consecutive frames, together."""
    cuts = [0, *(i for i in range(1, len(frames)) if frames[i] != frames[i - 1] + 1), len(frames)]
    return [range(frames[a], frames[b - 1] + 1) for a, b in pairwise(cuts)]

"""Hands in boxes that people drew where nothing was found: the detector on enlarged, turned and contrasted cuts around a box,
at a low threshold. What is found is followed through the neighbouring frames while the detector finds it near its last place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Final

import numpy as np

from ml.clip import Clip
from ml.hand.skeleton import Side
from ml.keypoints.association import DUPLICATE
from ml.keypoints.gaps import Finder, Region, crop, look_near
from ml.keypoints.second_looks import turned
from ml.keypoints.tracklet import Detection, hand_distance
from ml.keypoints.tracks import HandTrack, Keypoints

CONFIDENCE: Final = 0.1
"""Least score of a palm and a hand: somebody has said that there is one."""

SCALES: Final = (1.4, 2.0, 1.1, 3.0)
"""Sides of the cuts, in longer sides of the box: the palm detector wants some surroundings."""

LEAST_OVERLAP: Final = 0.2
"""Of a detection's box with the drawn one, intersection over union: below, it is another hand or none."""

PATIENCE: Final = 2
"""Frames without the hand after which it is followed no further."""

BLOCK: Final = 15
"""Frames that are read at once where a hand is followed backwards."""


@dataclass(frozen=True)
class DrawnBox:
    """Where somebody saw a hand: a box in pixels of a frame, and the hand's side."""

    frame: int
    x: float
    y: float
    width: float
    height: float
    side: Side

    @property
    def corners(self) -> np.ndarray:
        """Array [2, 2]: upper left and lower right corner."""
        return np.array([[self.x, self.y], [self.x + self.width, self.y + self.height]])


@dataclass
class _Followed:
    """A hand from its box on: `rows` by frame, and tracks that it turned out to be, before and after."""

    side: Side
    rows: dict[int, Detection] = field(default_factory=dict)
    met: list[int] = field(default_factory=list)


def with_drawn_hands(
    clip: Clip,
    keypoints: Keypoints,
    boxes: Sequence[DrawnBox],
    finder: Callable[[], AbstractContextManager[Finder]],
    *,
    static: bool,
    checkpoint: Callable[[], None] = lambda: None,
) -> tuple[Keypoints, list[DrawnBox]]:
    """Keypoints with the hands of drawn boxes, and the boxes in which nothing was found.

    A box in which a hand of its side is known already changes nothing. A hand that is followed to where a track of its side
    begins or ends becomes a part of it. The number of looks is bounded by that of the frames, beside those at the boxes.

    Args:
        clip: the images.
        keypoints: of the clip.
        boxes: in any order; those of frames outside the clip are left out.
        finder: opens a detector of independent images with a least score of `CONFIDENCE`.
        static: the images are independent: no hand is followed.
        checkpoint: called again and again; it may raise to cancel.
    """
    tracks = list(keypoints.tracks)
    empty: list[DrawnBox] = []
    budget = [0 if static else clip.frame_count]
    todo = sorted((box for box in boxes if 0 <= box.frame < clip.frame_count), key=lambda box: box.frame)
    if not todo:
        return keypoints, empty
    with finder() as detector:
        for box in todo:
            checkpoint()
            if any(track.side == box.side and _has(track, box) for track in tracks):
                continue
            image = next(iter(clip.frames(start=box.frame, stop=box.frame + 1)))
            hand = look_in_box(image, box, detector)
            if hand is None:
                empty.append(box)
                continue
            found = _Followed(box.side, {box.frame: hand})
            for step in (1, -1):
                _follow(_images(clip, box.frame, step), found, found.rows[box.frame], tracks, detector, budget, checkpoint)
            tracks = _joined(tracks, found)
    return replace(keypoints, tracks=tuple(tracks)), empty


def look_in_box(image: np.ndarray, box: DrawnBox, detector: Finder) -> Detection | None:
    """The hand in a box of an image, of the box's side; None where no look finds one."""
    centre, longer = box.corners.mean(axis=0), max(box.width, box.height)
    for scale, quarters, contrasted in product(SCALES, (0, 1, 3, 2), (False, True)):
        corner = np.round(centre - scale * longer / 2).astype(int)
        cut = crop(image, corner, scale * longer)
        hands = turned(quarters)(_contrasted(cut) if contrasted else cut, detector)
        hands = [replace(hand, joints_2d=hand.joints_2d + corner.astype(np.float32)) for hand in hands]
        best = max(hands, key=lambda hand: _overlap(hand.joints_2d, box), default=None)
        if best is not None and _overlap(best.joints_2d, box) >= LEAST_OVERLAP:
            return best
    return None


def _contrasted(image: np.ndarray) -> np.ndarray:
    """With its 2nd to 98th percentile of brightness stretched to the whole range."""
    low, high = np.percentile(image, [2, 98])
    stretched: np.ndarray = ((image - low) * (255 / max(high - low, 1))).clip(0, 255).astype(np.uint8)
    return stretched


def _overlap(joints: np.ndarray, box: DrawnBox) -> float:
    """Intersection over union of a drawn box with that of joints [21, 2]."""
    low, high = np.maximum(joints.min(0), box.corners[0]), np.minimum(joints.max(0), box.corners[1])
    common = float(np.prod((high - low).clip(0)))
    return common / max(float(np.prod(np.ptp(joints, axis=0))) + box.width * box.height - common, 1e-9)


def _has(track: HandTrack, box: DrawnBox) -> bool:
    rows = np.flatnonzero(track.frames == box.frame)
    return bool(len(rows)) and _overlap(track.joints_2d[rows[0]], box) >= LEAST_OVERLAP


def _follow(  # noqa: PLR0917
    images: Iterator[tuple[int, np.ndarray]],
    found: _Followed,
    last: Detection,
    tracks: Sequence[HandTrack],
    detector: Finder,
    budget: list[int],
    checkpoint: Callable[[], None],
) -> None:
    """Find a hand in the images next to that of its box, by frame; it ends where it is lost or a track begins."""
    missed = 0
    for frame, image in images:
        if budget[0] <= 0 or missed > PATIENCE:
            return
        budget[0] -= 1
        checkpoint()
        hand = look_near(image, Region(frame, last.joints_2d, ()), detector)
        if hand is None:
            missed += 1
            continue
        near = [(number, _joints_at(track, frame)) for number, track in enumerate(tracks)]
        twins = [n for n, joints in near if joints is not None and hand_distance(hand.joints_2d, joints) < DUPLICATE]
        if twins:
            found.met += [number for number in twins if tracks[number].side == found.side]
            return
        found.rows[frame], last, missed = hand, hand, 0


def _images(clip: Clip, frame: int, step: int) -> Iterator[tuple[int, np.ndarray]]:
    if step > 0:
        yield from enumerate(clip.frames(start=frame + 1), frame + 1)
        return
    for stop in range(frame, 0, -BLOCK):
        start = max(0, stop - BLOCK)
        yield from reversed(list(enumerate(clip.frames(start=start, stop=stop), start)))


def _joints_at(track: HandTrack, frame: int) -> np.ndarray | None:
    rows = np.flatnonzero(track.frames == frame)
    return track.joints_2d[rows[0]] if len(rows) else None


def _joined(tracks: list[HandTrack], found: _Followed) -> list[HandTrack]:
    """The tracks with a followed hand: a part of those that it met, where they are never there at once, else one more."""
    frames = np.array(sorted(found.rows), np.int32)
    rows = [found.rows[frame] for frame in frames.tolist()]
    number = max((track.track for track in tracks), default=-1) + 1
    made = HandTrack(
        number,
        found.side,
        frames,
        np.stack([row.joints_2d for row in rows]).astype(np.float32),
        np.stack([row.world for row in rows]).astype(np.float32),
        np.array([row.score for row in rows], np.float32),
    )
    rest = list(tracks)
    for met in [tracks[index] for index in dict.fromkeys(found.met)]:
        if not np.intersect1d(met.frames, made.frames).size:
            made = _merged(met, made)
            rest = [track for track in rest if track is not met]
    return sorted([*rest, made], key=lambda track: track.track)


def _merged(first: HandTrack, other: HandTrack) -> HandTrack:
    """One track of both, with the lower number."""
    frames = np.concatenate([first.frames, other.frames])
    order = np.argsort(frames, kind="stable")
    parts = {name: np.concatenate([getattr(first, name), getattr(other, name)]) for name in ("joints_2d", "world", "score")}
    own = {name: values[order] for name, values in parts.items()}
    return HandTrack(min(first.track, other.track), first.side, frames[order], **own)

"""From hands found frame by frame to one track for each physical hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy.optimize import linear_sum_assignment

from ml.hand.skeleton import SIDES, Side
from ml.keypoints.tracks import HandTrack

DUPLICATE: Final = 0.25
"""Two detections whose joints lie nearer than this, on average and in hand sizes, are of one hand."""

GATE: Final = 0.6
"""A hand is taken for a track's when it is nearer than this to where the track is expected, in hand sizes …"""

GATE_GROWTH: Final = 0.06
"""… plus this for every frame of a gap …"""

GATE_LIMIT: Final = 1.5
"""… up to this."""

VELOCITY_DECAY: Final = 0.8
"""Factor on the velocity of an unseen hand from frame to frame."""

PALM: Final = (0, 1, 5, 9, 13, 17)
SHORTEST: Final = 6
"""Frames below which a track of a longer clip is taken for a false detection."""

SIDE_WEIGHT: Final = 0.3
"""Cost of a detection that is surely of the other side than the track …"""

SIDE_NARROWS: Final = 0.6
"""… and the part of the gate that it then loses: a detector errs on sides in place, not at a distance."""

POSE_WEIGHT: Final = 6.0
"""Cost per metre of mean difference between world landmarks: hands in different poses differ by some centimetres, one
hand from frame to frame by some millimetres, which tells crossing hands apart."""

REJOIN_SECONDS: Final = 10.0
"""How long a hand may be out of the picture and still be taken for the same when it comes back."""


@dataclass(frozen=True)
class Detection:
    """One hand in one picture.

    Attributes:
        joints_2d: float32 [21, 2], pixels, OpenPose order.
        world: float32 [21, 3], metres about the hand's centre, axes of the OpenCV camera, OpenPose order.
        right: probability, 0 … 1, that it is a right hand, for a picture that is not mirrored.
    """

    joints_2d: np.ndarray
    world: np.ndarray
    right: float

    @property
    def score(self) -> float:
        """How sure the detector is of the hand's side, 0.5 … 1: the one score that MediaPipe gives away."""
        return max(self.right, 1 - self.right)


@dataclass(eq=False)
class _Open:
    """A track that is being built."""

    frames: list[int] = field(default_factory=list)
    rows: list[Detection] = field(default_factory=list)
    velocity: np.ndarray = field(default_factory=lambda: np.zeros(2))

    def add(self, frame: int, found: Detection) -> None:
        if self.rows:
            gap = frame - self.frames[-1]
            step = (found.joints_2d[list(PALM)] - self.rows[-1].joints_2d[list(PALM)]).mean(axis=0) / gap
            self.velocity = 0.5 * self.velocity + 0.5 * step if len(self.rows) > 1 else step
        self.frames.append(frame)
        self.rows.append(found)

    @property
    def right(self) -> float:
        """Mean probability of being a right hand, so far."""
        return float(np.mean([r.right for r in self.rows[-90:]]))

    def expected(self, frame: int) -> np.ndarray:
        """Where the joints are expected: moved on at the palm's speed, which fades out over a gap."""
        gap = frame - self.frames[-1]
        moved: np.ndarray = self.rows[-1].joints_2d + self.velocity * (1 - VELOCITY_DECAY**gap) / (1 - VELOCITY_DECAY)
        return moved


def hand_size(joints_2d: np.ndarray) -> np.ndarray:
    """Longer side of the joints' box [...] of joints [..., 21, 2], pixels, at least 1."""
    size: np.ndarray = np.maximum(np.ptp(joints_2d, axis=-2).max(axis=-1), 1.0)
    return size


def hand_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mean distance [...] between the joints of hands [..., 21, 2] (pixels), in sizes of the larger hand."""
    distance: np.ndarray = np.linalg.norm(a - b, axis=-1).mean(axis=-1) / np.maximum(hand_size(a), hand_size(b))
    return distance


def associate(found: Sequence[Sequence[Detection]], fps: float) -> tuple[HandTrack, ...]:
    """Join detections into tracks.

    Picture by picture, detections are assigned to tracks at the least total cost: distance to where the track is
    expected, difference of pose, and disagreement on the side, which alone never forbids (two people's left hands are two
    tracks, and a detector errs on sides). Gaps stay gaps. A hand that comes back after it left continues the ended track of its
    side, if there is one only. Tracks that lie on the same hand become one; very short ones go.

    Args:
        found: for each frame, the hands found in it.
        fps: frames a second; a track is looked for during one second after it was last seen.
    """
    open_tracks: list[_Open] = []
    for frame, hands in enumerate(found):
        alive = [t for t in open_tracks if frame - t.frames[-1] <= fps]
        rest = set(range(len(hands)))
        for track, hand in _assign(alive, hands, frame):
            alive[track].add(frame, hands[hand])
            rest.discard(hand)
        for hand in sorted(rest, key=lambda h: -hands[h].score):
            others = [hands[o] for o in range(len(hands)) if o not in rest]
            if all(hand_distance(hands[hand].joints_2d, o.joints_2d) > DUPLICATE for o in others):
                open_tracks.append(_Open())
                open_tracks[-1].add(frame, hands[hand])
                rest.discard(hand)
    shortest = min(SHORTEST, max(1, len(found) // 10))
    kept = [t for t in _merged(open_tracks) if len(t.frames) >= shortest]
    return tuple(_closed(number, track) for number, track in enumerate(_rejoined(kept, fps)))


def by_side(found: Sequence[Sequence[Detection]]) -> tuple[HandTrack, ...]:
    """Tracks of independent pictures: nothing joins them but the side; several hands of one side, the surest first."""
    tracks: dict[tuple[Side, int], _Open] = {}
    for frame, hands in enumerate(found):
        for side in SIDES:
            of_side = [h for h in hands if _side(h.right) == side]
            for rank, hand in enumerate(sorted(of_side, key=lambda h: -h.score)):
                tracks.setdefault((side, rank), _Open()).add(frame, hand)
    ordered = sorted(tracks, key=lambda key: (key[1], SIDES.index(key[0])))
    return tuple(_closed(number, tracks[key]) for number, key in enumerate(ordered))


def _side(right: float) -> Side:
    return "right" if right >= 0.5 else "left"


def _assign(tracks: Sequence[_Open], hands: Sequence[Detection], frame: int) -> list[tuple[int, int]]:
    if not tracks or not hands:
        return []
    expected = np.stack([t.expected(frame) for t in tracks])[:, None]
    joints = np.stack([h.joints_2d for h in hands])[None]
    distance = hand_distance(expected, joints)
    pose = np.linalg.norm(
        np.stack([t.rows[-1].world for t in tracks])[:, None] - np.stack([h.world for h in hands])[None], axis=-1
    ).mean(axis=-1)
    side = np.abs(np.array([t.right for t in tracks])[:, None] - np.array([h.right for h in hands])[None])
    gaps = np.array([frame - t.frames[-1] for t in tracks])
    gate = np.minimum(GATE + GATE_GROWTH * (gaps - 1), GATE_LIMIT)[:, None] * (1 - SIDE_NARROWS * side)
    forbidden = 1e3
    cost = np.where(distance < gate, distance + POSE_WEIGHT * pose + SIDE_WEIGHT * side, forbidden)
    pairs = zip(*linear_sum_assignment(cost), strict=True)
    return [(int(t), int(h)) for t, h in pairs if cost[t, h] < forbidden]


def _merged(tracks: Sequence[_Open]) -> list[_Open]:
    """Let the longer of two tracks on one hand take in the other."""
    kept: list[_Open] = []
    for track in sorted(tracks, key=lambda t: -len(t.frames)):
        twin = next((k for k in kept if _on_one_hand(k, track)), None)
        if twin is None:
            kept.append(track)
            continue
        rows = dict(zip(track.frames, track.rows, strict=True)) | dict(zip(twin.frames, twin.rows, strict=True))
        twin.frames, twin.rows = sorted(rows), [rows[f] for f in sorted(rows)]
    return sorted(kept, key=lambda t: t.frames[0])


def _on_one_hand(a: _Open, b: _Open) -> bool:
    common, in_a, in_b = np.intersect1d(a.frames, b.frames, return_indices=True)
    if len(common) < max(2, len(b.frames) // 2):
        return False
    joints = [np.stack([t.rows[i].joints_2d for i in rows]) for t, rows in ((a, in_a), (b, in_b))]
    return bool(np.median(hand_distance(*joints)) < DUPLICATE)


def _rejoined(tracks: Sequence[_Open], fps: float) -> list[_Open]:
    """Continue an ended track by one that begins later, where side and the lack of others leave one choice."""
    result: list[_Open] = []
    for track in tracks:
        of_side = [t for t in tracks if t is not track and _side(_vote(t)) == _side(_vote(track))]
        first, last = track.frames[0], track.frames[-1]
        rivals = [t for t in of_side if first <= t.frames[0] <= last]
        ended = [t for t in result if t in of_side and 0 < first - t.frames[-1] <= REJOIN_SECONDS * fps]
        if len(ended) == 1 and not rivals:
            ended[0].frames += track.frames
            ended[0].rows += track.rows
        else:
            result.append(track)
    return result


def _vote(track: _Open) -> float:
    """Probability of a right hand, each frame's vote weighing as much as it is sure."""
    right = np.array([r.right for r in track.rows])
    weight = np.abs(right - 0.5)
    return float((right * weight).sum() / weight.sum()) if weight.sum() > 0 else 0.5


def _closed(number: int, track: _Open) -> HandTrack:
    return HandTrack(
        track=number,
        side=_side(_vote(track)),
        frames=np.array(track.frames, np.int32),
        joints_2d=np.stack([r.joints_2d for r in track.rows]).astype(np.float32),
        world=np.stack([r.world for r in track.rows]).astype(np.float32),
        score=np.array([r.score for r in track.rows], np.float32),
    )

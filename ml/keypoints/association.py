"""From hands found frame by frame to one track for each physical hand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.optimize import linear_sum_assignment

from ml.hand.skeleton import SIDES, Side
from ml.keypoints.reidentification import reidentify
from ml.keypoints.tracklet import Detection, Tracklet, hand_distance, side_of
from ml.keypoints.tracks import HandTrack

DUPLICATE: Final = 0.25
"""Two detections whose joints lie nearer than this, on average and in hand sizes, are of one hand."""

GATE: Final = 0.6
"""A hand is taken for a track's when it is nearer than this to where the track is expected, in hand sizes …"""

GATE_GROWTH: Final = 0.06
"""… plus this for every frame of a gap …"""

GATE_LIMIT: Final = 1.5
"""… up to this."""

SHORTEST: Final = 6
"""Frames below which a track of a longer clip is taken for a false detection."""

SIDE_WEIGHT: Final = 0.3
"""Cost of a confident detection of the other side than the track …"""

SIDE_NARROWS: Final = 0.6
"""… and the part of the gate that it then loses: a detector confuses sides of a hand where it is, not at a distance."""

POSE_WEIGHT: Final = 6.0
"""Cost per metre of mean difference between world landmarks: hands in different poses differ by some centimetres, one
hand from frame to frame by some millimetres, which tells crossing hands apart."""


def associate(found: Sequence[Sequence[Detection]], fps: float) -> tuple[HandTrack, ...]:
    """Join detections into tracks.

    Frame by frame, detections are assigned to tracks at the least total cost: distance to where the track is
    expected, difference of pose, and disagreement on the side, which alone never forbids (two people's left hands are two
    tracks, and a detector errs on sides). Gaps stay gaps. Tracks on the same hand are merged, very short ones dropped. A hand
    that comes back continues its track, and short contradictory tracks are dropped (`ml.keypoints.reidentification`).

    Args:
        found: for each frame, the hands found in it.
        fps: frames a second; a track is looked for during one second after it was last seen.
    """
    open_tracks: list[Tracklet] = []
    for frame, hands in enumerate(found):
        alive = [t for t in open_tracks if frame - t.frames[-1] <= fps]
        rest = set(range(len(hands)))
        for track, hand in _assign(alive, hands, frame):
            alive[track].add(frame, hands[hand])
            rest.discard(hand)
        for hand in sorted(rest, key=lambda h: -hands[h].score):
            others = [hands[o] for o in range(len(hands)) if o not in rest]
            if all(hand_distance(hands[hand].joints_2d, o.joints_2d) > DUPLICATE for o in others):
                open_tracks.append(Tracklet())
                open_tracks[-1].add(frame, hands[hand])
                rest.discard(hand)
    shortest = min(SHORTEST, max(1, len(found) // 10))
    kept = [t for t in _merged(open_tracks) if len(t.frames) >= shortest]
    return tuple(_closed(number, track) for number, track in enumerate(reidentify(kept, fps)))


def by_side(found: Sequence[Sequence[Detection]]) -> tuple[HandTrack, ...]:
    """Tracks of independent images: only the side joins them; several hands of one side, the most confident first."""
    tracks: dict[tuple[Side, int], Tracklet] = {}
    for frame, hands in enumerate(found):
        for side in SIDES:
            of_side = [h for h in hands if side_of(h.right) == side]
            for rank, hand in enumerate(sorted(of_side, key=lambda h: -h.score)):
                tracks.setdefault((side, rank), Tracklet()).add(frame, hand)
    ordered = sorted(tracks, key=lambda key: (key[1], SIDES.index(key[0])))
    return tuple(_closed(number, tracks[key]) for number, key in enumerate(ordered))


def _assign(tracks: Sequence[Tracklet], hands: Sequence[Detection], frame: int) -> list[tuple[int, int]]:
    if not tracks or not hands:
        return []
    expected = np.stack([t.expected(frame) for t in tracks])[:, None]
    joints = np.stack([h.joints_2d for h in hands])[None]
    distance = hand_distance(expected, joints)
    pose = np.linalg.norm(
        np.stack([t.rows[-1].world for t in tracks])[:, None] - np.stack([h.world for h in hands])[None], axis=-1
    ).mean(axis=-1)
    side = np.abs(np.array([t.recent_right for t in tracks])[:, None] - np.array([h.right for h in hands])[None])
    gaps = np.array([frame - t.frames[-1] for t in tracks])
    gate = np.minimum(GATE + GATE_GROWTH * (gaps - 1), GATE_LIMIT)[:, None] * (1 - SIDE_NARROWS * side)
    forbidden = 1e3
    cost = np.where(distance < gate, distance + POSE_WEIGHT * pose + SIDE_WEIGHT * side, forbidden)
    pairs = zip(*linear_sum_assignment(cost), strict=True)
    return [(int(t), int(h)) for t, h in pairs if cost[t, h] < forbidden]


def _merged(tracks: Sequence[Tracklet]) -> list[Tracklet]:
    """Let the longer of two tracks on one hand take in the other."""
    kept: list[Tracklet] = []
    for track in sorted(tracks, key=lambda t: -len(t.frames)):
        twin = next((k for k in kept if _on_one_hand(k, track)), None)
        if twin is None:
            kept.append(track)
            continue
        rows = dict(zip(track.frames, track.rows, strict=True)) | dict(zip(twin.frames, twin.rows, strict=True))
        twin.frames, twin.rows = sorted(rows), [rows[f] for f in sorted(rows)]
    return sorted(kept, key=lambda t: t.frames[0])


def _on_one_hand(a: Tracklet, b: Tracklet) -> bool:
    common, in_a, in_b = np.intersect1d(a.frames, b.frames, return_indices=True)
    if len(common) < max(2, len(b.frames) // 2):
        return False
    joints = [np.stack([t.rows[i].joints_2d for i in rows]) for t, rows in ((a, in_a), (b, in_b))]
    return bool(np.median(hand_distance(*joints)) < DUPLICATE)


def _closed(number: int, track: Tracklet) -> HandTrack:
    return HandTrack(
        track=number,
        side=track.side,
        frames=np.array(track.frames, np.int32),
        joints_2d=np.stack([r.joints_2d for r in track.rows]).astype(np.float32),
        world=np.stack([r.world for r in track.rows]).astype(np.float32),
        score=np.array([r.score for r in track.rows], np.float32),
    )

"""Which tracklets are one physical hand that was lost for a while, and which are no hand at all.

A hand that comes back is recognised by its side, its colour, its proportions and where it was last seen, in this order of
reliability: MediaPipe's proportions change with the pose by as much as they differ between people.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ml.keypoints.tracklet import Tracklet, hand_distance, hand_size

REJOIN_SECONDS: Final = 30.0
"""How long a hand may be unseen and still be recognised when it comes back."""

SHORT_SECONDS: Final = 1.0
"""Tracklets shorter than this are dropped where they contradict a longer one."""

SHORT_SHARE: Final = 0.25
"""... and have fewer than this share of that one's frames."""

NEAR: Final = 1.5
"""Hand sizes between a short tracklet and the place where a longer one was lost, to be taken for the same object."""

_COLOUR_STD: Final = 8.0
"""CIELAB units between the colours of one hand at different times: shadows, exposure, the background between fingers."""
_PROPORTION_STD: Final = 0.15
"""Root mean square difference of the logarithms of proportions of one hand in different poses."""
_PLACE_STD: Final = 3.0
"""Hand sizes between where a hand was lost and where it comes back."""
_MAX_COST: Final = 9.0
"""Half the squared distance in standard deviations, beyond which two tracklets are different hands."""
_MARGIN: Final = 1.0
"""Least lead over the second candidate: two hands that look the same are not told apart by chance."""


def reidentify(tracklets: Sequence[Tracklet], fps: float) -> list[Tracklet]:
    """Join tracklets of one hand and drop contradictory ones; in order of their first frames.

    Args:
        tracklets: no two of them on one hand at the same time.
        fps: frames a second.
    """
    kept = without_contradictory(tracklets, fps)
    joined: list[Tracklet] = []
    for tracklet in sorted(kept, key=lambda t: t.frames[0]):
        earlier = _lost_hand(tracklet, joined, kept, fps)
        if earlier is None:
            joined.append(Tracklet(list(tracklet.frames), list(tracklet.rows), tracklet.velocity))
        else:
            earlier.frames += tracklet.frames
            earlier.rows += tracklet.rows
            earlier.velocity = tracklet.velocity
    return joined


def without_contradictory(tracklets: Sequence[Tracklet], fps: float) -> list[Tracklet]:
    """All but short tracklets that contradict a longer one.

    They lie where a longer tracklet of the other side is lost; or they show a second hand of a side beside a longer
    tracklet of it, in a clip in which no two longer ones of that side are ever seen together.
    """
    return [t for t in tracklets if not any(_contradicts(t, other, tracklets, fps) for other in tracklets if other is not t)]


def _contradicts(short: Tracklet, other: Tracklet, every: Sequence[Tracklet], fps: float) -> bool:
    if len(short.frames) >= min(SHORT_SECONDS * fps, SHORT_SHARE * len(other.frames)):
        return False
    if short.side != other.side:
        return _in_a_gap(short, other, every, fps)
    if not _overlap(short, other):
        return False
    long_ones = [t for t in every if t.side == short.side and len(t.frames) >= SHORT_SECONDS * fps]
    return not any(_overlap(a, b) for i, a in enumerate(long_ones) for b in long_ones[:i])


def _in_a_gap(short: Tracklet, other: Tracklet, every: Sequence[Tracklet], fps: float) -> bool:
    """Whether a tracklet of the other side begins near where the longer one was just lost, or ends where it comes back."""
    frames = np.array(other.frames)
    before, after = frames[frames < short.frames[0]], frames[frames > short.frames[-1]]
    if len(before) + len(after) < len(frames):
        return False  # both are seen at once: two hands
    ends = []
    if len(before) and short.frames[0] - before[-1] <= fps:
        ends.append((other.rows[len(before) - 1], short.rows[0]))
    if len(after) and after[0] - short.frames[-1] <= fps:
        ends.append((other.rows[len(before)], short.rows[-1]))
    return any(float(hand_distance(a.joints_2d, b.joints_2d)) < NEAR for a, b in ends)


def _overlap(a: Tracklet, b: Tracklet) -> bool:
    return bool(np.intersect1d(a.frames, b.frames).size)


def _lost_hand(returned: Tracklet, earlier: Sequence[Tracklet], every: Sequence[Tracklet], fps: float) -> Tracklet | None:
    """Which of the earlier hands a tracklet continues; None where none fits, or two fit equally well."""
    costs = []
    for lost in earlier:
        gap = returned.frames[0] - lost.frames[-1]
        if 0 < gap <= REJOIN_SECONDS * fps and lost.side == returned.side:
            costs.append((difference(lost, returned), lost))
    costs.sort(key=lambda pair: pair[0])
    if not costs or costs[0][0] > _MAX_COST:
        return None
    if len(costs) > 1 and costs[1][0] - costs[0][0] < _MARGIN:
        return None
    best = costs[0][1]
    # another hand that begins about now may be the lost one as well
    rivals = [
        t
        for t in every
        if t is not returned
        and t.side == best.side
        and returned.frames[0] <= t.frames[0] <= returned.frames[-1]
        and t.frames[0] > best.frames[-1]
    ]
    if any(difference(best, t) - costs[0][0] < _MARGIN for t in rivals):
        return None
    return best


def difference(lost: Tracklet, returned: Tracklet) -> float:
    """Half the squared distance between two tracklets of a side, in standard deviations of one hand's own variation."""
    cost = 0.5 * float(np.mean((lost.proportions() - returned.proportions()) ** 2)) / _PROPORTION_STD**2
    before, after = lost.colour(), returned.colour()
    if before is not None and after is not None:
        # lightness changes with the light, hue does not
        cost += 0.5 * float(((after - before) ** 2 * np.array([0.25, 1.0, 1.0])).sum()) / _COLOUR_STD**2
    a, b = lost.rows[-1].joints_2d, returned.rows[0].joints_2d
    apart = float(np.linalg.norm(a.mean(axis=0) - b.mean(axis=0)) / np.maximum(hand_size(a), hand_size(b)))
    return cost + 0.5 * min(apart / _PLACE_STD, 2.0) ** 2

"""Which frames a hand shape is calibrated from: frames with a high confidence score and with different poses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np
import torch
from torch import Tensor

from ml.keypoints.tracks import HandTrack

MAX_FRAMES: Final = 20
"""The largest number of frames in Kong et al."""
CONFIDENT_SHARE: Final = 0.5
"""Share of the frames, those with the highest scores, among which different poses are looked for."""


def select_calibration_frames(scores: Tensor, rotations: Tensor, count: int = MAX_FRAMES) -> Tensor:
    """Select frames by farthest-point sampling of the poses among the confident half.

    Args:
        scores: [n], from the confidence predictor.
        rotations: [n, 16, 3, 3], estimated poses.
        count: at most so many.

    Returns:
        Indices [min(n, count)]; the frame with the highest score comes first, then always the frame whose pose differs most
        from those already selected. With n ≤ count all frames, by falling score.
    """
    total = len(scores)
    if total <= count:
        return scores.argsort(descending=True)
    confident = scores.argsort(descending=True)[: max(count, round(CONFIDENT_SHARE * total))]
    poses = rotations[confident].flatten(1)
    selected = [0]
    nearest = (poses - poses[0]).square().sum(1)
    while len(selected) < count:
        selected.append(int(nearest.argmax()))
        nearest = torch.minimum(nearest, (poses - poses[selected[-1]]).square().sum(1))
    return confident[torch.tensor(selected)]


def subsample_track(track: HandTrack, count: int, required: Sequence[int] = (), within: int = 0) -> HandTrack:
    """At most `count` frames of a track, evenly spaced, and all its frames at most `within` away from a `required` frame."""
    total = len(track.frames)
    rows = np.linspace(0, total - 1, min(total, count)).astype(int)
    near = [np.flatnonzero(np.abs(track.frames - frame) <= within) for frame in required]
    rows = np.unique(np.concatenate([rows, *near]))
    return replace(track, **{name: getattr(track, name)[rows] for name in ("frames", "joints_2d", "world", "score")})


def second_person_frame(tracks: Sequence[HandTrack]) -> tuple[str, int] | None:
    """Side and frame where two hands of one side are seen together for more than 10% of the shorter track, if any.

    Two left hands in one frame belong to two people, and a calibration is about one.
    """
    for index, first in enumerate(tracks):
        for second in tracks[index + 1 :]:
            together = np.intersect1d(first.frames, second.frames)
            if first.side == second.side and len(together) > 0.1 * min(len(first.frames), len(second.frames)):
                return first.side, int(together[0])
    return None

"""Where the keypoints of a hand came from in each frame, and how far they were trusted: kept with a prediction and shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from torch import Tensor

from ml.catalog import KEYPOINT_SOURCES
from ml.hmp.segments import Segment, jumps
from ml.keypoints.tracks import HandTrack

DETECTOR, PROJECTED, MISSING = KEYPOINT_SOURCES
_MOST: Final = 9
"""The digit of full confidence."""


@dataclass(frozen=True)
class SegmentKeypoints:
    """Keypoints of a segment of N frames: `alpha` [N, 21] is their confidence, 0 … 1; bool [N] say which were `projected` from
    the refined run, and which the detector got wrong.
    """

    segment: Segment
    alpha: Tensor
    projected: Tensor
    wrong: Tensor


def keypoint_record(track: HandTrack, parts: Sequence[SegmentKeypoints], fps: float) -> dict[str, Any]:
    """The keypoints of one track from its first frame to its last, small enough for an hour of video.

    Args:
        track: of the keypoints.
        parts: its segments, in order.
        fps: frames a second.

    Returns:
        `track`, `side`, the `first` frame; a letter a frame in `sources` (keys of `ml.catalog.KEYPOINT_SOURCES`) and a digit a
        frame in `confidence` (ninths of the mean α of the joints); lists of frames: `failures`, in which the detector took the
        hand for another orientation, and `jumps`, in which the hand's box is where no hand gets from the frame before.
    """
    first, last = parts[0].segment.frames[0], parts[-1].segment.frames[-1]
    sources, confidence = np.full(last - first + 1, MISSING), np.zeros(last - first + 1)
    failures: list[int] = []
    for part in parts:
        seen, own = part.segment.seen.numpy(), part.segment.frames - first
        sources[own] = np.where(seen, np.where(part.projected.numpy(), PROJECTED, DETECTOR), MISSING)
        confidence[own] = np.where(seen, part.alpha.double().mean(1).numpy(), 0.0)
        failures += part.segment.frames[part.wrong.numpy()].tolist()
    return {
        "track": track.track,
        "side": track.side,
        "first": int(first),
        "sources": "".join(sources.tolist()),
        "confidence": "".join(str(digit) for digit in np.rint(_MOST * confidence).astype(int).clip(0, _MOST).tolist()),
        "failures": failures,
        "jumps": track.frames[1:][jumps(track, fps)].tolist(),
    }

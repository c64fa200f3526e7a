"""The frames of one person's hand in several clips, with what the networks estimate in each: the input of a calibration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ml.clip import Clip
from ml.hand.skeleton import Side
from ml.identity.inference import Estimate, concatenate_estimates, estimate_tracks
from ml.identity.weights import Models
from ml.keypoints.tracks import HandTrack

CROP_MARGIN = 1.3
"""Side of a shown crop over that of the joints' box."""


@dataclass(frozen=True)
class TrackedClip:
    """A clip with the tracks of the hand to look at and the camera's intrinsics [3, 3], px."""

    clip: Clip
    tracks: Sequence[HandTrack]
    intrinsics: np.ndarray


@dataclass(frozen=True)
class HandFrames:
    """n frames of one person's hand.

    Attributes:
        clip: int [n], index of the clip.
        frame: int [n], number within the clip.
        side: n sides.
        joints_2d: float32 [n, 21, 2], px, as detected.
        rotations: [n, 16, 3, 3], pose by the baseline, of the real hand in the camera frame.
        estimate: network outputs.
    """

    clip: np.ndarray
    frame: np.ndarray
    side: list[Side]
    joints_2d: np.ndarray
    rotations: Tensor
    estimate: Estimate

    def __len__(self) -> int:
        return len(self.frame)

    def nearest(self, clip: int, frame: int, within: int) -> int | None:
        """The row of a clip nearest to a frame, at most `within` frames away; None where there is none."""
        rows = np.flatnonzero(self.clip == clip)
        if not len(rows):
            return None
        distance = np.abs(self.frame[rows] - frame)
        return int(rows[distance.argmin()]) if distance.min() <= within else None

    def crop_box(self, row: int) -> tuple[np.ndarray, float]:
        """Top left corner [2] and side of a square around the hand of a row, px."""
        joints = self.joints_2d[row]
        side = CROP_MARGIN * float(np.ptp(joints, axis=0).max())
        return (joints.min(0) + joints.max(0)) / 2 - side / 2, side


@torch.no_grad()
def observe_frames(models: Models, clips: Iterable[TrackedClip]) -> HandFrames | None:
    """Run the networks on all tracked hands of the clips; None where there is no hand."""
    parts: dict[str, list[Any]] = {name: [] for name in ("clip", "frame", "joints_2d", "rotations", "estimate")}
    side: list[Side] = []
    for index, one in enumerate(clips):
        for track, (seen, found) in zip(one.tracks, estimate_tracks(models, one.clip, one.tracks, one.intrinsics), strict=True):
            parts["clip"].append(np.full(len(track.frames), index))
            parts["frame"].append(track.frames)
            parts["joints_2d"].append(track.joints_2d)
            parts["rotations"].append(seen.to_camera(found.baseline))
            parts["estimate"].append(found)
            side += [track.side] * len(track.frames)
    if not side:
        return None
    arrays: dict[str, Any] = {name: np.concatenate(parts[name]) for name in ("clip", "frame", "joints_2d")}
    return HandFrames(
        side=side, rotations=torch.cat(parts["rotations"]), estimate=concatenate_estimates(parts["estimate"]), **arrays
    )

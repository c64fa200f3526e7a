"""What the networks say of the hands of a clip, picture by picture."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final, NamedTuple, cast

import numpy as np
import torch
from torch import Tensor

from ml.clip import Clip
from ml.identity.backbones import Look
from ml.identity.crops import crop_of
from ml.identity.observation import MARGIN, Observation, observe, sides
from ml.identity.weights import DEFAULT, Kind, Models
from ml.keypoints.tracks import HandTrack

PIECE: Final = 128
"""Pictures looked at together: bounds the memory, whatever the length of the video."""
GAP: Final = 30
"""Frames that are read and not looked at rather than sought anew."""
DETECTED: Final = 0.08
"""Standard deviation of a joint that MediaPipe detected, as a share of the hand's box; by validation people."""
REFINED: Final = 1.6
"""That of a joint which the image backbone found, over the scale it tells: a Laplacian's in the plane."""


class Trust(NamedTuple):
    """Radians by which a joint's angle (`stray`) and the whole hand (`turn`) may be off its estimate: standard deviations."""

    stray: float
    turn: float


TRUST: Final[dict[Kind, Trust]] = {"landmarks": Trust(0.05, 0.03), "image": Trust(0.07, 0.05)}
"""By validation people."""


@dataclass(frozen=True)
class Estimate:
    """n pictures of one hand, as a right one in the crop's camera.

    Attributes:
        baseline: rotations [n, 16, 3, 3] by the baseline.
        aware: rotations [n, 16, 3, 3] by the identity-aware network.
        betas: [n, 10], by the baseline.
        scores: [n], of the confidence predictor.
        sight: [n, 21, 2], x / z and y / z of the 2D joints that a fit may trust, in the crop's camera.
        noise: [n, 21], their standard deviation.
        trust: in the rotations.
        backbone: whose answers these are.
    """

    baseline: Tensor
    aware: Tensor
    betas: Tensor
    scores: Tensor
    sight: Tensor
    noise: Tensor
    trust: Trust
    backbone: Kind = DEFAULT

    def __len__(self) -> int:
        return len(self.betas)

    def rows(self, chosen: Tensor | slice) -> Estimate:
        """Some of the pictures, by index."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in _TENSORS})


_TENSORS: Final = ("baseline", "aware", "betas", "scores", "sight", "noise")


def estimate_tracks(
    models: Models,
    clip: Clip,
    tracks: Sequence[HandTrack],
    intrinsics: np.ndarray,
    report: Callable[[float], None] = lambda fraction: None,
) -> list[tuple[Observation, Estimate]]:
    """All hands of a clip; its pictures are read once, if the networks see pictures at all.

    Args:
        models: see `ml.identity.weights`.
        clip: that the tracks were detected in.
        tracks: may have fewer frames than were detected.
        intrinsics: [3, 3], px.
        report: told the share that is done, 0 … 1.
    """
    camera = torch.as_tensor(intrinsics, dtype=torch.float32)
    seen = [
        observe(torch.as_tensor(t.joints_2d), torch.as_tensor(t.world), camera, sides(t.side, len(t.frames))) for t in tracks
    ]
    if models.backbone == "landmarks":
        return [(one, estimate(models, one)) for one in seen]
    parts: list[list[Estimate]] = [[] for _ in tracks]
    pending: list[list[np.ndarray]] = [[] for _ in tracks]

    def look(number: int) -> None:
        last = len(pending[number]) + PIECE * len(parts[number])
        rows = slice(PIECE * len(parts[number]), last)
        crops = torch.as_tensor(np.stack(pending[number]))
        parts[number].append(estimate(models, rows_of(seen[number], rows), crops))
        pending[number].clear()

    at = [{int(frame): row for row, frame in enumerate(track.frames)} for track in tracks]
    wanted = sorted(set().union(*at)) if at else []
    for done, (frame, picture) in enumerate(_pictures(clip, wanted)):
        for number, track in enumerate(tracks):
            row = at[number].get(frame)
            if row is None:
                continue
            pending[number].append(crop_of(picture, track.joints_2d[row], intrinsics, mirrored=track.side == "left"))
            if len(pending[number]) == PIECE:
                look(number)
        report(done / len(wanted))
    for number in range(len(tracks)):
        if pending[number]:
            look(number)
    return [(one, joined_estimates(made)) for one, made in zip(seen, parts, strict=True)]


@torch.no_grad()
def estimate(models: Models, seen: Observation, crops: Tensor | None = None) -> Estimate:
    """What the networks say of n hands.

    Args:
        models: see `ml.identity.weights`.
        seen: n hands.
        crops: uint8 [n, 3, 96, 96], for networks that see pictures.
    """
    takes = (seen.inputs,) if crops is None else (seen.inputs, crops, seen.landmarks)
    look: Look = models.baseline.backbone(*takes)
    baseline, betas = models.baseline.heads(look.features)
    joints, spread = seen.landmarks, torch.full((len(betas), 21), DETECTED * 2 / MARGIN)
    if look.joints is not None and look.log_spread is not None:
        joints, spread = look.joints, REFINED * look.log_spread.exp()
    sight = seen.centre[:, None] + seen.half[:, None, None] * joints
    noise = seen.half[:, None] * spread
    scores = models.confidence(look.features)
    aware = models.identity(*takes)
    return Estimate(baseline, aware, betas, scores, sight, noise, TRUST[models.backbone], models.backbone)


def rows_of(seen: Observation, rows: slice) -> Observation:
    """Some of the hands."""
    return Observation(**{f.name: getattr(seen, f.name)[rows] for f in fields(Observation)})


def joined_estimates(parts: list[Estimate]) -> Estimate:
    """Several as one."""
    tensors: dict[str, Any] = {name: torch.cat([getattr(part, name) for part in parts]) for name in _TENSORS}
    return replace(parts[0], **tensors)


def _pictures(clip: Clip, wanted: list[int]) -> Iterator[tuple[int, np.ndarray]]:
    """The wanted frames, ascending, and their pictures; what lies between near ones is read over."""
    stream: Iterator[np.ndarray] = iter(())
    at = -GAP - 1
    for frame in wanted:
        if frame > at + GAP:
            stream, at = clip.frames(start=frame), frame - 1
        picture = None
        for _ in range(frame - at):
            picture = next(stream)
        at = frame
        yield frame, cast(np.ndarray, picture)

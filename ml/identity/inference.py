"""Run the networks on the tracked hands of a clip, frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from torch import Tensor

from ml.clip import Clip
from ml.identity.backbones import BackboneOutput
from ml.identity.crops import CROP_PX
from ml.identity.observation import MARGIN, Observation
from ml.identity.track_batches import map_tracks
from ml.identity.weights import Kind, Models
from ml.keypoints.tracks import HandTrack

DETECTED_STD: Final = 0.08
"""Standard deviation of a joint that MediaPipe detected, as a share of the hand's box; measured on validation people."""
REFINED_STD: Final = 1.6
"""Standard deviation of a joint found by the image backbone, over its predicted scale; measured on validation people."""


class PoseUncertainty(NamedTuple):
    """Standard deviations (radians) of the estimated joint angles and of the root orientation."""

    joint_std: float
    root_std: float


POSE_UNCERTAINTY: Final[dict[Kind, PoseUncertainty]] = {
    "landmarks": PoseUncertainty(0.05, 0.03),
    "image": PoseUncertainty(0.06, 0.07),
}
"""Measured on validation people."""


@dataclass(frozen=True)
class Estimate:
    """Network outputs for n frames of one hand, as a right hand in the camera of its crop (`ml.identity.observation`).

    Attributes:
        baseline: rotations [n, 16, 3, 3] by the baseline.
        aware: rotations [n, 16, 3, 3] by the identity-aware network.
        betas: [n, 10], by the baseline.
        scores: [n], by the confidence predictor; only their order has a meaning.
        normalized_keypoints: [n, 21, 2], x / z and y / z of the 2D joints for fitting.
        keypoint_std: [n, 21], their standard deviations.
        detected: [n, 21, 2], x / z and y / z of the joints that the detector found.
        world: [n, 21, 3], m, its world landmarks, axes of the crop camera.
        pose_uncertainty: standard deviations of the rotations.
        backbone: the backbone that gave these.
    """

    baseline: Tensor
    aware: Tensor
    betas: Tensor
    scores: Tensor
    normalized_keypoints: Tensor
    keypoint_std: Tensor
    detected: Tensor
    world: Tensor
    pose_uncertainty: PoseUncertainty
    backbone: Kind = "landmarks"

    def __len__(self) -> int:
        return len(self.betas)

    def rows(self, chosen: Tensor | slice) -> Estimate:
        """A subset of the frames, by index."""
        return replace(self, **{name: getattr(self, name)[chosen] for name in _TENSORS})


_TENSORS: Final = ("baseline", "aware", "betas", "scores", "normalized_keypoints", "keypoint_std", "detected", "world")


def estimate_tracks(
    models: Models,
    clip: Clip,
    tracks: Sequence[HandTrack],
    intrinsics: np.ndarray,
    progress: Callable[[float], None] = lambda fraction: None,
) -> list[tuple[Observation, Estimate]]:
    """Observations and estimates of all tracks of a clip; frames are decoded once, and only for the image backbone.

    Args:
        models: see `ml.identity.weights`.
        clip: the clip in which the tracks were detected.
        tracks: may be subsampled.
        intrinsics: [3, 3], px.
        progress: called with the fraction done, 0 to 1.
    """
    made = map_tracks(
        lambda seen, crops: estimate(models, seen, crops),
        clip,
        tracks,
        intrinsics,
        crop_px=CROP_PX if models.backbone == "image" else None,
        progress=progress,
    )
    return [(one, concatenate_estimates(parts)) for one, parts in made]


@torch.no_grad()
def estimate(models: Models, seen: Observation, crops: Tensor | None = None) -> Estimate:
    """Run the three networks on n observed hands, on their device; the results are on the CPU, where hands are fitted.

    Args:
        models: see `ml.identity.weights`.
        seen: n hands, on the CPU.
        crops: uint8 [n, 3, 192, 192], for the image backbone.
    """
    inputs = (seen.inputs if crops is None else crops).to(models.device)
    output: BackboneOutput = models.baseline.backbone(inputs)
    baseline, betas = models.baseline.heads(output.features)
    joints, std = seen.landmarks, torch.full((len(seen.inputs), 21), DETECTED_STD * 2 / MARGIN)
    if output.joints is not None and output.log_scale is not None:
        joints, std = output.joints.cpu(), REFINED_STD * output.log_scale.exp().cpu()
    return Estimate(
        baseline=baseline.cpu(),
        aware=_aware(models, output, inputs).cpu(),
        betas=betas.cpu(),
        scores=models.confidence(output.features).cpu(),
        normalized_keypoints=seen.centre[:, None] + seen.half[:, None, None] * joints,
        keypoint_std=seen.half[:, None] * std,
        detected=seen.centre[:, None] + seen.half[:, None, None] * seen.landmarks,
        world=seen.world,
        pose_uncertainty=POSE_UNCERTAINTY[models.backbone],
        backbone=models.backbone,
    )


def _aware(models: Models, output: BackboneOutput, inputs: Tensor) -> Tensor:
    """Rotations [n, 16, 3, 3] by the identity-aware network, whose backbone may be the baseline's."""
    if models.identity.backbone is models.baseline.backbone:
        rotations: Tensor = models.identity.pose(output.features)
        return rotations
    found: Tensor = models.identity(inputs)
    return found


def concatenate_estimates(parts: list[Estimate]) -> Estimate:
    """Several estimates as one."""
    tensors: dict[str, Any] = {name: torch.cat([getattr(part, name) for part in parts]) for name in _TENSORS}
    return replace(parts[0], **tensors)

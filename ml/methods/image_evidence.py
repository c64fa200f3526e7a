"""What the image network sees of a hand beside the detector: its orientation, and its 2D joints.

On renders its orientation errs half as much as the landmark network's, and its 2D joints half as much as the detector's. On
two calibrated cameras its joints of both views meet as well as the detector's (.97 % of the hand's box beside .83 %), and the
means of both meet better (.77 %): the two err differently (`docs/results/image-network.md`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
import roma
import torch
from torch import Tensor

from ml.clip import Clip
from ml.device import default_device
from ml.hand.camera import project
from ml.identity.inference import Estimate, estimate_tracks
from ml.identity.observation import Observation
from ml.identity.weights import load_models
from ml.keypoints.tracks import HandTrack
from ml.methods.interface import Request

GROWTH: Final = 10.0
"""By how much the network's share grows with the distance of the two, as a share of the hand's box."""
MOST: Final = 0.8
"""Its largest share."""


@dataclass(frozen=True)
class Blend:
    """How what both see becomes one.

    Attributes:
        share: of the network's 2D joints, where the two agree.
        doubtful: mean distance of the two over a hand, as a share of its box, from which the detector is doubted.
        angle_std: radians, of the mean of both networks' joint angles.
        root_std: radians, of the orientation that the image network sees.
        joins_poses: whether the network's pose counts beside the other one.
    """

    share: float
    doubtful: float
    angle_std: float
    root_std: float
    joins_poses: bool = True


NEAR_DETECTOR: Final = Blend(0.02, 0.08, angle_std=0.06, root_std=0.02)
"""As much as leaves single frames of the two-camera clip within 2 % of the detector's joints."""
SINGLE_IMAGES: Final = Blend(0.35, 0.08, angle_std=0.06, root_std=0.02)
"""Of images by themselves, where no neighbouring frames average errors: joints are best near the mean of both."""
BALANCED: Final = Blend(0.06, 0.06, angle_std=0.08, root_std=0.03)
"""Where a motion through time judges both; chosen on rendered people (seeds 2, 3 and 5) and on `asl_hand_25fps.mp4`."""


def evidence_names(*, landmarks: bool, image: bool) -> list[str]:
    """What a fit used, for a prediction's meta: `landmarks` and `image` are networks."""
    return ["2D joints", "world landmarks", *["landmark network"] * landmarks, *["image network"] * image]


class ImageEvidence(NamedTuple):
    """Of n frames: rotations [n, 16, 3, 3] in the camera frame, 2D joints [n, 21, 2] and their deviations `std` [n, 21], px."""

    rotations: Tensor
    pixels: Tensor
    std: Tensor


def sees_images(request: Request) -> bool:
    """Whether the image network can look at a clip: its weights are of the open hand, and the clip's file is there."""
    return request.hand_model == "open" and bool(request.keypoints.tracks) and request.clip.path.exists()


def image_evidence(
    clip: Clip, tracks: Sequence[HandTrack], intrinsics: np.ndarray, progress: Callable[[float], None]
) -> list[ImageEvidence]:
    """Of each track. For hands of the open hand model, whose weights these are."""
    models = load_models("image", default_device())
    camera = torch.as_tensor(intrinsics, dtype=torch.float32)
    seen = estimate_tracks(models, clip, tracks, intrinsics, progress)
    return [
        ImageEvidence(view.to_camera(found.baseline), _pixels(view, found, camera), camera[0, 0] * found.keypoint_std)
        for view, found in seen
    ]


def seen_by_both(detected: Tensor, own: Tensor, blend: Blend) -> Tensor:
    """2D joints [n, 21, 2] between the detector's and the network's; the network counts more where they disagree.

    Args:
        detected: [n, 21, 2], of the detector.
        own: [n, 21, 2], of the network, in the same unit.
        blend: how much the network counts.
    """
    box = (detected.amax(1) - detected.amin(1)).amax(-1).clamp_min(1e-6)
    apart = (own - detected).norm(dim=-1).mean(1) / box
    share = (blend.share + GROWTH * (apart - blend.doubtful).clamp_min(0)).clamp_max(MOST)
    return torch.lerp(detected, own, share[:, None, None])


def pose_of_both(landmarks: Tensor, image: Tensor) -> Tensor:
    """Rotations [n, 16, 3, 3]: the orientation that the image network sees, and the mean of both networks' other joints."""
    mean: Tensor = roma.special_procrustes(landmarks[:, 1:] + image[:, 1:])
    return torch.cat([image[:, :1], mean], 1)


def _pixels(view: Observation, found: Estimate, intrinsics: Tensor) -> Tensor:
    rays = torch.nn.functional.pad(found.normalized_keypoints, (0, 1), value=1.0)
    pixels: Tensor = project(view.points_to_camera(rays), intrinsics)
    return pixels

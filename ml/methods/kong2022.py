"""`kong2022`, `kong2022-identity`, both with `-opt`, and two of them on pixels.

Kong et al., *Identity-Aware Hand Mesh Estimation and Personalization from RGB Images*, ECCV 2022. The baseline estimates pose
and shape of each image separately. The identity-aware network takes the subject's shape as known: given, or calibrated from
at most 20 images of the clip itself, so that one hand has one shape. With `-opt`, pose and translation are then fitted to the
2D joints, weighted by their uncertainty; the shape stays fixed.

The networks take landmarks that MediaPipe found; those of `kong2022-image…` take the crop of each hand instead. As in the
paper, the 2D joints of `-opt` come from a second network that sees the image: a share of them is that of `kong2022-image`,
whose pose and shape count too (`ml.methods.image_evidence`). Where the clip's file is gone, they are the detector's alone.

The paper optimises in two stages of Adam, 200 steps for the translation and 100 for translation and pose, on 2D joints of a
network. Here the first is solved in closed form (`initial_fit`). In the second (`refined_fit`), Gauss–Newton steps fit the
2D joints and the detector's world landmarks with priors about the estimated pose, so that meshes reach the fingertips of
real hands; `docs/results/kong2022.md` compares both on renders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from ml.device import default_device
from ml.fitting.placement import solve_translation
from ml.formats.prediction import PredictionArrays
from ml.hand.model import load_hand_model
from ml.identity.calibration import Settings, calibrate
from ml.identity.frame_selection import select_calibration_frames
from ml.identity.inference import Estimate, estimate_tracks
from ml.identity.observation import Observation
from ml.identity.weights import Kind, load_models
from ml.keypoints.tracks import HandTrack
from ml.methods.assembly import FittedTrack, assemble
from ml.methods.crop_fit import CropFit, fitted_in_crop, in_camera
from ml.methods.evidence import NETWORK_ANGLE_STD, NETWORK_ROOT_STD
from ml.methods.image_evidence import (
    NEAR_DETECTOR,
    SINGLE_IMAGES,
    Blend,
    evidence_names,
    pose_of_both,
    seen_by_both,
    sees_images,
)
from ml.methods.interface import Request, UnsupportedModelError
from ml.methods.request_camera import with_plausible_camera
from ml.methods.seen_joints import outside
from ml.progress import ProgressCallback

VIDEO: Final = replace(NEAR_DETECTOR, angle_std=NETWORK_ANGLE_STD, root_std=NETWORK_ROOT_STD)
"""Of videos: looser about the estimated pose, because the shape does not adapt to the 2D joints."""


@dataclass(frozen=True)
class Kong2022:
    """One of them.

    Attributes:
        name: in the catalogue.
        identity: use the identity-aware network, with one shape for all images.
        optimised: fit pose and translation to the 2D joints at the end.
        backbone: input of the networks.
    """

    name: str
    identity: bool = False
    optimised: bool = False
    backbone: Kind = "landmarks"

    def estimate(self, request: Request, progress: ProgressCallback) -> PredictionArrays:
        """One row for each detected hand and frame."""
        if request.hand_model != "open":
            raise UnsupportedModelError(f"the weights of {self.name} are of the open hand, not of `{request.hand_model}`")
        request, facts = with_plausible_camera(request)
        views, found = _estimates(self.backbone, request, progress)
        looks = self.backbone == "image" or (self.optimised and sees_images(request))
        images: Sequence[Estimate | None] = [None] * len(found)
        if looks:
            images = found if self.backbone == "image" else _estimates("image", request, progress)[1]
        fitted = []
        tracks = request.keypoints.tracks
        for number, (track, view, own, image) in enumerate(zip(tracks, views, found, images, strict=True)):
            progress("fitting" if self.optimised else "placing", 0.8 + 0.1 * number / len(tracks))
            fitted.append(self._fit_track(request, track, view, own, image))
        progress("meshes", 0.9)
        evidence = evidence_names(landmarks=self.backbone == "landmarks", image=looks)
        return assemble(request, self.name, fitted, facts | ({"evidence": evidence} if self.optimised else {}))

    @torch.no_grad()
    def _fit_track(
        self, request: Request, track: HandTrack, view: Observation, found: Estimate, image: Estimate | None
    ) -> FittedTrack:
        """One hand, all frames at once, in the camera frame; `image` is what the image network sees, where it looks."""
        known = request.betas.get(track.side)
        betas = own_betas(found, image)
        if known is not None:
            betas = torch.as_tensor(known, dtype=torch.float32).view(1, 10)
        elif self.identity and not request.independent:
            betas = own_shape(found if image is None else image)
        hand = estimated(found, image, betas, aware=self.identity)
        if self.optimised:
            unseen = outside(torch.as_tensor(track.joints_2d), request.keypoints.width, request.keypoints.height)
            hand = refined_fit(found, hand, image, unseen, SINGLE_IMAGES if request.independent else VIDEO)
        return in_camera(hand, track, load_hand_model("open", track.side), view)


def own_betas(found: Estimate, image: Estimate | None) -> Tensor:
    """The shape [n, 10] of each image; the mean of both networks' where that on images looks too."""
    return found.betas if image is None else (found.betas + image.betas) / 2


def estimated(found: Estimate, image: Estimate | None, betas: Tensor, *, aware: bool) -> CropFit:
    """The hands that the networks see, translated to the joints that the detector found.

    Args:
        found: what the networks estimate.
        image: what those on images do, whose pose counts too; None to leave them out.
        betas: [1 or n, 10].
        aware: whether to take the pose of the identity-aware networks.
    """
    rotations = found.aware if aware else found.baseline
    if image is not None and image is not found:
        rotations = pose_of_both(rotations, image.aware if aware else image.baseline)
    return initial_fit(found, rotations, betas)


def initial_fit(found: Estimate, rotations: Tensor, betas: Tensor) -> CropFit:
    """Hands of these rotations and shapes, translated to the joints that the detector found."""
    right = load_hand_model("open", "right")
    joints = right.joints(rotations, betas.expand(len(rotations), 10), torch.zeros(3))
    return CropFit(rotations, betas, solve_translation(joints, found.detected, torch.eye(3)))


def refined_fit(
    found: Estimate, hand: CropFit, image: Estimate | None, unseen: Tensor | None = None, blend: Blend = SINGLE_IMAGES
) -> CropFit:
    """Pose and translation fitted to all evidence (`ml.methods.evidence`), near the estimate; the shape stays fixed.

    Args:
        found: what was detected.
        hand: the estimate.
        image: what the image network sees; None to fit the detector's 2D joints alone.
        unseen: bool [n, 21], joints outside the image.
        blend: how much the image network's 2D joints count beside the detector's, and the estimated pose beside both.
    """
    if image is None:
        return fitted_in_crop(hand, found.detected, found.world, unseen)
    seen = seen_by_both(found.detected, image.normalized_keypoints, blend)
    return fitted_in_crop(hand, seen, found.world, unseen, angle_std=blend.angle_std, root_std=blend.root_std)


def own_shape(found: Estimate) -> Tensor:
    """One shape [1, 10], calibrated from at most 20 of the images."""
    chosen = select_calibration_frames(found.scores, found.baseline)
    calibrated = calibrate(
        load_hand_model("open", "right"),
        found.rows(chosen),
        load_models(found.backbone, default_device()).confidence.moments.cpu(),
        clips=torch.zeros(len(chosen), dtype=torch.long),
        settings=Settings(resamples=0),
    )
    return calibrated.betas[None]


def _estimates(backbone: Kind, request: Request, progress: ProgressCallback) -> tuple[list[Observation], list[Estimate]]:
    """Of each track: its hands as the networks see them, and what they estimate."""
    models = load_models(backbone, default_device())
    tracks = request.keypoints.tracks
    seen = estimate_tracks(models, request.clip, tracks, request.intrinsics, lambda done: progress("estimating", 0.8 * done))
    return [view for view, _ in seen], [found for _, found in seen]


def baseline() -> Kong2022:
    """Pose and shape of each image."""
    return Kong2022("kong2022")


def baseline_opt() -> Kong2022:
    """The same, fitted to the 2D joints."""
    return Kong2022("kong2022-opt", optimised=True)


def identity() -> Kong2022:
    """One shape, known or calibrated from the clip."""
    return Kong2022("kong2022-identity", identity=True)


def identity_opt() -> Kong2022:
    """The same, fitted to the 2D joints."""
    return Kong2022("kong2022-identity-opt", identity=True, optimised=True)


def image() -> Kong2022:
    """Pose and shape of each image, from its pixels."""
    return Kong2022("kong2022-image", backbone="image")


def image_identity_opt() -> Kong2022:
    """One shape, known or calibrated from the clip, pose from pixels, fitted to the joints seen in them."""
    return Kong2022("kong2022-image-identity-opt", identity=True, optimised=True, backbone="image")

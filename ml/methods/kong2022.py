"""`kong2022`, `kong2022-identity`, both with `-opt`, and two of them on pixels.

Kong et al., *Identity-Aware Hand Mesh Estimation and Personalization from RGB Images*, ECCV 2022. The baseline estimates pose
and shape of each image separately. The identity-aware network takes the subject's shape as known: given, or calibrated from
at most 20 images of the clip itself, so that one hand has one shape. With `-opt`, pose and translation are then fitted to the
2D joints, weighted by their uncertainty; the shape stays fixed.

The networks take landmarks that MediaPipe found; those of `kong2022-image…` take the crop of each hand instead.

The paper optimises in two stages of Adam, 200 steps for the translation and 100 for translation and pose, on 2D joints of a
network. Here the first is solved in closed form (`initial_fit`). In the second (`refined_fit`), Gauss–Newton steps fit the
detector's 2D joints and world landmarks with priors about the estimated pose, so that meshes reach the fingertips of real
hands; `docs/results/kong2022.md` compares both on renders.
"""

from __future__ import annotations

from dataclasses import dataclass

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
from ml.identity.weights import Kind, Models, load_models
from ml.keypoints.tracks import HandTrack
from ml.methods.assembly import FittedTrack, assemble
from ml.methods.crop_fit import CropFit, fitted_in_crop, in_camera
from ml.methods.image_evidence import NEAR_DETECTOR, SINGLE_IMAGES, Blend, seen_by_both
from ml.methods.interface import Request, UnsupportedModelError
from ml.methods.request_camera import with_plausible_camera
from ml.methods.seen_joints import outside
from ml.progress import ProgressCallback


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
        models = load_models(self.backbone, default_device())
        tracks = request.keypoints.tracks
        seen = estimate_tracks(
            models, request.clip, tracks, request.intrinsics, lambda fraction: progress("estimating", 0.8 * fraction)
        )
        fitted = []
        for number, (track, (view, found)) in enumerate(zip(tracks, seen, strict=True)):
            progress("fitting" if self.optimised else "placing", 0.8 + 0.1 * number / len(tracks))
            fitted.append(self._fit_track(request, track, view, found, models))
        progress("meshes", 0.9)
        return assemble(request, self.name, fitted, facts)

    @torch.no_grad()
    def _fit_track(self, request: Request, track: HandTrack, view: Observation, found: Estimate, models: Models) -> FittedTrack:
        """One hand, all frames at once, in the camera frame."""
        known = request.betas.get(track.side)
        betas = found.betas
        if known is not None:
            betas = torch.as_tensor(known, dtype=torch.float32).view(1, 10)
        elif self.identity and not request.independent:
            betas = own_shape(found, models)
        hand = initial_fit(found, found.aware if self.identity else found.baseline, betas)
        if self.optimised:
            size = request.keypoints.width, request.keypoints.height
            blend = SINGLE_IMAGES if request.independent else NEAR_DETECTOR
            hand = refined_fit(found, hand, outside(torch.as_tensor(track.joints_2d), *size), blend)
        return in_camera(hand, track, load_hand_model("open", track.side), view)


def initial_fit(found: Estimate, rotations: Tensor, betas: Tensor) -> CropFit:
    """Hands of these rotations and shapes, translated to the joints that the detector found."""
    right = load_hand_model("open", "right")
    joints = right.joints(rotations, betas.expand(len(rotations), 10), torch.zeros(3))
    return CropFit(rotations, betas, solve_translation(joints, found.detected, torch.eye(3)))


def refined_fit(found: Estimate, hand: CropFit, unseen: Tensor | None = None, blend: Blend = SINGLE_IMAGES) -> CropFit:
    """Pose and translation fitted to all evidence (`ml.methods.evidence`), near the estimate; the shape stays fixed.

    The 2D joints are the detector's; on images those that both the detector and the network see.

    Args:
        found: what was detected and estimated.
        hand: the estimate.
        unseen: bool [n, 21], joints outside the image.
        blend: of the joints of both, on images.
    """
    seen = found.detected
    if found.backbone == "image":
        seen = seen_by_both(seen, found.normalized_keypoints, blend)
    return fitted_in_crop(hand, seen, found.world, unseen)


def own_shape(found: Estimate, models: Models) -> Tensor:
    """One shape [1, 10], calibrated from at most 20 of the images."""
    chosen = select_calibration_frames(found.scores, found.baseline)
    calibrated = calibrate(
        load_hand_model("open", "right"),
        found.rows(chosen),
        models.confidence.moments.cpu(),
        clips=torch.zeros(len(chosen), dtype=torch.long),
        settings=Settings(resamples=0),
    )
    return calibrated.betas[None]


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

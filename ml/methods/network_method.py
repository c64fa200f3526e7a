"""What the survey's network methods share: a network sees each tracked hand by itself, and its guess becomes a placed hand.

A system is a `NetworkMethod` with its variants; the option `input` chooses one. What a network does not estimate is completed:
joints without a pose are posed by inverse kinematics, an unknown scale becomes that of the subject's hand, or of the mean hand,
and the translation is the one that brings the joints onto the detector's. With the option `fit`, the default where a network
takes keypoints, pose and translation are then fitted to the detector's 2D joints with the network's pose as the prior, so that
meshes lie on the skin; without it hands are as the network gives them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor

from ml.device import default_device
from ml.fitting.inverse_kinematics import inverse_kinematics
from ml.fitting.kinematics import Kinematics
from ml.fitting.placement import solve_translation
from ml.formats.prediction import PredictionArrays
from ml.hand.model import HandModel, load_hand_model
from ml.hand.skeleton import BONES
from ml.identity.crops import SMALL_CROP_PX
from ml.identity.observation import Observation
from ml.identity.track_batches import map_tracks
from ml.keypoints.tracks import HandTrack
from ml.methods.assembly import FittedTrack, assemble
from ml.methods.crop_fit import CropFit, carried, fitted_in_crop, in_camera
from ml.methods.interface import Request, UnsupportedModelError
from ml.methods.request_camera import with_plausible_camera
from ml.methods.seen_joints import outside
from ml.networks.hand_batch import HandBatch, HandGuess, HandNetwork
from ml.networks.mesh_graph import joint_regressor
from ml.networks.network_files import load_network, weights_path
from ml.progress import ProgressCallback

MESH_FITS: Final = 2
"""Further fits of a network's own mesh."""

ShapeRule = Callable[[HandGuess, Observation], Tensor]
"""From the guesses of one hand in n frames to its shape, [1, 10] or [n, 10]."""


@dataclass(frozen=True)
class NetworkMethod:
    """One system.

    Attributes:
        name: in the catalogue.
        variants: networks by the value of the option `input`; the first is the default.
        shape_of: how the shape of a clip follows from its guesses; by default each has its own, or that of the mean hand.
    """

    name: str
    variants: Mapping[str, Callable[[], HandNetwork]]
    shape_of: ShapeRule | None = None

    def estimate(self, request: Request, progress: ProgressCallback) -> PredictionArrays:
        """One row for each detected hand and frame.

        Raises:
            UnsupportedModelError: another hand model than the open hand is asked for.
            ml.networks.network_files.WeightsError: the weights cannot be used.
        """
        if request.hand_model != "open":
            raise UnsupportedModelError(f"the weights of {self.name} are of the open hand, not of `{request.hand_model}`")
        request, facts = with_plausible_camera(request)
        variant = str(request.options.get("input") or next(iter(self.variants)))
        device = default_device()
        network = load_network(self.variants[variant], weights_path(self.name, variant), device)

        def run(seen: Observation, crops: Tensor | None) -> HandGuess:
            hands = HandBatch(seen.inputs, seen.landmarks, crops, torch.cat([seen.centre, seen.half[:, None]], 1))
            guess: HandGuess = network(hands.to(device))
            return guess.cpu()

        with torch.no_grad():
            seen = map_tracks(
                run,
                request.clip,
                request.keypoints.tracks,
                request.intrinsics,
                crop_px=SMALL_CROP_PX if network.uses_pixels else None,
                progress=lambda fraction: progress("estimating", 0.8 * fraction),
            )
            fits = bool(request.options.get("fit", not network.uses_pixels))
            progress("fitting" if fits else "placing", 0.8)
            fitted = [
                self._placed(request, track, view, HandGuess.concatenated(parts), fits=fits)
                for track, (view, parts) in zip(request.keypoints.tracks, seen, strict=True)
            ]
        progress("meshes", 0.9)
        return assemble(request, self.name, fitted, facts | {"input": variant, "fit": fits})

    def _placed(self, request: Request, track: HandTrack, view: Observation, guess: HandGuess, *, fits: bool) -> FittedTrack:
        right, model = load_hand_model("open", "right"), load_hand_model("open", track.side)
        betas = self._shape(request, track, view, guess)
        joints = own_joints(guess, right, betas)
        has_mesh = guess.rotations is None and guess.vertices is not None
        if guess.rotations is None and (fits or not has_mesh):
            kinematics = Kinematics(right)
            guess = replace(guess, rotations=kinematics.matrices(*inverse_kinematics(kinematics, joints, betas)))
        vertices = joints_scale(guess, right, betas) * guess.vertices if has_mesh and guess.vertices is not None else None
        if fits:
            size = request.keypoints.width, request.keypoints.height
            unseen = outside(torch.as_tensor(track.joints_2d), *size)
            assert guess.rotations is not None
            wrist = right.rest_joints(betas)[:, 0].expand(len(guess.rotations), 3)
            return _fitted(track, view, CropFit(guess.rotations, betas, -wrist), unseen, vertices)
        pixels, camera = torch.as_tensor(track.joints_2d), torch.as_tensor(request.intrinsics, dtype=torch.float32)
        placed = view.points_to_camera(joints)
        translation = solve_translation(placed, pixels, camera)
        own = placed + translation[:, None]
        if vertices is not None:
            vertices = view.points_to_camera(vertices) + translation[:, None]
            return FittedTrack(track, model, None, betas, translation, joints=own, vertices=vertices)
        assert guess.rotations is not None
        wrist = model.rest_joints(betas)[:, 0]
        rotations = view.to_camera(guess.rotations)
        return FittedTrack(track, model, rotations, betas, own[:, 0] - wrist, joints=own if guess.joints is not None else None)

    def _shape(self, request: Request, track: HandTrack, view: Observation, guess: HandGuess) -> Tensor:
        known = request.betas.get(track.side)
        if known is not None:
            return torch.as_tensor(known, dtype=torch.float32).view(1, 10)
        if guess.betas is not None and (self.shape_of is None or request.independent):
            return guess.betas
        return torch.zeros(1, 10) if self.shape_of is None else self.shape_of(guess, view)


def _fitted(track: HandTrack, view: Observation, found: CropFit, unseen: Tensor, vertices: Tensor | None) -> FittedTrack:
    """The hands of a track, fitted to the detector's 2D joints in the cameras of their crops.

    Args:
        track: of the detector.
        view: its hands in their crops' cameras.
        found: the network's, with the wrists at the origin.
        unseen: bool [n, 21], joints outside the image.
        vertices: [n, V, 3] (m, about the wrists), a network's own mesh, which moves with the bones; its joints follow from it.
    """
    right, model = load_hand_model("open", "right"), load_hand_model("open", track.side)
    detected = view.centre[:, None] + view.half[:, None, None] * view.landmarks
    start = found._replace(translation=solve_translation(_joints(right, found), detected, torch.eye(3)))
    fitted = fitted_in_crop(start, detected, None, unseen)
    if vertices is None:
        return in_camera(fitted, track, model, view)
    regressor = torch.as_tensor(joint_regressor()).float()
    size = bone_sum(regressor @ vertices)

    def moved() -> Tensor:
        mesh = carried(vertices, found, fitted)
        joints = regressor @ mesh
        return joints[:, :1] + (mesh - joints[:, :1]) * (size / bone_sum(joints))[:, None, None]

    for _ in range(MESH_FITS):  # the mesh's joints are not quite the model's, and are those that shall lie on the detected ones
        apart = _rays(regressor @ moved()) - _rays(_joints(right, fitted))
        fitted = fitted_in_crop(fitted, detected - apart, None, unseen)
    mesh = view.points_to_camera(moved())
    return FittedTrack(track, model, None, found.betas, fitted.translation, joints=regressor @ mesh, vertices=mesh)


def _joints(model: HandModel, hand: CropFit) -> Tensor:
    """[n, 21, 3], m."""
    return model.joints(hand.rotations, hand.betas.expand(len(hand.rotations), 10), hand.translation)


def _rays(points: Tensor) -> Tensor:
    """Image points [..., 2] of points [..., 3] before a camera without intrinsics."""
    return points[..., :2] / points[..., 2:].clamp_min(1e-3)


def own_joints(guess: HandGuess, right: HandModel, betas: Tensor) -> Tensor:
    """Joints [n, 21, 3] (m) about the wrist, in the crop camera: the network's own, or those of its pose and shape."""
    if guess.joints is None:
        assert guess.rotations is not None
        joints = right.joints(guess.rotations, betas.expand(len(guess.rotations), 10), torch.zeros(3))
        return joints - joints[:, :1]
    return (guess.joints - guess.joints[:, :1]) * joints_scale(guess, right, betas)


def joints_scale(guess: HandGuess, right: HandModel, betas: Tensor) -> Tensor:
    """Metres of a unit of the guess [n or 1, 1, 1]: 1 where it is metric, else the sum of bone lengths is the shape's."""
    if guess.is_metric or guess.joints is None:
        return torch.ones(1, 1, 1)
    scale = bone_sum(right.rest_joints(betas)) / bone_sum(guess.joints).clamp_min(1e-6)
    return scale[:, None, None]


def bone_sum(joints: Tensor) -> Tensor:
    """Sum [n] of the lengths of the bones of joints [n, 21, 3]."""
    parents, children = (torch.tensor(ends) for ends in zip(*BONES, strict=True))
    total: Tensor = (joints[:, children] - joints[:, parents]).norm(dim=-1).sum(-1)
    return total

"""Hands that a network estimated, fitted to the detector's joints in the cameras of their crops; the shape stays fixed."""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

import torch
from torch import Tensor

from ml.fitting.kinematics import ANGLE_COUNT, Kinematics
from ml.fitting.solver import Parameters
from ml.hand.forward_kinematics import finger_rotations
from ml.hand.joint_limits import joint_angles
from ml.hand.model import HandModel, load_hand_model
from ml.identity.observation import Observation
from ml.keypoints.tracks import HandTrack
from ml.methods.assembly import FittedTrack
from ml.methods.evidence import NETWORK_ANGLE_STD, NETWORK_ROOT_STD, fit_evidence, solve_evidence

CHUNK: Final = 512
"""Frames that are fitted at once: bounds memory."""


class CropFit(NamedTuple):
    """n right hands in their crops' cameras: rotations [n, 16, 3, 3], betas [1 or n, 10], translation [n, 3] (m)."""

    rotations: Tensor
    betas: Tensor
    translation: Tensor

    def of_rows(self, rows: slice) -> CropFit:
        """Some of the hands."""
        betas = self.betas.expand(len(self.rotations), 10)
        return CropFit(self.rotations[rows], betas[rows], self.translation[rows])


def fitted_in_crop(
    hand: CropFit,
    detected: Tensor,
    world: Tensor | None,
    unseen: Tensor | None = None,
    *,
    angle_std: float = NETWORK_ANGLE_STD,
    root_std: float = NETWORK_ROOT_STD,
) -> CropFit:
    """Pose and translation that fit the joints seen (`ml.methods.evidence`), near the estimate.

    Args:
        hand: the estimate.
        detected: [n, 21, 2], x / z and y / z of the detector's joints.
        world: [n, 21, 3], m, its world landmarks; None to leave them out.
        unseen: bool [n, 21], joints outside the image.
        angle_std: radians, how far a joint angle may be from the estimate's.
        root_std: radians, how far the hand may be turned from the estimate.
    """
    kinematics = Kinematics(load_hand_model("open", "right"))
    betas = hand.betas.expand(len(hand.rotations), 10)
    rotations, translation = [], []
    for first in range(0, len(hand.rotations), CHUNK):
        rows = slice(first, first + CHUNK)
        near, hidden = hand.rotations[rows], None if unseen is None else unseen[rows]
        landmarks = None if world is None else world[rows]
        problem = fit_evidence(
            kinematics,
            detected[rows],
            torch.eye(3),
            landmarks,
            unseen=hidden,
            network=near,
            angle_std=angle_std,
            root_std=root_std,
        )
        angles = joint_angles(near, kinematics.frames)[:, 1:].reshape(-1, ANGLE_COUNT)
        start = Parameters(angles, near[:, 0], hand.translation[rows], betas[rows])
        solved = solve_evidence(replace(problem, shape_known=True, shape_shared=False), start)
        rotations.append(kinematics.matrices(solved.angles, solved.root))
        translation.append(solved.translation)
    return CropFit(torch.cat(rotations), hand.betas, torch.cat(translation))


def carried(vertices: Tensor, before: CropFit, after: CropFit) -> Tensor:
    """Vertices [n, V, 3] (m) of a mesh that lies near the hand `before`, moved with the bones to the hand `after`.

    Where the mesh differs from the model's, the difference turns with the bones, blended by the skinning weights.
    """
    model = load_hand_model("open", "right")
    found = []
    for first in range(0, len(vertices), CHUNK):
        rows = slice(first, first + CHUNK)
        parts = [hand.of_rows(rows) for hand in (before, after)]
        old, new = (model(part.rotations, part.betas, part.translation).vertices for part in parts)
        start, end = (_bone_rotations(part.rotations) for part in parts)
        turns = (end @ start.mT).flatten(2)
        blended = (model.skinning_weights @ turns).view(len(old), -1, 3, 3)
        found.append(new + (blended @ (vertices[rows] - old)[..., None])[..., 0])
    return torch.cat(found)


def _bone_rotations(local: Tensor) -> Tensor:
    """Rotations [n, 16, 3, 3] of the joints in space, from those relative to their parents."""
    root = local[:, :1]
    return torch.cat([root, root @ finger_rotations(local[:, 1:]).flatten(1, 2)], 1)


def in_camera(hand: CropFit, track: HandTrack, model: HandModel, view: Observation) -> FittedTrack:
    """The hands of a track in the camera frame, as hands of their side."""
    wrist = model.rest_joints(hand.betas)[:, 0]
    # a hand turns about its wrist, wherever the model's origin is
    right_wrist = load_hand_model("open", "right").rest_joints(hand.betas)[:, 0]
    translated = view.points_to_camera((right_wrist + hand.translation)[:, None])[:, 0]
    return FittedTrack(track, model, view.to_camera(hand.rotations), hand.betas, translated - wrist)

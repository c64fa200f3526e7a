"""The camera that a request is fitted with, and inverse kinematics of what the detector found, placed in front of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ml.fitting.inverse_kinematics import inverse_kinematics
from ml.fitting.kinematics import Kinematics
from ml.fitting.placement import solve_translation
from ml.fitting.plausible_camera import plausible_intrinsics
from ml.fitting.solver import Parameters
from ml.hand.model import load_hand_model
from ml.keypoints.tracks import HandTrack
from ml.methods.interface import Request


def with_plausible_camera(request: Request) -> tuple[Request, dict[str, Any]]:
    """The request with the focal length to fit with, and what a prediction says of it: its px, and where it comes from.

    The source is `given`, `assumed`, or `hand distance` where the assumed one would put hands nearer than people hold them.
    """
    intrinsics, source = request.intrinsics, "given"
    if not request.intrinsics_known:
        intrinsics, source = _chosen(request)
    facts = {"focal_length": {"px": float(intrinsics[0, 0]), "source": source}}
    return replace(request, intrinsics=intrinsics), facts


def landmark_pose(request: Request, track: HandTrack, kinematics: Kinematics, intrinsics: Tensor) -> tuple[Tensor, Parameters]:
    """Pixels [n, 21, 2], and inverse kinematics of the world landmarks placed on them, with the known or the mean shape."""
    pixels, world = torch.as_tensor(track.joints_2d), torch.as_tensor(track.world)
    known = request.betas.get(track.side)
    betas = torch.zeros(1, 10) if known is None else torch.as_tensor(known, dtype=torch.float32).view(1, 10)
    angles, root = inverse_kinematics(kinematics, world, betas)
    joints = kinematics.joints(angles, root, torch.zeros(3), betas)
    return pixels, Parameters(angles, root, solve_translation(joints, pixels, intrinsics), betas)


def _chosen(request: Request) -> tuple[np.ndarray, str]:
    assumed = torch.as_tensor(request.intrinsics, dtype=torch.float32)
    depths = []
    for track in request.keypoints.tracks:
        kinematics = Kinematics(load_hand_model(request.hand_model, track.side))
        _, start = landmark_pose(request, track, kinematics, assumed)
        joints = kinematics.joints(start.angles, start.root, start.translation, start.betas)
        depths.append(joints[..., 2].mean(1))
    chosen = plausible_intrinsics(assumed, torch.cat(depths) if depths else assumed.new_zeros(0)).numpy()
    return chosen, "assumed" if np.array_equal(chosen, assumed.numpy()) else "hand distance"

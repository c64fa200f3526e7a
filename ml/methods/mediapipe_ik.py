"""`mediapipe-ik`: MediaPipe's world landmarks, posed by direct inverse kinematics; scale and translation from the 2D.

Zhang et al., *MediaPipe Hands*, CVPR Workshops 2020. Shape: one β a hand and clip, from the median bone lengths of the world
landmarks under the model's own prior; their metric scale is MediaPipe's guess, as one camera cannot know it.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ml.fitting.inverse_kinematics import inverse_kinematics, shape_from_bones
from ml.fitting.kinematics import Kinematics
from ml.fitting.placement import solve_translation
from ml.formats.prediction import PredictionArrays
from ml.hand.model import load_hand_model
from ml.keypoints.tracks import HandTrack
from ml.methods.assembly import FittedTrack, assemble
from ml.methods.interface import Request
from ml.methods.request_camera import with_plausible_camera
from ml.progress import ProgressCallback


class MediaPipeIK:
    """See the module."""

    def estimate(self, request: Request, progress: ProgressCallback) -> PredictionArrays:
        """One row for each detected hand and frame."""
        request, facts = with_plausible_camera(request)
        fitted = []
        tracks = request.keypoints.tracks
        for number, track in enumerate(tracks):
            progress("inverse kinematics", number / len(tracks))
            fitted.append(pose_track(request, track))
        progress("meshes", 0.9)
        return assemble(request, "mediapipe-ik", fitted, facts)


def pose_track(request: Request, track: HandTrack) -> FittedTrack:
    """One hand, all frames at once."""
    model = load_hand_model(request.hand_model, track.side)
    kinematics = Kinematics(model)
    world = torch.as_tensor(track.world)
    pixels = torch.as_tensor(track.joints_2d)
    intrinsics = torch.as_tensor(request.intrinsics, dtype=torch.float32)
    with torch.no_grad():
        betas = track_shape(request, track, kinematics, world)
        angles, root = inverse_kinematics(kinematics, world, betas)
        rotations = kinematics.matrices(angles, root)
        joints = model.joints(rotations, betas, torch.zeros(3))
        return FittedTrack(track, model, rotations, betas, solve_translation(joints, pixels, intrinsics))


def track_shape(request: Request, track: HandTrack, kinematics: Kinematics, world: Tensor) -> Tensor:
    """The given β [1, 10]; else one from the bones of world landmarks [n, 21, 3], [n, 10] where images are independent."""
    known = request.betas.get(track.side)
    if known is not None:
        return torch.as_tensor(known, dtype=torch.float32).view(1, 10)
    if request.independent:
        return torch.cat([shape_from_bones(kinematics, one[None]) for one in world])
    return shape_from_bones(kinematics, world)

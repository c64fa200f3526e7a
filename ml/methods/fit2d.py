"""`2d-fit`: the hand model fitted to 2D joints alone, the baseline of Boukhayma et al., CVPR 2019.

Perspective reprojection under a robust loss, a Gaussian prior on joint angles with soft limits, β ~ N(0, I), and one β a clip
and hand. MediaPipe's world landmarks only start the fit; they are not in the objective. Nothing is smoothed over time.
"""

from __future__ import annotations

from dataclasses import replace

import torch

from ml.fitting.clip_fit import fit_clip, with_shape_weight
from ml.fitting.inverse_kinematics import inverse_kinematics
from ml.fitting.kinematics import Kinematics
from ml.fitting.placement import solve_translation
from ml.fitting.prior import pose_prior
from ml.fitting.solver import Parameters, Problem, solve
from ml.formats.prediction import PredictionArrays
from ml.hand.model import load_hand_model
from ml.keypoints.tracks import HandTrack
from ml.methods.assembly import FittedTrack, assemble
from ml.methods.interface import Request
from ml.methods.mediapipe_ik import track_shape
from ml.methods.request_camera import with_plausible_camera
from ml.progress import ProgressCallback

PIXEL_STD = 0.01
"""Standard deviation of a detected joint as a share of the hand's box; 2 px for a hand of 200 px."""
SHAPE_FRAMES = 192
"""Frames, spread over the clip, from which the shared β is found before it is kept for all others."""
INITIAL_ROBUST_SCALE = 60.0
"""Robust scale of the first steps, in units of `pixel_std`: so wide that no joint counts as an outlier too early."""


class Fit2D:
    """See the module."""

    def estimate(self, request: Request, progress: ProgressCallback) -> PredictionArrays:
        """One row for each detected hand and frame."""
        request, facts = with_plausible_camera(request)
        fitted = []
        tracks = request.keypoints.tracks
        for number, track in enumerate(tracks):
            progress("fitting", 0.9 * number / len(tracks))
            fitted.append(fit_track(request, track))
        progress("meshes", 0.9)
        return assemble(request, "2d-fit", fitted, facts)


def fit_track(request: Request, track: HandTrack) -> FittedTrack:
    """One hand: β from frames spread over the clip, then every frame with it."""
    model = load_hand_model(request.hand_model, track.side)
    kinematics = Kinematics(model)
    with torch.no_grad():
        problem, start = prepare(request, track, kinematics)
        _, fitted = fit_clip(problem, start, solve_clip, shape_frames=SHAPE_FRAMES)
        return FittedTrack(track, model, kinematics.matrices(fitted.angles, fitted.root), fitted.betas, fitted.translation)


def solve_clip(problem: Problem, start: Parameters) -> Parameters:
    """First the pose under a nearly quadratic loss with the shape fixed, then all unknowns."""
    rough = solve(replace(problem, shape_known=True, robust_scale=INITIAL_ROBUST_SCALE), start, steps=4)
    return solve(with_shape_weight(problem), rough, tolerance=5e-4)


def prepare(request: Request, track: HandTrack, kinematics: Kinematics) -> tuple[Problem, Parameters]:
    """The objective for one track, and its start: inverse kinematics of the world landmarks."""
    pixels = torch.as_tensor(track.joints_2d)
    intrinsics = torch.as_tensor(request.intrinsics, dtype=torch.float32)
    world = torch.as_tensor(track.world)
    box = (pixels.amax(1) - pixels.amin(1)).amax(-1)
    betas = track_shape(request, track, kinematics, world)
    if track.side not in request.betas:
        betas = torch.zeros_like(betas)  # the scale of the world landmarks is not used
    angles, root = inverse_kinematics(kinematics, world, betas)
    joints = kinematics.model.joints(kinematics.matrices(angles, root), betas, torch.zeros(3))
    problem = Problem(
        kinematics,
        pose_prior(),
        pixels,
        intrinsics,
        (PIXEL_STD * box.clamp_min(1.0))[:, None].expand(len(box), 21),
        shape_known=track.side in request.betas,
        shape_shared=not request.independent,
    )
    return problem, Parameters(angles, root, solve_translation(joints, pixels, intrinsics), betas)

"""`fused-fit`: the hand model fitted to all evidence of each frame, weighted by its uncertainty.

- 2D joints, under perspective and a robust loss; wrist and thumb base count less, because the detector and the model
  define them differently, and joints outside the image hardly count;
- the detector's world landmarks, as far as they agree with their own 2D (`ml.fitting.landmark_trust`);
- pose and root orientation of the landmark network of Kong et al., ECCV 2022 (the open hand only);
- priors: everyday poses, joint limits, β ~ N(0, I) with one β a clip and hand, hands no nearer than people hold them where
  the focal length is unknown (`ml.fitting.plausible_camera`).

Hands are kept in front of the camera and about as large as detected (`ml.fitting.placement`). In a video, poses are then
smoothed lightly and fitted once more near the smoothed ones, so that they still lie on the image. The constants were chosen
on the stereo clip of `tests/bench/bench_real.py`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from ml.device import default_device
from ml.fitting.inverse_kinematics import inverse_kinematics
from ml.fitting.kinematics import ANGLE_COUNT, Kinematics
from ml.fitting.landmark_trust import trusted_landmarks
from ml.fitting.placement import solve_translation
from ml.fitting.plausible_camera import plausible_intrinsics
from ml.fitting.prior import PosePrior, pose_prior
from ml.fitting.smoothing import smoothed
from ml.fitting.solver import Parameters, Problem, joint_uncertainty, solve
from ml.formats.prediction import PredictionArrays
from ml.hand.joint_limits import joint_angles
from ml.hand.model import load_hand_model
from ml.identity.inference import estimate_tracks
from ml.identity.weights import load_models
from ml.keypoints.tracks import HandTrack
from ml.methods.assembly import FittedTrack, assemble
from ml.methods.fit2d import CHUNK, INITIAL_ROBUST_SCALE
from ml.methods.interface import Request
from ml.progress import ProgressCallback

NAME: Final = "fused-fit"
PIXEL_STD: Final = 0.008
"""Standard deviation of a detected joint as a share of the hand's box."""
DEFINITION_STD: Final = 2.0
"""Factor on it for the wrist and the thumb's base."""
UNSEEN_STD: Final = 0.25
"""That of a joint outside the image: the detector only continues the hand there."""
ROBUST_SCALE: Final = 12.0
PRIOR_WEIGHT: Final = 2.0
NETWORK_ANGLE_STD: Final = 0.12
"""Radians: how far a joint angle may be from the network's."""
NETWORK_ROOT_STD: Final = 0.15
SHAPE_FRAMES: Final = 96
"""Frames, spread over the clip, from which the shared β is found before it is kept for all others."""
EFFECTIVE_FRAMES: Final = 8
"""Most frames of a clip that count as independent evidence of its shape."""
SMOOTHED_ANGLE_STD: Final = 0.06
"""Radians: how far the last fit may move a joint angle from the smoothed one."""
SMOOTHED_ROOT_STD: Final = 0.04
UNCERTAINTY_SCALE: Final = 5.0
"""Factor on the fit's own standard deviations, from the stereo clip: errors of neighbouring joints are correlated."""


@dataclass(frozen=True)
class _Evidence:
    """Of one track: all terms of the fit and where to start."""

    track: HandTrack
    problem: Problem
    start: Parameters


class FusedFit:
    """See the module."""

    @torch.no_grad()
    def estimate(self, request: Request, progress: ProgressCallback) -> PredictionArrays:
        """One row for each detected hand and frame."""
        intrinsics, source = _camera(request)
        request = replace(request, intrinsics=intrinsics)
        poses = _network_poses(request, progress)
        fitted = []
        tracks = request.keypoints.tracks
        for number, track in enumerate(tracks):
            progress("fitting", 0.1 + 0.8 * number / len(tracks))
            fitted.append(_fit(request, _evidence(request, track, poses[number])))
        progress("meshes", 0.9)
        meta: dict[str, Any] = {
            "focal_length": {"px": float(intrinsics[0, 0]), "source": source},
            "evidence": ["2D joints", "world landmarks", *(["landmark network"] if request.hand_model == "open" else [])],
        }
        return assemble(request, NAME, fitted, meta)


def _camera(request: Request) -> tuple[np.ndarray, str]:
    """Intrinsics [3, 3] to fit with, and where their focal length comes from: given, assumed, or the hand's distance."""
    if request.intrinsics_known:
        return request.intrinsics, "given"
    assumed = torch.as_tensor(request.intrinsics, dtype=torch.float32)
    depths = []
    for track in request.keypoints.tracks:
        kinematics = Kinematics(load_hand_model(request.hand_model, track.side))
        _, start = _start(request, track, kinematics, assumed)
        joints = kinematics.joints(start.angles, start.root, start.translation, start.betas)
        depths.append(joints[..., 2].mean(1))
    chosen = plausible_intrinsics(assumed, torch.cat(depths) if depths else assumed.new_zeros(0)).numpy()
    return chosen, "assumed" if np.array_equal(chosen, assumed.numpy()) else "hand distance"


def _start(request: Request, track: HandTrack, kinematics: Kinematics, intrinsics: Tensor) -> tuple[Tensor, Parameters]:
    """Pixels [n, 21, 2], and inverse kinematics of the world landmarks placed on them, with the known or the mean shape."""
    pixels, world = torch.as_tensor(track.joints_2d), torch.as_tensor(track.world)
    known = request.betas.get(track.side)
    betas = torch.zeros(1, 10) if known is None else torch.as_tensor(known, dtype=torch.float32).view(1, 10)
    angles, root = inverse_kinematics(kinematics, world, betas)
    joints = kinematics.joints(angles, root, torch.zeros(3), betas)
    return pixels, Parameters(angles, root, solve_translation(joints, pixels, intrinsics), betas)


def _network_poses(request: Request, progress: ProgressCallback) -> list[Tensor | None]:
    """Rotations [n, 16, 3, 3] of each track by the landmark network; None where its weights are of another hand model."""
    tracks = request.keypoints.tracks
    if request.hand_model != "open":
        return [None] * len(tracks)
    progress("estimating", 0.0)
    seen = estimate_tracks(load_models("landmarks", default_device()), request.clip, tracks, request.intrinsics)
    return [view.to_camera(found.baseline) for view, found in seen]


def _evidence(request: Request, track: HandTrack, network: Tensor | None) -> _Evidence:
    kinematics = Kinematics(load_hand_model(request.hand_model, track.side))
    intrinsics = torch.as_tensor(request.intrinsics, dtype=torch.float32)
    pixels, start = _start(request, track, kinematics, intrinsics)
    box = (pixels.amax(1) - pixels.amin(1)).amax(-1).clamp_min(1.0)[:, None]
    size = torch.tensor([request.keypoints.width, request.keypoints.height], dtype=torch.float32)
    unseen = ((pixels < 0) | (pixels > size)).any(-1)
    share = torch.full((21,), PIXEL_STD)
    share[[0, 1]] *= DEFINITION_STD
    world = trusted_landmarks(torch.as_tensor(track.world), pixels)
    prior = pose_prior().weighted(PRIOR_WEIGHT)
    known = track.side in request.betas
    problem = Problem(
        kinematics,
        prior,
        pixels,
        intrinsics,
        torch.where(unseen, UNSEEN_STD * box, share * box),
        robust_scale=ROBUST_SCALE,
        shape_known=known,
        shape_shared=not request.independent,
        landmarks=(replace(world, std=torch.where(unseen, 3 * world.std, world.std)),),
    )
    if network is not None:
        angles = joint_angles(network, kinematics.frames)[:, 1:].reshape(-1, ANGLE_COUNT)
        problem = replace(
            problem,
            prior=prior.combined(angles, NETWORK_ANGLE_STD),
            root_prior_mean=network[:, 0],
            root_prior_std=NETWORK_ROOT_STD,
        )
    if request.independent and not known:
        start = replace(start, betas=start.betas.expand(len(pixels), 10))
    return _Evidence(track, problem, start)


def _fit(request: Request, evidence: _Evidence) -> FittedTrack:
    """β from frames spread over the clip, then every frame with it; in a video, smoothed and fitted again near that."""
    problem, start, track = evidence.problem, evidence.start, evidence.track
    count = len(track.frames)
    if problem.shape_shared and not problem.shape_known:
        spread = torch.linspace(0, count - 1, min(count, SHAPE_FRAMES)).round().long()
        betas = _solved(problem.rows(spread), start.rows(spread)).betas
        problem, start = replace(problem, shape_known=True), replace(start, betas=betas)
    chunks = torch.split(torch.arange(count), CHUNK)
    fitted = Parameters.concatenated([_solved(problem.rows(chunk), start.rows(chunk)) for chunk in chunks])
    problem = replace(problem, shape_known=True)
    if not request.independent:
        near = smoothed(fitted, track.frames)
        final = replace(
            problem,
            prior=PosePrior(near.angles, torch.eye(ANGLE_COUNT) / SMOOTHED_ANGLE_STD**2, problem.prior.limits),
            root_prior_mean=near.root,
            root_prior_std=SMOOTHED_ROOT_STD,
        )
        fitted = Parameters.concatenated([solve(final.rows(chunk), near.rows(chunk), steps=3) for chunk in chunks])
    std = UNCERTAINTY_SCALE * torch.cat([joint_uncertainty(problem.rows(chunk), fitted.rows(chunk)) for chunk in chunks])
    kinematics = problem.kinematics
    rotations = kinematics.matrices(fitted.angles, fitted.root)
    return FittedTrack(track, kinematics.model, rotations, fitted.betas, fitted.translation, std)


def _solved(problem: Problem, start: Parameters) -> Parameters:
    """First the pose under a nearly quadratic loss with the shape fixed, then all unknowns."""
    rough = replace(
        problem, shape_known=True, robust_scale=INITIAL_ROBUST_SCALE, landmark_robust_scale=10 * problem.landmark_robust_scale
    )
    first = solve(rough, start, steps=4)
    weight = max(1.0, len(problem.pixels) / EFFECTIVE_FRAMES) if problem.shape_shared else 1.0
    return solve(replace(problem, shape_weight=weight), first, tolerance=5e-4)

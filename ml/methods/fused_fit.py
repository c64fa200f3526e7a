"""`fused-fit`: the hand model fitted to all evidence of each frame, weighted by its uncertainty: 2D joints, world landmarks
and priors (`ml.methods.evidence`), for the open hand also the pose by the landmark network of Kong et al., ECCV 2022, and
pose and 2D joints by the image network (`ml.methods.image_evidence`), β ~ N(0, I) with one β a clip and hand, and hands
no nearer than people hold them where the focal length is unknown (`ml.fitting.plausible_camera`).

Hands are kept in front of the camera and about as large as detected (`ml.fitting.placement`). In a video, poses are then
smoothed lightly and fitted once more near the smoothed ones, so that they still lie on the image. The constants were chosen
on the stereo clip of `tests/bench/bench_real.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import torch
from torch import Tensor

from ml.device import default_device
from ml.fitting.clip_fit import chunks_of, fit_clip, with_shape_weight
from ml.fitting.kinematics import ANGLE_COUNT, Kinematics
from ml.fitting.prior import PosePrior
from ml.fitting.smoothing import smoothed
from ml.fitting.solver import Parameters, Problem, solve
from ml.formats.prediction import PredictionArrays
from ml.hand.model import load_hand_model
from ml.identity.inference import estimate_tracks
from ml.identity.weights import load_models
from ml.keypoints.tracks import HandTrack
from ml.methods.assembly import FittedTrack, assemble
from ml.methods.evidence import NETWORK_ANGLE_STD, NETWORK_ROOT_STD, fit_evidence, solve_evidence
from ml.methods.image_evidence import (
    NEAR_DETECTOR,
    SINGLE_IMAGES,
    Blend,
    ImageEvidence,
    evidence_names,
    image_evidence,
    pose_of_both,
    seen_by_both,
    sees_images,
)
from ml.methods.interface import Request
from ml.methods.request_camera import landmark_pose, with_plausible_camera
from ml.methods.seen_joints import doubt, joint_certainty, outside
from ml.progress import ProgressCallback

NAME: Final = "fused-fit"
SHAPE_FRAMES: Final = 96
"""Frames, spread over the clip, from which the shared β is found before it is kept for all others."""
SMOOTHED_ANGLE_STD: Final = 0.06
"""Radians: how far the last fit may move a joint angle from the smoothed one."""
SMOOTHED_ROOT_STD: Final = 0.04
SEEING: Final = 0.3
"""Share of the progress at which the image network is done."""


@dataclass(frozen=True)
class TrackEvidence:
    """Of one track: all terms of the fit, where to start, and how far 2D joints may be off, [n, 21], px, where it is known."""

    track: HandTrack
    problem: Problem
    start: Parameters
    doubts: Tensor | None = None


class FusedFit:
    """See the module."""

    @torch.no_grad()
    def estimate(self, request: Request, progress: ProgressCallback) -> PredictionArrays:
        """One row for each detected hand and frame."""
        request, facts = with_plausible_camera(request)
        fitted = []
        found = all_evidence(request, progress, blend=SINGLE_IMAGES if request.independent else NEAR_DETECTOR)
        for number, evidence in enumerate(found):
            progress("fitting", SEEING + (0.9 - SEEING) * number / len(found))
            fitted.append(_fit(request, evidence))
        progress("meshes", 0.9)
        meta: dict[str, Any] = {
            **facts,
            "evidence": evidence_names(landmarks=request.hand_model == "open", image=sees_images(request)),
        }
        return assemble(request, NAME, fitted, meta)


def all_evidence(
    request: Request,
    progress: ProgressCallback,
    known: Sequence[Tensor | None] | None = None,
    *,
    blend: Blend | None = NEAR_DETECTOR,
) -> list[TrackEvidence]:
    """That of each track; the camera of `request` is taken as known.

    Args:
        request: the clip and its tracks.
        progress: told what is done.
        known: rotations [n, 16, 3, 3] of a track that take the place of the landmark network's; None where it shall be asked.
        blend: how much the image network counts; None where it is not asked. It is not where the clip's file is gone either.
    """
    tracks = request.keypoints.tracks
    poses: Sequence[Tensor | None] = known or []
    if not poses or any(pose is None for pose in poses):
        asked = _network_poses(request, progress)
        poses = [own if own is not None else network for own, network in zip(poses or asked, asked, strict=True)]
    seen: list[ImageEvidence | None] = [None] * len(tracks)
    if blend is not None and sees_images(request):
        found = image_evidence(
            request.clip, tracks, request.intrinsics, lambda done: progress("looking at hands", SEEING * done)
        )
        seen = list(found)
    return [_evidence(request, track, pose, own, blend) for track, pose, own in zip(tracks, poses, seen, strict=True)]


def _network_poses(request: Request, progress: ProgressCallback) -> list[Tensor | None]:
    """Rotations [n, 16, 3, 3] of each track by the landmark network; None where its weights are of another hand model."""
    tracks = request.keypoints.tracks
    if request.hand_model != "open":
        return [None] * len(tracks)
    progress("estimating", 0.0)
    seen = estimate_tracks(load_models("landmarks", default_device()), request.clip, tracks, request.intrinsics)
    return [view.to_camera(found.baseline) for view, found in seen]


def _evidence(
    request: Request, track: HandTrack, network: Tensor | None, seen: ImageEvidence | None, blend: Blend | None
) -> TrackEvidence:
    kinematics = Kinematics(load_hand_model(request.hand_model, track.side))
    intrinsics = torch.as_tensor(request.intrinsics, dtype=torch.float32)
    pixels, start = landmark_pose(request, track, kinematics, intrinsics)
    angle_std, root_std = NETWORK_ANGLE_STD, NETWORK_ROOT_STD
    doubts = None
    if seen is not None and blend is not None:
        doubts = doubt(seen.std, seen.pixels, pixels)
        pixels = seen_by_both(pixels, seen.pixels, blend)
        if network is not None and blend.joins_poses:
            network, angle_std, root_std = pose_of_both(network, seen.rotations), blend.angle_std, blend.root_std
    problem = fit_evidence(
        kinematics,
        pixels,
        intrinsics,
        torch.as_tensor(track.world),
        unseen=outside(pixels, request.keypoints.width, request.keypoints.height),
        network=network,
        angle_std=angle_std,
        root_std=root_std,
    )
    known = track.side in request.betas
    problem = replace(problem, shape_known=known, shape_shared=not request.independent)
    if request.independent and not known:
        start = replace(start, betas=start.betas.expand(len(pixels), 10))
    return TrackEvidence(track, problem, start, doubts)


def fit_frames(evidence: TrackEvidence) -> tuple[Problem, Parameters]:
    """β from frames spread over the clip, then every frame by itself with it; and the problem with that β known."""
    return fit_clip(evidence.problem, evidence.start, _solved, shape_frames=SHAPE_FRAMES)


def _fit(request: Request, evidence: TrackEvidence) -> FittedTrack:
    """Every frame by itself; in a video, smoothed and fitted again near that."""
    problem, fitted = fit_frames(evidence)
    track = evidence.track
    if not request.independent:
        near = smoothed(fitted, track.frames)
        final = replace(
            problem,
            prior=PosePrior(near.angles, torch.eye(ANGLE_COUNT) / SMOOTHED_ANGLE_STD**2, problem.prior.limits),
            root_prior_mean=near.root,
            root_prior_std=torch.tensor([SMOOTHED_ROOT_STD]),
        )
        chunks = chunks_of(len(track.frames))
        fitted = Parameters.concatenated([solve(final.rows(chunk), near.rows(chunk), steps=3) for chunk in chunks])
    std, visible = joint_certainty(problem, fitted, evidence.doubts, (request.keypoints.width, request.keypoints.height))
    kinematics = problem.kinematics
    rotations = kinematics.matrices(fitted.angles, fitted.root)
    return FittedTrack(track, kinematics.model, rotations, fitted.betas, fitted.translation, std, visible)


def _solved(problem: Problem, start: Parameters) -> Parameters:
    return solve_evidence(with_shape_weight(problem), start)

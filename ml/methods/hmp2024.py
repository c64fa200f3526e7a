"""`hmp2024`: motion-prior fitting of video, Duran et al., *HMP: Hand Motion Priors for Pose and Shape Estimation from Video*,
WACV 2024.

It starts from a per-frame method (`fused-fit` without its smoothing, or the hands of another run), fills gaps, and fits
orientation, translation and shape (stage I), then the latent motion too (stage II) to the keypoints of 128 frames at a time
(`ml.hmp.stages`). Stage III (`ml.hmp.detail`) is ours: every frame once more, with all evidence of the image, near that
motion. Frames in which no hand was found are filled where the gap is short, with a low score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from ml.fitting.kinematics import ANGLE_COUNT
from ml.fitting.landmark_trust import Landmarks3D
from ml.fitting.prior import PosePrior, pose_prior
from ml.fitting.solver import Parameters, Problem, joint_uncertainty
from ml.formats.prediction import PredictionArrays
from ml.hand.camera import project
from ml.hand.skeleton import SIDES
from ml.hmp.detail import refined
from ml.hmp.outliers import outliers
from ml.hmp.segments import Segment, filled, segments_of
from ml.hmp.stages import InitialMotion, MotionSettings, StageContext, fit_stages
from ml.keypoints.tracks import HandTrack
from ml.methods.assembly import FittedTrack, assemble
from ml.methods.evidence import NETWORK_ANGLE_STD, NETWORK_ROOT_STD, PRIOR_WEIGHT, outside
from ml.methods.fused_fit import UNCERTAINTY_SCALE, TrackEvidence, all_evidence, fit_frames
from ml.methods.interface import Request, UnsupportedModelError
from ml.methods.request_camera import with_plausible_camera
from ml.priors.motion import load_motion_prior
from ml.progress import ProgressCallback

NAME: Final = "hmp2024"
DECODED_STD: Final = 0.25
"""Radians: how far stage III may move a joint angle from the decoded motion."""
FILLED_SCORE: Final = 0.1
"""Score of a hand in a frame in which none was found."""
OUTSIDE_ALPHA: Final = 0.2
"""Confidence of a joint outside the image."""
CHUNK: Final = 512
_NO_EVIDENCE: Final = 1e3
"""Factor on the standard deviations of what is not seen."""


@dataclass(frozen=True)
class _Hand:
    """One segment of one track: `problem` and `measured` of its N frames; where they are not `trusted` (bool [N]: in gaps, and
    outliers), measured is interpolated.
    """

    track: HandTrack
    segment: Segment
    trusted: Tensor
    problem: Problem
    measured: Parameters
    shape_known: bool


class HMP2024:
    """See the module. `prior` and `settings` are for comparisons; a run's options come with the request."""

    def __init__(self, prior: str = "motion", settings: MotionSettings | None = None, *, detail: bool = True) -> None:
        self.prior = prior
        self.settings = settings or MotionSettings()
        self.detail = detail

    @torch.no_grad()
    def estimate(self, request: Request, progress: ProgressCallback) -> PredictionArrays:
        """One row for each hand and frame, those in short gaps included."""
        if request.independent:
            raise UnsupportedModelError(f"{NAME} follows hands through a video; these images are no sequence")
        request, facts = with_plausible_camera(request)
        hands = self._hands(request, progress)
        fitted, losses = [], []
        for side in SIDES:
            own = [hand for hand in hands if hand.track.side == side]
            if own:
                motions, trace = self._stages(request, own, progress)
                losses += [{"side": side, **entry} for entry in trace]
                fitted += [self._finished(request, hand, motion) for hand, motion in zip(own, motions, strict=True)]
        progress("meshes", 0.9)
        meta = {**facts, "prior": self.prior, "preset": self.settings.preset, "solver": self.settings.solver, "losses": losses}
        return assemble(request, NAME, fitted, meta)

    def _hands(self, request: Request, progress: ProgressCallback) -> list[_Hand]:
        hands = []
        found = all_evidence(request, progress)
        for number, evidence in enumerate(found):
            progress("fitting frames", 0.3 * number / len(found))
            problem, fitted = fit_frames(evidence)
            for segment in segments_of(evidence.track, request.clip.fps):
                hands.append(_hand(request, evidence, segment, problem, fitted))
        return hands

    def _stages(
        self, request: Request, hands: Sequence[_Hand], progress: ProgressCallback
    ) -> tuple[list[Parameters], list[dict[str, Any]]]:
        trace: list[dict[str, Any]] = []

        def watch(stage: int, step: int, terms: dict[str, float]) -> None:
            progress(f"stage {'I' * stage}, step {step + 1}", 0.3 + 0.2 * stage)
            trace.append({"stage": stage, "step": step, "terms": terms})

        context = StageContext(
            hands[0].problem.kinematics,
            load_motion_prior(self.prior),
            hands[0].problem.intrinsics,
            float(max(request.keypoints.width, request.keypoints.height)),
            request.clip.fps,
        )
        motions = []
        for hand in hands:
            alpha = torch.where(
                outside(hand.problem.pixels, request.keypoints.width, request.keypoints.height), OUTSIDE_ALPHA, 1.0
            )
            motions.append(
                InitialMotion(hand.measured, hand.problem.pixels, alpha * hand.segment.seen[:, None], hand.shape_known)
            )
        return fit_stages(context, motions, self.settings, watch), trace

    def _finished(self, request: Request, hand: _Hand, motion: Parameters) -> FittedTrack:
        problem = _near_motion(hand, motion)
        if self.detail:
            # β of the frame-by-frame fit has seen all evidence; stage I saw the keypoints alone
            motion = replace(motion, betas=hand.measured.betas)
            start = replace(hand.measured, **_where(hand.trusted, hand.measured, motion))
            motion = refined(problem, hand.measured, start, request.clip.fps)
        chunks = torch.split(torch.arange(len(motion.angles)), CHUNK)
        std = UNCERTAINTY_SCALE * torch.cat([joint_uncertainty(problem.rows(chunk), motion.rows(chunk)) for chunk in chunks])
        kinematics = problem.kinematics
        rotations = kinematics.matrices(motion.angles, motion.root)
        return FittedTrack(_every_frame(hand), kinematics.model, rotations, motion.betas, motion.translation, std)


def _where(chosen: Tensor, a: Parameters, b: Parameters) -> dict[str, Tensor]:
    """Pose and place of the frames of `a` where `chosen` [N], else of `b`."""
    return {
        "angles": torch.where(chosen[:, None], a.angles, b.angles),
        "root": torch.where(chosen[:, None, None], a.root, b.root),
        "translation": torch.where(chosen[:, None], a.translation, b.translation),
    }


def _hand(request: Request, evidence: TrackEvidence, segment: Segment, problem: Problem, fitted: Parameters) -> _Hand:
    """Evidence of each frame of a segment: of frames in a gap none, of outliers the pixels alone."""
    wrong = outliers(fitted.root[segment.rows], segment.seen, request.clip.fps)
    trusted = replace(segment, seen=segment.seen & ~wrong) if bool((segment.seen & ~wrong).any()) else segment
    measured = filled(fitted, trusted, problem.kinematics)
    own = problem.rows(segment.rows)
    hidden = ~segment.seen
    joints = problem.kinematics.joints(measured.angles, measured.root, measured.translation, measured.betas)
    own = replace(
        own,
        pixels=torch.where(hidden[:, None, None], project(joints, problem.intrinsics), own.pixels),
        pixel_std=torch.where(hidden[:, None], _NO_EVIDENCE * own.pixel_std, own.pixel_std),
        landmarks=tuple(
            Landmarks3D(one.points, torch.where(trusted.seen[:, None], one.std, _NO_EVIDENCE * one.std))
            for one in own.landmarks
        ),
    )
    return _Hand(evidence.track, segment, trusted.seen, own, measured, evidence.track.side in request.betas)


def _near_motion(hand: _Hand, motion: Parameters) -> Problem:
    """The evidence with a Gaussian about a motion; where frames are not trusted, the motion stands for what a network would say."""
    problem, hidden = hand.problem, ~hand.trusted
    filled_prior = pose_prior(motion.angles.dtype).weighted(PRIOR_WEIGHT)
    root_mean = motion.root
    if problem.root_prior_mean is not None:
        filled_prior = filled_prior.combined(motion.angles, NETWORK_ANGLE_STD)
        root_mean = torch.where(hidden[:, None, None], motion.root, problem.root_prior_mean)
    mean = problem.prior.mean.expand(len(hidden), ANGLE_COUNT)
    filled_mean = filled_prior.mean.expand(len(hidden), ANGLE_COUNT)
    prior = PosePrior(torch.where(hidden[:, None], filled_mean, mean), problem.prior.precision, problem.prior.limits)
    return replace(
        problem,
        prior=prior.combined(motion.angles, DECODED_STD),
        root_prior_mean=root_mean,
        root_prior_std=NETWORK_ROOT_STD,
    )


def _every_frame(hand: _Hand) -> HandTrack:
    """The track in every frame of the segment."""
    track, rows, seen = hand.track, hand.segment.rows.numpy(), hand.segment.seen.numpy()
    return replace(
        track,
        frames=hand.segment.frames.astype(np.int32),
        joints_2d=hand.problem.pixels.numpy(),
        world=track.world[rows],
        score=np.where(seen, track.score[rows], FILLED_SCORE).astype(np.float32),
    )

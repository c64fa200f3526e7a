"""`hmp2024`: motion-prior fitting of video, Duran et al., *HMP: Hand Motion Priors for Pose and Shape Estimation from Video*,
WACV 2024.

It starts from a per-frame method (`fused-fit` without its smoothing, or the hands of another run), fills gaps, and fits
orientation, translation and shape (stage I), then the latent motion too (stage II) to the keypoints of 128 frames at a time
(`ml.hmp.stages`). Stage III (`ml.hmp.detail`) is ours: every frame once more, with all evidence of the image, near that
motion. Frames in which no hand was found are filled where the gap is short, with a low score.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from ml.catalog import METHODS
from ml.fitting.kinematics import ANGLE_COUNT
from ml.fitting.landmark_trust import Landmarks3D
from ml.fitting.prior import pose_prior
from ml.fitting.solver import Parameters, Problem
from ml.formats.prediction import PredictionArrays
from ml.hand.camera import project
from ml.hand.skeleton import SIDES
from ml.hmp.detail import refined
from ml.hmp.keypoint_record import SegmentKeypoints, keypoint_record
from ml.hmp.outliers import outliers
from ml.hmp.segments import Segment, filled, segments_of
from ml.hmp.stages import InitialMotion, MotionSettings, StageContext, fit_stages
from ml.hmp.start import PROJECTED_ALPHA, Source, StartError, TrackStart, blended
from ml.keypoints.augmented_views import confidence, one_hand_finder, view_deviations
from ml.keypoints.tracks import HandTrack
from ml.methods.assembly import FittedTrack, assemble
from ml.methods.evidence import DEFINITION_STD, NETWORK_ANGLE_STD, NETWORK_ROOT_STD, OTHERWISE_DEFINED, PRIOR_WEIGHT
from ml.methods.fused_fit import TrackEvidence, all_evidence, fit_frames
from ml.methods.image_evidence import BALANCED, Blend
from ml.methods.interface import Request, UnsupportedModelError
from ml.methods.request_camera import with_plausible_camera
from ml.methods.seen_joints import joint_certainty, outside
from ml.priors.motion import load_motion_prior
from ml.progress import ProgressCallback

NAME: Final = "hmp2024"
DECODED_STD: Final = 0.8
"""Radians: how far stage III may move a joint angle from the decoded motion where all keypoints are certain; it falls with the
square of their mean confidence."""
LEAST_MEAN: Final = 0.3
"""Mean confidence below which it falls no further."""
FITTED_ROOT_STD: Final = 0.15
"""Radians: how far a hand may turn from the run that is refined, where that was fitted to the detector's joints."""
FILLED_SCORE: Final = 0.1
"""Score of a hand in a frame in which none was found."""
OUTSIDE_ALPHA: Final = 0.2
"""Confidence of a joint outside the image."""
LEAST_CONFIDENCE: Final = 0.2
"""By views, as which a joint counts where evidence of single frames is fitted: none is left out."""
DETAIL_PIXELS: Final = 0.3
"""Factor on the standard deviations of 2D joints in stage III, where neighbouring frames average their noise."""
DOUBTFUL: Final = 0.3
"""Mean confidence below which a frame's own orientation is not started from."""
_NO_EVIDENCE: Final = 1e3
"""Factor on the standard deviations of what is not seen."""


@dataclass(frozen=True)
class _Hand:
    """One segment of one track: `problem` and `measured` of its N frames; where they are not `trusted` (bool [N]: in gaps, and
    outliers), measured is interpolated. `alpha` [N, 21] is the confidence of the keypoints; where they are `projected` (bool
    [N]), they are of the refined run. `doubts` [N, 21] are of `ml.methods.seen_joints`.
    """

    track: HandTrack
    segment: Segment
    trusted: Tensor
    alpha: Tensor
    projected: Tensor
    problem: Problem
    measured: Parameters
    shape_known: bool
    doubts: Tensor | None

    @property
    def initial(self) -> InitialMotion:
        """What stages I and II start from."""
        return InitialMotion(self.measured, self.problem.pixels, self.alpha, self.shape_known)

    @property
    def keypoints(self) -> SegmentKeypoints:
        """Where its keypoints come from."""
        return SegmentKeypoints(self.segment, self.alpha, self.projected, self.segment.seen & ~self.trusted)


@dataclass(frozen=True)
class HMP2024:
    """See the module. The attributes are for comparisons; a run's own options come with its request.

    Attributes:
        prior: name of a motion prior.
        settings: of stages I and II.
        detail: whether stage III follows.
        source: of the keypoints, where another run is refined.
        views: augmented views of each hand from which the confidence of its keypoints follows; 0 for none.
    """

    prior: str = "motion"
    settings: MotionSettings = field(default_factory=MotionSettings)
    detail: bool = True
    source: Source = "blend"
    views: int = 4

    @torch.no_grad()
    def estimate(self, request: Request, progress: ProgressCallback) -> PredictionArrays:
        """One row for each hand and frame, those in short gaps included."""
        if request.independent:
            raise UnsupportedModelError(f"{NAME} follows hands through a video; these images are no sequence")
        if request.options:
            return self._with(request.options).estimate(replace(request, options={}), progress)
        request, facts = with_plausible_camera(request)
        request, hands = self._hands(request, progress)
        fitted, losses = [], []
        for side in SIDES:
            own = [hand for hand in hands if hand.track.side == side]
            if own:
                motions, trace = self._stages(request, own, progress)
                losses += [{"side": side, **entry} for entry in trace]
                fitted += [self._finished(request, hand, motion, progress) for hand, motion in zip(own, motions, strict=True)]
        progress("meshes", 0.9)
        meta = {**facts, "prior": self.prior, "preset": self.settings.preset, "solver": self.settings.solver, "losses": losses}
        meta["keypoints"] = _keypoint_records(hands, request.clip.fps)
        return assemble(request, NAME, fitted, meta)

    def _with(self, options: Mapping[str, Any]) -> HMP2024:
        """With the options of a run, as `ml.catalog` lists them.

        Raises:
            UnsupportedModelError: no such option or value.
        """
        try:
            own = {name: value for name, value in options.items() if name in ("prior", "detail", "source", "views")}
            changed = replace(
                self, **own, settings=MotionSettings.of_options({k: v for k, v in options.items() if k not in own})
            )
            changed.settings.weights()
        except ValueError as error:
            raise UnsupportedModelError(str(error)) from error
        return changed

    def _confident(self, request: Request, starts: list[TrackStart], progress: ProgressCallback) -> list[TrackStart]:
        """With the confidence of the keypoints, where views are asked for."""
        if not self.views:
            return starts
        deviations = view_deviations(
            request.clip,
            request.keypoints.tracks,
            self.views,
            one_hand_finder,
            progress=lambda done: progress("views", 0.1 * done),
        )
        return [
            replace(start, confidence=torch.as_tensor(confidence(one)).float())
            for start, one in zip(starts, deviations, strict=True)
        ]

    def _hands(self, request: Request, progress: ProgressCallback) -> tuple[Request, list[_Hand]]:
        """The request with the keypoints that are fitted, and every segment of every track with its frames fitted."""
        try:
            keypoints, starts = blended(request.keypoints, request.start, request.intrinsics, request.hand_model, self.source)
        except StartError as error:
            raise UnsupportedModelError(str(error)) from error
        request = replace(request, keypoints=keypoints)
        starts = self._confident(request, starts, progress)
        hands: list[_Hand] = []
        poses = [start.rotations for start in starts]
        found = all_evidence(
            request,
            lambda stage, done: progress(stage, 0.1 + done / 3),
            poses,
            blend=_blend(request.start) if self.source == "blend" else None,
        )
        for number, (evidence, start) in enumerate(zip(found, starts, strict=True)):
            progress("fitting frames", 0.2 + 0.1 * number / len(found))
            evidence = _trusted(evidence, start)  # noqa: PLW2901
            frames = fit_frames(evidence)
            segments = segments_of(evidence.track, request.clip.fps)
            hands += [_hand(request, evidence, start, segment, frames) for segment in segments]
        return request, hands

    def _stages(
        self, request: Request, hands: Sequence[_Hand], progress: ProgressCallback
    ) -> tuple[list[Parameters], list[dict[str, Any]]]:
        trace: list[dict[str, Any]] = []

        def watch(stage: int, step: int, terms: dict[str, float]) -> None:
            progress(f"stage {'I' * stage}, step {step + 1}", 0.3 + 0.2 * stage)
            trace.append({"stage": stage, "step": step, "terms": terms})

        return fit_stages(self._context(request, hands), [hand.initial for hand in hands], self.settings, watch), trace

    def _context(self, request: Request, hands: Sequence[_Hand]) -> StageContext:
        return StageContext(
            hands[0].problem.kinematics,
            load_motion_prior(self.prior),
            hands[0].problem.intrinsics,
            float(max(request.keypoints.width, request.keypoints.height)),
            request.clip.fps,
        )

    @torch.no_grad()
    def prepared(self, request: Request) -> tuple[StageContext, list[InitialMotion]]:
        """What stages I and II would fit, of the side that was found first."""
        request, hands = self._hands(request, lambda stage, fraction: None)
        own = [hand for hand in hands if hand.track.side == hands[0].track.side]
        return self._context(request, own), [hand.initial for hand in own]

    def _finished(self, request: Request, hand: _Hand, motion: Parameters, progress: ProgressCallback) -> FittedTrack:
        problem = _near_motion(hand, motion)
        if self.detail:
            # β of the frame-by-frame fit has seen all evidence; stage I saw the keypoints alone
            motion = replace(motion, betas=hand.measured.betas)
            start = replace(hand.measured, **_where(hand.trusted, hand.measured, motion))
            pixel_std = DETAIL_PIXELS * problem.pixel_std
            pixel_std[:, list(OTHERWISE_DEFINED)] /= DEFINITION_STD
            near = replace(problem, pixel_std=pixel_std)
            motion = refined(
                near,
                hand.measured,
                start,
                request.clip.fps,
                certainty=hand.alpha.mean(1),
                progress=lambda done: progress("stage III", 0.7 + 0.2 * done),
            )
        std, visible = joint_certainty(problem, motion, hand.doubts, (request.keypoints.width, request.keypoints.height))
        kinematics = problem.kinematics
        rotations = kinematics.matrices(motion.angles, motion.root)
        visible = visible & (hand.segment.seen & ~hand.projected)[:, None]
        return FittedTrack(_every_frame(hand), kinematics.model, rotations, motion.betas, motion.translation, std, visible)


def _blend(start: PredictionArrays | None) -> Blend:
    """A run that was submitted may come from a better network than ours: its poses stand as they are."""
    return BALANCED if start is None or start.meta.get("method") in METHODS else replace(BALANCED, joins_poses=False)


def _keypoint_records(hands: Sequence[_Hand], fps: float) -> list[dict[str, Any]]:
    """One a track; the segments of a track follow each other."""
    tracks = {hand.track.track: hand.track for hand in hands}
    return [
        keypoint_record(track, [hand.keypoints for hand in hands if hand.track.track == number], fps)
        for number, track in tracks.items()
    ]


def _where(chosen: Tensor, a: Parameters, b: Parameters) -> dict[str, Tensor]:
    """Pose and place of the frames of `a` where `chosen` [N], else of `b`."""
    return {
        "angles": torch.where(chosen[:, None], a.angles, b.angles),
        "root": torch.where(chosen[:, None, None], a.root, b.root),
        "translation": torch.where(chosen[:, None], a.translation, b.translation),
    }


def _hand(
    request: Request, evidence: TrackEvidence, start: TrackStart, segment: Segment, frames: tuple[Problem, Parameters]
) -> _Hand:
    """Evidence of each frame of a segment: of frames in a gap none, of outliers the pixels alone.

    `frames` is the problem of the track's rows, and what was found for each by itself.
    """
    problem, fitted = frames
    wrong = outliers(fitted.root[segment.rows], segment.seen, request.clip.fps)
    trusted = replace(segment, seen=segment.seen & ~wrong) if bool((segment.seen & ~wrong).any()) else segment
    measured = filled(fitted, trusted, problem.kinematics)
    own = problem.rows(segment.rows)
    hidden = ~segment.seen
    beyond = outside(own.pixels, request.keypoints.width, request.keypoints.height)
    alpha = torch.where(beyond, OUTSIDE_ALPHA, 1.0) * segment.seen[:, None]
    projected = start.projected[segment.rows] & segment.seen
    alpha = torch.where(projected[:, None], PROJECTED_ALPHA * alpha, alpha)
    if start.confidence is not None:
        alpha = alpha * start.confidence[segment.rows]
    joints = problem.kinematics.joints(measured.angles, measured.root, measured.translation, measured.betas)
    factor = torch.where(hidden, _NO_EVIDENCE, torch.where(projected, 1 / PROJECTED_ALPHA, 1.0))
    own = replace(
        own,
        pixels=torch.where(hidden[:, None, None], project(joints, problem.intrinsics), own.pixels),
        pixel_std=factor[:, None] * own.pixel_std,
        landmarks=tuple(
            Landmarks3D(one.points, torch.where(trusted.seen, factor, _NO_EVIDENCE)[:, None] * one.std) for one in own.landmarks
        ),
    )
    shape_known = evidence.track.side in request.betas
    doubts = None if evidence.doubts is None else evidence.doubts[segment.rows]
    return _Hand(evidence.track, segment, trusted.seen, alpha, projected, own, measured, shape_known, doubts)


def _trusted(evidence: TrackEvidence, start: TrackStart) -> TrackEvidence:
    """Evidence whose standard deviations grow as the confidence falls; doubtful frames start from the network's pose."""
    problem, begin = evidence.problem, evidence.start
    if start.follows_detector:
        problem = replace(problem, root_prior_std=torch.tensor([FITTED_ROOT_STD]))
    if start.confidence is None:
        return replace(evidence, problem=problem)
    trust = start.confidence.clamp_min(LEAST_CONFIDENCE)
    landmarks = tuple(Landmarks3D(one.points, one.std / trust) for one in problem.landmarks)
    problem = replace(problem, pixel_std=problem.pixel_std / trust, landmarks=landmarks)
    if problem.root_prior_mean is not None:
        doubtful = start.confidence.mean(1) < DOUBTFUL
        begin = replace(begin, root=torch.where(doubtful[:, None, None], problem.root_prior_mean, begin.root))
    return replace(evidence, problem=problem, start=begin)


def _near_motion(hand: _Hand, motion: Parameters) -> Problem:
    """The evidence with a Gaussian about a motion; where frames are not trusted, it stands for what a network would say."""
    problem, hidden = hand.problem, ~hand.trusted
    filled_prior = pose_prior(motion.angles.dtype).weighted(PRIOR_WEIGHT)
    root_mean, root_std = motion.root, torch.tensor([NETWORK_ROOT_STD])
    if problem.root_prior_mean is not None:
        filled_prior = filled_prior.combined(motion.angles, NETWORK_ANGLE_STD)
        root_mean = torch.where(hidden[:, None, None], motion.root, problem.root_prior_mean)
        root_std = problem.root_prior_std
    mean = problem.prior.mean.expand(len(hidden), ANGLE_COUNT)
    filled_mean = filled_prior.mean.expand(len(hidden), ANGLE_COUNT)
    prior = problem.prior._replace(mean=torch.where(hidden[:, None], filled_mean, mean))
    decoded_std = DECODED_STD * hand.alpha.mean(1).clamp_min(LEAST_MEAN).square()
    return replace(
        problem,
        prior=prior.combined(motion.angles, decoded_std),
        root_prior_mean=root_mean,
        root_prior_std=root_std,
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

"""`kong2022`, `kong2022-identity` and both with `-opt`: Kong et al., *Identity-Aware Hand Mesh Estimation*, ECCV 2022.

The networks see landmarks that MediaPipe found instead of pixels. The baseline estimates pose and shape picture by picture.
The identity-aware network takes the subject's shape as known: given, else calibrated from at most 20 pictures of the clip
itself, so that one hand has one shape. With `-opt`, pose and place are then fitted to the 2D joints; the shape stays.

The paper optimises by 300 steps of Adam that stay near the estimate; here Gauss–Newton minimises the reprojection with a
Gaussian about the estimated pose, which says the same in ten steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ml.fitting.inverse import place
from ml.fitting.kinematics import ANGLES, Kinematics
from ml.fitting.prior import PosePrior, pose_prior
from ml.fitting.solver import Parameters, Problem, solve
from ml.formats.prediction import Prediction
from ml.hand.limits import joint_angles
from ml.hand.model import load_hand_model
from ml.identity.calibration import Settings, calibrate
from ml.identity.choice import choose
from ml.identity.observation import Observation, observe, sides
from ml.identity.weights import Models, load_models
from ml.keypoints.tracks import HandTrack
from ml.methods.assembly import FittedTrack, assemble
from ml.methods.base import Report, Request, UnsupportedModelError

NOISE = 0.08
"""Standard deviation of a detected joint as a share of the hand's box."""
STRAY = 0.1
"""Radians by which a joint angle may stray from its estimate at the cost of one standard deviation."""
TURN = 0.03
"""The same for the whole hand: how it is turned is seen worse in 2D than the network knows."""
STEPS = 10
CHUNK = 512


@dataclass(frozen=True)
class Kong2022:
    """One of the four.

    Attributes:
        name: in the catalogue.
        identity: the shape is known to the network's hand, one for all pictures.
        optimised: pose and place are fitted to the 2D joints at the end.
    """

    name: str
    identity: bool = False
    optimised: bool = False

    def estimate(self, request: Request, report: Report) -> Prediction:
        """One row for each detected hand and frame."""
        if request.hand_model != "open":
            raise UnsupportedModelError(f"the weights of {self.name} are of the open hand, not of `{request.hand_model}`")
        models = load_models()
        fitted = []
        tracks = request.keypoints.tracks
        for number, track in enumerate(tracks):
            report("estimating", 0.9 * number / len(tracks))
            fitted.append(self.track(request, track, models))
        report("meshes", 0.9)
        return assemble(request, self.name, fitted)

    @torch.no_grad()
    def track(self, request: Request, track: HandTrack, models: Models) -> FittedTrack:
        """One hand, all frames at once."""
        model = load_hand_model("open", track.side)
        pixels, world = torch.as_tensor(track.joints_2d), torch.as_tensor(track.world)
        intrinsics = torch.as_tensor(request.intrinsics, dtype=torch.float32)
        seen = observe(pixels, world, intrinsics, sides(track.side, len(pixels)))
        rotations, betas = estimate_hands(seen, models, identity=self.identity)
        known = request.betas.get(track.side)
        if known is not None:
            betas = torch.as_tensor(known, dtype=torch.float32).view(1, 10)
        elif self.identity and not request.independent:
            betas = own_shape(seen, models)
        rotations = seen.to_camera(rotations)
        joints = model.joints(rotations, betas.expand(len(rotations), 10), torch.zeros(3))
        translation = place(joints, pixels, intrinsics)
        fitted = FittedTrack(track, model, rotations, betas, translation)
        return refine(fitted, intrinsics) if self.optimised else fitted


def estimate_hands(seen: Observation, models: Models, *, identity: bool) -> tuple[Tensor, Tensor]:
    """Rotations [n, 16, 3, 3] in the crop's camera by one of the networks, and the baseline's shapes [n, 10]."""
    rotations, betas, _ = models.baseline(seen.inputs)
    return (models.identity(seen.inputs) if identity else rotations), betas


def own_shape(seen: Observation, models: Models) -> Tensor:
    """One shape [1, 10] from at most 20 of the pictures themselves."""
    rotations, betas, features = models.baseline(seen.inputs)
    scores = models.confidence(features)
    chosen = choose(scores, rotations)
    right = load_hand_model("open", "right")
    found = calibrate(
        right,
        betas[chosen],
        rotations[chosen],
        scores[chosen],
        models.confidence.reliability,
        clips=torch.zeros(len(chosen), dtype=torch.long),
        settings=Settings(resamples=0),
    )
    return found.betas[None]


def refine(fitted: FittedTrack, intrinsics: Tensor) -> FittedTrack:
    """Pose and place moved so that the joints reproject where they were detected, near the estimate; the shape stays."""
    kinematics = Kinematics(fitted.model)
    pixels = torch.as_tensor(fitted.track.joints_2d)
    box = (pixels.amax(1) - pixels.amin(1)).amax(-1).clamp_min(1.0)
    angles = joint_angles(fitted.rotations, kinematics.frames)[:, 1:].reshape(-1, ANGLES)
    count = len(angles)
    betas = fitted.betas.expand(count, 10)
    parts = []
    for first in range(0, count, CHUNK):
        rows = slice(first, first + CHUNK)
        near = PosePrior(angles[rows], torch.eye(ANGLES) / STRAY**2, pose_prior().limits)
        problem = Problem(
            kinematics,
            near,
            pixels[rows],
            intrinsics,
            NOISE * box[rows],
            shape_known=True,
            shape_shared=False,
            root_near=fitted.rotations[rows, 0],
            root_spread=TURN,
        )
        start = Parameters(angles[rows], fitted.rotations[rows, 0], fitted.translation[rows], betas[rows])
        parts.append(solve(problem, start, steps=STEPS))
    solved = Parameters(*(torch.cat([getattr(p, k) for p in parts]) for k in ("angles", "root", "translation", "betas")))
    rotations = kinematics.matrices(solved.angles, solved.root)
    return FittedTrack(fitted.track, fitted.model, rotations, fitted.betas, solved.translation)


def baseline() -> Kong2022:
    """Pose and shape of each picture."""
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

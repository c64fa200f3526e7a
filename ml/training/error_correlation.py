"""Correlation of the shape errors of 2D joints: `python -m ml.training.error_correlation`.

Each frame of the validation people is fitted to its 2D joints with the true shape; the gradient of its cost with respect to β
is then the shape error that its joints suggest. Printed are the mean products of the gradients of two frames of one clip and of
two clips of one person, over the mean square of a frame's gradient, averaged over the directions of β: the values of
`ml.identity.calibration.ERROR_CORRELATION`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from torch import Tensor

from ml.fitting.kinematics import Kinematics
from ml.fitting.solver import Parameters, shape_information, solve
from ml.hand.model import load_hand_model
from ml.identity.calibration import ErrorCorrelation
from ml.identity.joint_bundle import STEPS, fit_problem
from ml.identity.weights import BACKBONES, Kind, load_models
from ml.methods.kong2022 import initial_fit
from ml.training.samples import Samples, make_samples
from ml.training.tables import estimates
from ml.training.train_kong2022 import CACHE, Config


def pair_correlations(gradients: Tensor, clips: Tensor, people: Tensor) -> ErrorCorrelation:
    """Correlations of the gradients of two frames of one clip, and of two clips of one person; mean over the 10 directions.

    Args:
        gradients: [n, 10].
        clips: int [n]; a clip shows one person.
        people: int [n].
    """
    products = gradients.mT[:, :, None] * gradients.mT[:, None]
    same_clip, same_person = (groups[:, None] == groups for groups in (clips, people))
    itself = torch.eye(len(gradients), dtype=torch.bool)
    square, clip, person = (products[:, pairs].mean(1) for pairs in (itself, same_clip & ~itself, same_person & ~same_clip))
    return ErrorCorrelation(float((clip / square).mean()), float((person / square).mean()))


@torch.no_grad()
def shape_gradients(samples: Samples, backbone: Kind) -> Tensor:
    """Gradient of each frame's cost with respect to β, at the true β [n, 10], with pose and translation fitted."""
    _, found = estimates(samples, load_models(backbone))
    right = load_hand_model("open", "right")
    kinematics, betas = Kinematics(right), torch.as_tensor(samples.betas)
    known, angles = fit_problem(kinematics, found, found.baseline, shape_known=True)
    translation = initial_fit(found, found.baseline, betas).translation
    solved = solve(known, Parameters(angles, found.baseline[:, 0], translation, betas), steps=STEPS)
    return shape_information(known, solved)[1]


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure the correlation of shape errors between frames.")
    parser.add_argument("--cache", type=Path, default=CACHE, help="folder of the rendered samples")
    chosen = parser.parse_args()
    config = Config()
    samples = make_samples(chosen.cache, split="validation", seed=config.seed, clips=config.validation_clips, clips_a_subject=2)
    clips, people = torch.as_tensor(samples.clip), torch.as_tensor(samples.subject)
    for backbone in BACKBONES:
        found = pair_correlations(shape_gradients(samples, backbone), clips, people)
        print(f"{backbone}: clip {found.clip:.2f}, person {found.person:.2f}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

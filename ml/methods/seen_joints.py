"""Which joints of a fitted hand were seen, and how far off they may be.

A joint is not seen outside the image, behind another part of the own hand, or where the detector and the image network do not
know it: the network's own standard deviation and the distance between the two tell where something else covers it. The same
two tell how far off a joint may be in the image. All constants were chosen on rendered people (seeds 2 and 3), half of whose
clips have things in the way.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from ml.fitting.clip_fit import chunks_of, clip_uncertainty
from ml.fitting.kinematics import Kinematics
from ml.fitting.solver import Parameters, Problem
from ml.hand.camera import project

UNCERTAINTY_SCALE: Final = 5.0
"""Factor on the fit's own standard deviations, from the stereo clip: errors of neighbouring joints are correlated."""
APART: Final = 0.5
"""Share of the distance between the two that counts beside the network's standard deviation."""
ERROR_OF_DOUBT: Final = 1.5
"""The error of a joint in the image over its doubt, root mean square."""
UNKNOWN: Final = 0.06
"""Doubt, as a share of the hand's box, above which a joint counts as not seen."""
BEHIND: Final = 0.03
"""Metres behind the surface of its hand, seen from the camera, from which a joint is hidden; fingers are half as thick."""
ON_RAY: Final = 0.006
"""Metres from a joint's line of sight within which vertices are in front of it."""
_AT_ONCE: Final = 64
"""Frames whose distances of joints from vertices are held at once."""


def doubt(std: Tensor, network: Tensor, detected: Tensor) -> Tensor:
    """How far 2D joints may be off [n, 21], in the unit of the joints.

    Args:
        std: [n, 21], the image network's standard deviations.
        network: [n, 21, 2], its joints.
        detected: [n, 21, 2], the detector's.
    """
    found: Tensor = (std.square() + (APART * (network - detected).norm(dim=-1)).square()).sqrt()
    return found


def joint_certainty(
    problem: Problem, fitted: Parameters, doubts: Tensor | None, size: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    """Standard deviation [n, 21] (m) of each joint's place in the hand, and whether it was seen, bool [n, 21].

    Args:
        problem: of n frames, with its detected pixels.
        fitted: its solution.
        doubts: [n, 21], px; None where the image network did not look.
        size: width and height of the image, px.
    """
    pixels, kinematics = problem.pixels, problem.kinematics
    std = UNCERTAINTY_SCALE * clip_uncertainty(problem, fitted)
    seen = ~outside(pixels, *size) & ~hidden_by_hand(kinematics, fitted, problem.intrinsics)
    if doubts is None:
        return std, seen
    box = (pixels.amax(1) - pixels.amin(1)).amax(-1, keepdim=True)
    depth = kinematics.joints(fitted.angles, fitted.root, fitted.translation, fitted.betas)[..., 2]
    aside = ERROR_OF_DOUBT * doubts * depth / problem.intrinsics[0, 0]
    return (std.square() + aside.square()).sqrt(), seen & (doubts <= UNKNOWN * box)


def outside(pixels: Tensor, width: int, height: int) -> Tensor:
    """Which joints [n, 21, 2] (px) are outside an image: bool [n, 21]."""
    return ((pixels < 0) | (pixels > torch.tensor([width, height], dtype=pixels.dtype))).any(-1)


def hidden_by_hand(kinematics: Kinematics, fitted: Parameters, intrinsics: Tensor) -> Tensor:
    """Which joints lie behind another part of the same hand: bool [n, 21]."""
    model, hidden = kinematics.model, []
    for chunk in chunks_of(len(fitted.angles)):
        for rows in torch.split(chunk, _AT_ONCE):
            p = fitted.rows(rows)
            betas = p.betas.expand(len(rows), 10)
            posed = model(kinematics.matrices(p.angles, p.root), betas, p.translation)
            reach = ON_RAY * intrinsics[0, 0] / posed.joints[..., 2]
            apart = torch.cdist(project(posed.joints, intrinsics), project(posed.vertices, intrinsics))
            depth = torch.where(apart < reach[..., None], posed.vertices[:, None, :, 2], torch.inf).amin(-1)
            hidden.append(posed.joints[..., 2] - depth > BEHIND)
    return torch.cat(hidden) if hidden else torch.zeros(0, 21, dtype=torch.bool)

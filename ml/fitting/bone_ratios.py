"""The shape of a hand from the ratios of its bones, by Levenberg–Marquardt: many hands at once.

E(β) = Σ_b (l_b(β) / l_ref(β) − r_b)² + λ‖β‖², as in Zhou et al., *Monocular Real-time Hand Shape and Motion Capture using
Multi-modal Data*, CVPR 2020. Ratios hold no size: what β says of it follows from the proportions that go with it.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from ml.hand.model import HandModel
from ml.hand.skeleton import BONES, MANO_TO_OPENPOSE

REFERENCE: Final = (0, 9)
"""The bone whose length is the unit: wrist to middle MCP."""
PRIOR_WEIGHT: Final = 1e-3
"""λ, as in the paper."""
MAX_STEPS: Final = 10
TOLERANCE: Final = 1e-2
"""The solver stops when no β moves by more than this."""


def bone_ratios(joints: Tensor) -> Tensor:
    """Lengths [B, 20] of `BONES` over that of the reference bone, of joints [B, 21, 3] of any unit and origin."""
    parents, children = _ends(joints.device)
    lengths = (joints[:, children] - joints[:, parents]).norm(dim=-1)
    ratios: Tensor = lengths / lengths[:, BONES.index(REFERENCE), None].clamp_min(1e-6)
    return ratios


def shape_from_ratios(model: HandModel, ratios: Tensor, weight: float = PRIOR_WEIGHT) -> Tensor:
    """The shapes β [B, 10] that minimise E for ratios [B, 20] from `bone_ratios`.

    Each hand has a damping of its own: it falls after a step that lowers E, and rises after one that does not, which is undone.
    """
    betas = ratios.new_zeros(len(ratios), 10)
    damping = ratios.new_full((len(ratios), 1), 1e-3)
    identity = torch.eye(10, dtype=ratios.dtype, device=ratios.device)
    residual, slope = _residuals(model, betas, ratios, weight)
    for _ in range(MAX_STEPS):
        normal = slope.mT @ slope
        damped = normal + damping[..., None] * identity
        step = -torch.linalg.solve(damped, (slope.mT @ residual[..., None])[..., 0])
        tried = betas + step
        other, other_slope = _residuals(model, tried, ratios, weight)
        better = (other.square().sum(-1) < residual.square().sum(-1))[:, None]
        betas = torch.where(better, tried, betas)
        residual = torch.where(better, other, residual)
        slope = torch.where(better[..., None], other_slope, slope)
        damping = torch.where(better, damping * 0.1, damping * 10.0).clamp(1e-9, 1e6)
        if float(step.abs().max()) < TOLERANCE:
            break
    return betas


def _residuals(model: HandModel, betas: Tensor, ratios: Tensor, weight: float) -> tuple[Tensor, Tensor]:
    """Residuals [B, 30] of the ratios and of the prior, and their derivatives [B, 30, 10] by β."""
    parents, children = _ends(betas.device)
    rest = model.rest_joints(betas)
    by_shape = model.shape_jacobian[torch.tensor(MANO_TO_OPENPOSE, device=betas.device)]
    bones = rest[:, children] - rest[:, parents]
    lengths = bones.norm(dim=-1)
    by_beta = torch.einsum("bkx,kxs->bks", bones / lengths[..., None], by_shape[children] - by_shape[parents])
    reference = BONES.index(REFERENCE)
    unit = lengths[:, reference, None]
    found = lengths / unit
    slope = (by_beta - found[..., None] * by_beta[:, reference, None]) / unit[..., None]
    root = weight**0.5
    prior = (root * torch.eye(10, dtype=betas.dtype, device=betas.device)).expand(len(betas), 10, 10)
    return torch.cat([found - ratios, root * betas], 1), torch.cat([slope, prior], 1)


def _ends(device: torch.device) -> tuple[Tensor, Tensor]:
    """Parents [20] and children [20] of `BONES`."""
    parents, children = zip(*BONES, strict=True)
    return torch.tensor(parents, device=device), torch.tensor(children, device=device)

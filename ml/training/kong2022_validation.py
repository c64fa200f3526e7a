"""How good networks of Kong et al. 2022 are on validation people, and how far their shapes can be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import torch
from torch import Tensor, nn

from ml.hand.model import load_hand_model
from ml.identity.networks import Baseline, Confidence, IdentityAware, ranking_accuracy
from ml.identity.weights import Kind

if TYPE_CHECKING:
    from ml.training.train_kong2022 import Dataset

BATCH: Final = 256
"""Batch size of inference, which bounds the memory."""


def moments(found: Tensor, true: Tensor, people: Tensor, clips: Tensor) -> Tensor:
    """Second moments [4, 10] of the baseline's shapes (`ml.identity.networks.Confidence`).

    Args:
        found: [n, 10], shapes by the baseline.
        true: [n, 10].
        people: int [n], number of the person.
        clips: int [n], number of the clip; a clip shows one person.
    """

    def sums(groups: Tensor) -> tuple[Tensor, float]:
        """Sum of the products of all pairs within groups, including each frame with itself, and the number of pairs."""
        _, group, count = torch.unique(groups, return_inverse=True, return_counts=True)
        total = found.new_zeros(len(count), 10).index_add_(0, group, found)
        return total.square().sum(0), float(count.square().sum())

    itself, own = found.square().sum(0), float(len(found))
    (clip, in_clip), (person, in_person) = sums(clips), sums(people)
    same_clip = (clip - itself) / max(in_clip - own, 1.0)
    same_person = (person - clip) / (in_person - in_clip) if in_person > in_clip else same_clip
    found_moments = torch.stack([(found * true).mean(0), found.square().mean(0), same_clip, same_person])
    return (found_moments / true.square().mean(0)).clamp_min(0.0)  # a negative sample moment is noise


@torch.no_grad()
def infer(model: nn.Module, data: Dataset, backbone: Kind) -> tuple[Tensor, ...]:
    """Network outputs for all hands, batch by batch, on the model's device; the results are on the CPU."""
    device, pieces = next(model.parameters()).device, []
    for first in range(0, len(data), BATCH):
        found = model(*(t.to(device) for t in data.backbone_inputs(backbone, slice(first, first + BATCH))))
        pieces.append([t.cpu() for t in (found if isinstance(found, tuple) else (found,))])
    return tuple(torch.cat(parts) for parts in zip(*pieces, strict=True))


@torch.no_grad()
def validation_errors(
    baseline: Baseline,
    aware: IdentityAware,
    confidence: Confidence,
    data: Dataset,
    *,
    backbone: Kind,
    hand_model: str,
) -> dict[str, float]:
    """Root-relative MPJPE (mm) of both networks and the ranking accuracy, on people they have not seen."""
    model = load_hand_model(hand_model, "right")

    def error(rotations: Tensor, betas: Tensor) -> float:
        still = torch.zeros(len(rotations), 3)
        pair = [model.joints(r, b, still) for r, b in ((rotations, betas), (data.rotations, data.betas))]
        relative = [joints - joints[:, :1] for joints in pair]
        return round(1000 * float((relative[0] - relative[1]).norm(dim=-1).mean()), 3)

    rotations, betas, features = infer(baseline, data, backbone)
    shape_errors = (betas - data.betas).abs().mean(-1)
    return {
        "ra_mpjpe_baseline": error(rotations, betas),
        "ra_mpjpe_baseline_mean_shape": error(rotations, torch.zeros_like(betas)),
        "ra_mpjpe_identity_true_shape": error(infer(aware, data, backbone)[0], data.betas),
        "shape_mse": round(float((betas - data.betas).square().mean()), 4),
        "ranking_accuracy": round(ranking_accuracy(confidence.cpu()(features), shape_errors), 4),
    }

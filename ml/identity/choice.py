"""Which pictures to calibrate from: sure ones, in poses that differ."""

from __future__ import annotations

import torch
from torch import Tensor

MAX_PICTURES = 20
"""The paper's most."""
SURE_SHARE = 0.5
"""Share of the pictures, the surest, among which poses are chosen."""


def choose(scores: Tensor, rotations: Tensor, count: int = MAX_PICTURES) -> Tensor:
    """Indices [≤ count] of pictures, the surest first, then always the one whose pose is farthest from those chosen.

    Args:
        scores: [n], of the confidence predictor.
        rotations: [n, 16, 3, 3], estimated poses.
        count: most pictures.
    """
    total = len(scores)
    if total <= count:
        return scores.argsort(descending=True)
    sure = scores.argsort(descending=True)[: max(count, round(SURE_SHARE * total))]
    poses = rotations[sure].flatten(1)
    chosen = [0]
    nearest = (poses - poses[0]).square().sum(1)
    while len(chosen) < count:
        chosen.append(int(nearest.argmax()))
        nearest = torch.minimum(nearest, (poses - poses[chosen[-1]]).square().sum(1))
    return sure[torch.tensor(chosen)]

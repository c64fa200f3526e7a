"""The networks of Kong et al., *Identity-Aware Hand Mesh Estimation and Personalization*, ECCV 2022.

All hands are right hands: left ones are mirrored before and after. A backbone gives a feature f; the pose head turns it into 16
rotations in three refinements; the baseline's shape head gives β. The identity-aware model has no shape head: the subject's β
enters the hand model only, so that all frames share one shape by construction.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from ml.identity.backbones import FEATURES

_REFINEMENTS = 3


def rotations_to_rows(rotations: Tensor) -> Tensor:
    """Rotation matrices [..., 3, 3] to the first two *rows* [..., 6] (the paper's 6D code; Zhou et al. 2019 take columns)."""
    return rotations[..., :2, :].flatten(-2)


def rows_to_rotations(code: Tensor) -> Tensor:
    """6D codes [..., 6] to rotation matrices [..., 3, 3] by Gram-Schmidt on the two rows."""
    first = nn.functional.normalize(code[..., :3], dim=-1)
    second = code[..., 3:]
    second = nn.functional.normalize(second - (first * second).sum(-1, keepdim=True) * first, dim=-1)
    return torch.stack([first, second, torch.linalg.cross(first, second)], dim=-2)


def _mlp(*sizes: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for a, b in pairwise(sizes):
        layers += [nn.Linear(a, b), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-1])


class PoseHead(nn.Module):
    """f to 16 rotations: from the identity, three refinements R ← R(Δ)·R, each with an MLP of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.refinements = nn.ModuleList(_mlp(FEATURES + 96, 512, 256, 128, 96) for _ in range(_REFINEMENTS))
        for mlp in self.refinements:  # every refinement starts as the identity
            last = list(mlp.children())[-1]
            assert isinstance(last, nn.Linear)
            nn.init.normal_(last.weight, std=1e-3)
            last.bias.data = rotations_to_rows(torch.eye(3)).repeat(16)

    def forward(self, features: Tensor) -> Tensor:
        """Features [B, 256] to rotations [B, 16, 3, 3], MANO order, root first."""
        rotations = torch.eye(3, dtype=features.dtype, device=features.device).expand(len(features), 16, 3, 3)
        for mlp in self.refinements:
            code = rotations_to_rows(rotations).flatten(1)
            update = rows_to_rotations(mlp(torch.cat([features, code], dim=1)).unflatten(1, (16, 6)))
            rotations = update @ rotations
        return rotations


class Baseline(nn.Module):
    """Pose and shape from one frame (the paper's baseline)."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.pose = PoseHead()
        self.shape = _mlp(FEATURES, 512, 256, 128, 10)

    def heads(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Features [B, 256] to rotations [B, 16, 3, 3] and betas [B, 10]."""
        return self.pose(features), self.shape(features)

    def forward(self, *seen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The backbone's inputs to rotations [B, 16, 3, 3], betas [B, 10] and the feature [B, 256]."""
        features = self.backbone(*seen).features
        return *self.heads(features), features


class IdentityAware(nn.Module):
    """Pose from one frame; the shape is the subject's and enters the hand model only."""

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        self.backbone = backbone
        self.pose = PoseHead()

    def forward(self, *seen: Tensor) -> Tensor:
        """The backbone's inputs to rotations [B, 16, 3, 3]."""
        rotations: Tensor = self.pose(self.backbone(*seen).features)
        return rotations


class Confidence(nn.Module):
    """How reliable the baseline's shape is: a score per frame from one linear layer on the feature (no sigmoid), and `moments`.

    `moments` [4, 10] are second moments of the baseline's β̂ over the population's variance, per direction of β, measured on
    validation people: E[β̂ β] with the truth, E[β̂²], and E[β̂ β̂′] with another frame of the same clip and with a frame of the
    same person in another clip.
    """

    moments: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(FEATURES, 1)
        self.register_buffer("moments", torch.zeros(4, 10))

    def forward(self, features: Tensor) -> Tensor:
        """Features [B, 256] to scores [B]; only their order has a meaning."""
        scores: Tensor = self.linear(features).squeeze(-1)
        return scores


def ranking_loss(scores: Tensor, shape_errors: Tensor, margin: float = 1.0) -> Tensor:
    """Margin ranking loss over all pairs of a batch: the frame with the smaller shape error must score higher.

    Args:
        scores: [B], from the confidence predictor.
        shape_errors: [B], mean |β − β̂|.
        margin: the paper's 1.
    """
    i, j = torch.triu_indices(len(scores), len(scores), offset=1, device=scores.device)
    sign = torch.sign(shape_errors[j] - shape_errors[i])
    return nn.functional.margin_ranking_loss(scores[i], scores[j], sign, margin=margin)


def ranking_accuracy(scores: Tensor, shape_errors: Tensor) -> float:
    """Share of all pairs that scores [B] order as the shape errors [B] do (higher score, smaller error); chance is 0.5."""
    i, j = torch.triu_indices(len(scores), len(scores), offset=1, device=scores.device)
    differ = shape_errors[i] != shape_errors[j]
    right = (scores[i] > scores[j]) == (shape_errors[i] < shape_errors[j])
    return float(right[differ].float().mean())

"""The encoder of the motion prior: residual blocks of convolutions over time, each joint seeing its neighbours in the hand."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from ml.priors.motion_features import CHANNELS, JOINTS
from ml.priors.motion_window import FRAMES

KERNEL: Final = 4
STRIDE: Final = 2
REACH: Final = 2
"""Bones between joints that see each other; two fingers' bases are two apart, through the wrist."""
_GROUPS: Final = 4


def _neighbours(parts: int) -> Tensor:
    """Which of 5 fingers × `parts` nodes are at most `REACH` bones apart: [5 · parts, 5 · parts]."""
    finger, depth = torch.arange(5).repeat_interleave(parts), torch.arange(parts).repeat(5)
    same = finger[:, None] == finger
    apart = torch.where(same, (depth[:, None] - depth).abs(), depth[:, None] + depth + 2)
    return apart <= REACH


class MaskedConvolution(nn.Module):
    """A convolution over time whose output channels see their own joint and its neighbours only; halves the frames."""

    mask: Tensor

    def __init__(self, parts: int, inputs: int, outputs: int) -> None:
        super().__init__()
        joints = 5 * parts
        near = _neighbours(parts)
        self.register_buffer(
            "mask", near.repeat_interleave(outputs, 0).repeat_interleave(inputs, 1)[..., None], persistent=False
        )
        self.weight = nn.Parameter(torch.empty(joints * outputs, joints * inputs, KERNEL))
        self.bias = nn.Parameter(torch.zeros(joints * outputs))
        nn.init.normal_(self.weight, std=(float(near.sum(1).float().mean()) * inputs * KERNEL) ** -0.5)

    def forward(self, x: Tensor) -> Tensor:
        """[W, joints · inputs, T] to [W, joints · outputs, T / 2]."""
        padded = functional.pad(x, (1, 1), mode="reflect")
        return functional.conv1d(padded, self.weight * self.mask, self.bias, stride=STRIDE)


class ResidualBlock(nn.Module):
    """tanh(norm(convolution(x)) + short cut(x)), then the last two joints of each finger become one, where asked."""

    def __init__(self, parts: int, inputs: int, outputs: int, *, pooled: bool) -> None:
        super().__init__()
        self.parts, self.outputs, self.pooled = parts, outputs, pooled
        self.convolution = MaskedConvolution(parts, inputs, outputs)
        self.norm = nn.GroupNorm(_GROUPS, 5 * parts * outputs)
        self.short_cut = MaskedConvolution(parts, inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """[W, 5 · parts · inputs, T] to [W, 5 · (parts − pooled) · outputs, T / 2]."""
        y = torch.tanh(self.norm(self.convolution(x)) + self.short_cut(x))
        if not self.pooled:
            return y
        nodes = y.view(len(y), 5, self.parts, self.outputs, -1)
        end = nodes[:, :, -2:].mean(2, keepdim=True)
        return torch.cat([nodes[:, :, :-2], end], 2).flatten(1, 3)


class SkeletonEncoder(nn.Module):
    """Normalised features [W, 128, 15, 15] to [W, outputs], with a first guess of z beside them.

    The guess and the logarithm of its size enter behind the convolutions: what is motion and what is jitter shows in them.
    """

    def __init__(self, channels: tuple[int, int, int, int], latent: int, width: int, outputs: int) -> None:
        super().__init__()
        parts = (3, 2, 1, 1)
        inputs = (CHANNELS, *channels[:3])
        self.blocks = nn.Sequential(
            *(ResidualBlock(p, before, after, pooled=p > 1) for p, before, after in zip(parts, inputs, channels, strict=True))
        )
        self.hidden = nn.Linear(5 * channels[3] * FRAMES // STRIDE**4 + 2 * latent, width)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, outputs)
        nn.init.zeros_(self.head.bias)
        nn.init.normal_(self.head.weight, std=1e-3)

    def forward(self, normalised: Tensor, guess: Tensor) -> Tensor:
        """Normalised features [W, 128, 15, 15] and guesses [W, latent] to [W, outputs]."""
        x = normalised.flatten(2).mT
        assert x.shape[1] == JOINTS * CHANNELS
        seen = torch.cat([self.blocks(x).flatten(1), guess, torch.log(guess.abs() + 0.05)], -1)
        result: Tensor = self.head(functional.silu(self.norm(self.hidden(seen))))
        return result

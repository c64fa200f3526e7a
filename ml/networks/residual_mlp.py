"""A residual multilayer perceptron."""

from __future__ import annotations

from torch import Tensor, nn


class ResidualMLP(nn.Module):
    """From `inputs` to `outputs` numbers through `blocks` residual blocks of `width`."""

    def __init__(self, inputs: int, outputs: int, *, width: int = 512, blocks: int = 3, dropout: float = 0.1) -> None:
        super().__init__()
        self.enter = nn.Linear(inputs, width)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Dropout(dropout), nn.Linear(width, width))
            for _ in range(blocks)
        )
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.GELU(), nn.Linear(width, outputs))

    def forward(self, inputs: Tensor) -> Tensor:
        """[B, inputs] to [B, outputs]."""
        x = self.enter(inputs)
        for block in self.blocks:
            x = x + block(x)
        found: Tensor = self.leave(x)
        return found

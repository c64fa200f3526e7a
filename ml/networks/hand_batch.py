"""What the networks of this package take and give: hands in their crops' cameras, always as right hands.

The crop and its camera are those of `ml.identity.observation`: upright, centred on the hand, left hands mirrored.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class HandBatch:
    """B hands as a network sees them.

    Attributes:
        inputs: [B, 132], 2D joints, world landmarks and proportions (`ml.identity.observation.Observation.inputs`).
        landmarks: [B, 21, 2], the detector's 2D joints in the crop, whose sides lie at −1 and 1.
        crops: [B, 3, 96, 96], 0 … 255; None for networks that take no pixels.
        windows: [B, 3], centre and half side of the crop as x / z and y / z in its camera, so that points of it are rays.
    """

    inputs: Tensor
    landmarks: Tensor
    crops: Tensor | None = None
    windows: Tensor | None = None

    def __len__(self) -> int:
        return len(self.inputs)

    @property
    def world(self) -> Tensor:
        """The detector's world landmarks [B, 21, 3], centred, with a mean squared distance of 1 from their mean."""
        return self.inputs[:, 42:105].reshape(-1, 21, 3)

    def to(self, device: torch.device) -> HandBatch:
        """The same on a device."""
        crops, windows = (None if t is None else t.to(device) for t in (self.crops, self.windows))
        return HandBatch(self.inputs.to(device), self.landmarks.to(device), crops, windows)

    @classmethod
    def of(cls, batch: dict[str, Tensor]) -> HandBatch:
        """From a training batch, which holds the fields by name."""
        return cls(batch["inputs"], batch["landmarks"], batch.get("crops"), batch.get("windows"))


@dataclass(frozen=True)
class HandGuess:
    """B estimated right hands in the cameras of their crops. A network fills what its paper's network gives.

    Attributes:
        joints: [B, 21, 3] about the wrist, axes of the crop camera.
        vertices: [B, V, 3] in the same frame and unit, of the open hand's topology.
        rotations: [B, 16, 3, 3], MANO order, of the open hand.
        betas: [B, 10].
        landmarks: [B, 21, 2], the network's own 2D joints in the crop.
        bone_ratios: [B, 20], lengths of `BONES` as seen, over that of wrist to middle MCP (`ml.fitting.bone_ratios`).
        is_metric: `joints` are metres; else their scale means nothing.
    """

    joints: Tensor | None = None
    vertices: Tensor | None = None
    rotations: Tensor | None = None
    betas: Tensor | None = None
    landmarks: Tensor | None = None
    bone_ratios: Tensor | None = None
    is_metric: bool = False

    def cpu(self) -> HandGuess:
        """The same on the CPU, in single precision."""
        single = {name: None if t is None else t.detach().float().cpu() for name, t in self._tensors().items()}
        return HandGuess(**single, is_metric=self.is_metric)  # type: ignore[arg-type]

    @classmethod
    def concatenated(cls, parts: list[HandGuess]) -> HandGuess:
        """Several batches of one network as one."""
        joined = {
            name: None if tensor is None else torch.cat([getattr(part, name) for part in parts])
            for name, tensor in parts[0]._tensors().items()
        }
        return cls(**joined, is_metric=parts[0].is_metric)  # type: ignore[arg-type]

    def _tensors(self) -> dict[str, Tensor | None]:
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "is_metric"}


class HandNetwork(nn.Module, ABC):
    """A network of this package: `HandBatch` to `HandGuess`.

    Attributes:
        uses_pixels: it needs the crops.
        hand_model: whose poses, shapes or meshes it gives.
    """

    uses_pixels: bool = False
    hand_model: str = "open"

    @abstractmethod
    def forward(self, hands: HandBatch) -> HandGuess:
        """Estimate the hands of a batch."""

"""The trunk of MediaPipe's hand landmark network in PyTorch: a crop of one hand to a feature vector.

MediaPipe's network (Apache-2.0, https://github.com/google-ai-edge/mediapipe, `hand_landmark_full.tflite` in its wheel) was
trained on real hands, which renders cannot replace. The image backbone starts from its weights; with its own heads it is also
the landmark stage of the detector, which on a GPU labels renders much faster than the original on CPUs.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

TRUNK_FEATURES: Final = 1152
LANDMARK_PX: Final = 224
"""Side of the crop of MediaPipe's own landmark stage; the trunk takes any multiple of 32."""


class _Block(NamedTuple):
    """An inverted bottleneck; blocks that keep size and channels are residual."""

    channels: int
    kernel: int
    stride: int
    expansion: int


_STEM: Final = 24
_BLOCKS: Final = (
    _Block(16, 3, 1, 1),
    _Block(24, 3, 2, 4),
    _Block(24, 3, 1, 6),
    _Block(40, 5, 2, 6),
    _Block(40, 5, 1, 6),
    _Block(80, 3, 2, 6),
    _Block(80, 3, 1, 6),
    _Block(80, 3, 1, 6),
    _Block(112, 5, 1, 6),
    _Block(112, 5, 1, 6),
    _Block(112, 5, 1, 6),
    _Block(192, 5, 2, 6),
    _Block(192, 5, 1, 6),
    _Block(192, 5, 1, 6),
    _Block(192, 5, 1, 6),
)


class _SamePadded(nn.Conv2d):
    """A convolution padded as TensorFlow's SAME: with stride 2 one more row and column at the end than at the start."""

    def __init__(self, before: int, after: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(before, after, kernel, stride, padding=0 if stride == 2 else kernel // 2, groups=groups)
        total = kernel - stride
        self.pad = nn.ZeroPad2d((total // 2, total - total // 2) * 2) if stride == 2 else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Maps [B, before, H, W] to [B, after, H / stride, W / stride]."""
        return super().forward(self.pad(x))


class _Bottleneck(nn.Module):
    def __init__(self, before: int, block: _Block) -> None:
        super().__init__()
        inside = before * block.expansion
        self.expand = _SamePadded(before, inside, 1) if block.expansion > 1 else None
        self.depthwise = _SamePadded(inside, inside, block.kernel, block.stride, inside)
        self.project = _SamePadded(inside, block.channels, 1)
        self.residual = block.stride == 1 and before == block.channels

    def forward(self, x: Tensor) -> Tensor:
        inside = x if self.expand is None else nn.functional.relu6(self.expand(x))
        y: Tensor = self.project(nn.functional.relu6(self.depthwise(inside)))
        return x + y if self.residual else y


class HandTrunk(nn.Module):
    """Convolutions without normalisation: MediaPipe's are folded into its weights."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = _SamePadded(3, _STEM, 3, 2)
        channels = [_STEM, *(block.channels for block in _BLOCKS)]
        self.blocks = nn.ModuleList(_Bottleneck(before, block) for before, block in zip(channels, _BLOCKS, strict=False))
        self.expand = _SamePadded(channels[-1], TRUNK_FEATURES, 1)
        self.last = _SamePadded(TRUNK_FEATURES, TRUNK_FEATURES, 3, 1, TRUNK_FEATURES)

    def layers(self) -> list[nn.Module]:
        """All layers with weights, from the image on."""
        return [self.stem, *self.blocks, self.expand, self.last]

    def forward(self, crops: Tensor) -> Tensor:
        """Crops [B, 3, S, S] (0 … 255, sRGB) to maps [B, 1152, S / 32, S / 32]."""
        x = crops.float() / 255.0
        # channels last is twice as fast, but cuDNN then plans each new batch size for seconds
        if self.stem.weight.is_contiguous(memory_format=torch.channels_last):
            x = x.contiguous(memory_format=torch.channels_last)
        x = nn.functional.relu6(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return nn.functional.relu6(self.last(nn.functional.relu6(self.expand(x))))


class LandmarkStage(nn.Module):
    """MediaPipe's landmark stage: the trunk and its heads."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk = HandTrunk()
        self.image, self.world = nn.Linear(TRUNK_FEATURES, 63), nn.Linear(TRUNK_FEATURES, 63)

    def forward(self, crops: Tensor) -> tuple[Tensor, Tensor]:
        """Crops [B, 3, 224, 224] to joints in the crop [B, 21, 2] (px) and world landmarks [B, 21, 3] (m)."""
        pooled = self.trunk(crops).mean((2, 3))
        return self.image(pooled).unflatten(1, (21, 3))[..., :2], self.world(pooled).unflatten(1, (21, 3))

"""The networks of Boukhayma et al., *3D Hand Shape and Pose from Images in the Wild*, CVPR 2019.

An encoder gives 22 numbers: scale and 2D translation of a weak-perspective camera, x = t + s·X; three of an axis-angle; six
coefficients of the hand model's principal pose components; ten of the shape. The hand model turns them into a hand.

The axis-angle is relative to `BASE`, an upright hand seen from the side: palm and back of the hand are a quarter turn away from
it, so that the singularity at half a turn lies where hands are seen least.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Final, NamedTuple

import roma
import torch
from torch import Tensor, nn

from ml.hand.model import load_hand_model
from ml.networks.crop_encoder import CropEncoder
from ml.networks.feature_pyramid import MAP, StridedBlock, convolution, drawn_maps
from ml.networks.hand_batch import HandBatch, HandGuess, HandNetwork
from ml.networks.residual_mlp import ResidualMLP

BASE: Final = ((0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (0.0, 0.0, -1.0))
"""Root rotation of a right hand with its fingers up in the image and its thumb towards the camera."""
COMPONENTS: Final = 6
SHAPE: Final = 10
CAMERA: Final = 3
_CHANNELS: Final = (48, 64, 96)
"""Of maps drawn at 2D joints, at 1/2, 1/4 and 1/8 of their resolution."""
_TYPICAL_SCALE: Final = 8.0
"""Half crops a metre: hands fill most of their crops."""


class RegressedHands(NamedTuple):
    """`camera` [B, 3]: log scale and 2D translation; `pose` [B, 6]; `rotations` [B, 16, 3, 3]; `betas` [B, 10]."""

    camera: Tensor
    pose: Tensor
    rotations: Tensor
    betas: Tensor


class ParameterRegressor(HandNetwork):
    """The part that all variants share: 22 numbers to a hand."""

    components: Tensor
    mean: Tensor
    base: Tensor

    def __init__(self, components: int = COMPONENTS) -> None:
        super().__init__()
        model = load_hand_model(self.hand_model, "right")
        self.count = components
        for name, values in {
            "components": torch.as_tensor(model.pose_components[:components]).float(),
            "mean": torch.as_tensor(model.pose_mean).float(),
            "base": torch.tensor(BASE),
        }.items():
            self.register_buffer(name, values, persistent=False)

    @property
    def numbers(self) -> int:
        """How many the encoder gives: 22 with six pose components."""
        return CAMERA + 3 + self.count + SHAPE

    @abstractmethod
    def encoded(self, hands: HandBatch) -> Tensor:
        """The numbers [B, 22] of each hand."""

    def decoded(self, numbers: Tensor) -> RegressedHands:
        """What the numbers [B, 22] mean."""
        camera, turn, pose, betas = torch.split(numbers, [CAMERA, 3, self.count, SHAPE], 1)
        angles = (self.mean + pose @ self.components).view(-1, 15, 3)
        root = roma.rotvec_to_rotmat(turn) @ self.base
        return RegressedHands(camera, pose, torch.cat([root[:, None], roma.rotvec_to_rotmat(angles)], 1), betas)

    def forward(self, hands: HandBatch) -> HandGuess:
        """`landmarks` are the projected joints."""
        found = self.decoded(self.encoded(hands))
        model = load_hand_model(self.hand_model, "right", device=found.betas.device)
        joints = model.joints(found.rotations, found.betas, found.betas.new_zeros(3))
        landmarks = projected(found.camera, joints - joints[:, :1])
        return HandGuess(rotations=found.rotations, betas=found.betas, landmarks=landmarks)


def projected(camera: Tensor, points: Tensor) -> Tensor:
    """Points [B, k, 3] (m, about the wrist) in the crop [B, k, 2], by cameras [B, 3]: log scale and translation."""
    scale = _TYPICAL_SCALE * camera[:, None, :1].exp()
    return camera[:, None, 1:] + scale * points[..., :2]


class MapRegressor(ParameterRegressor):
    """`2d`: maps drawn at the detected 2D joints, and their coordinates."""

    def __init__(self, components: int = COMPONENTS, *, with_coordinates: bool = True) -> None:
        super().__init__(components)
        self.with_coordinates = with_coordinates
        first, second, third = _CHANNELS
        stem = (convolution(21, first, 2), nn.BatchNorm2d(first), nn.ReLU(inplace=True))
        self.maps = nn.Sequential(*stem, StridedBlock(first, second, 2), StridedBlock(second, third, 2))
        self.maps.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        inputs = third * (MAP // 8) ** 2 + (84 if with_coordinates else 0)
        self.join = ResidualMLP(inputs, self.numbers, width=512, blocks=3, dropout=0.05)

    def encoded(self, hands: HandBatch) -> Tensor:
        """From the 2D joints alone."""
        with torch.autocast(hands.landmarks.device.type, torch.bfloat16, enabled=self.training):
            drawn = drawn_maps(hands.landmarks).contiguous(memory_format=torch.channels_last)
            seen = self.maps(drawn).float().flatten(1)
        if self.with_coordinates:
            seen = torch.cat([seen, 4 * hands.landmarks.flatten(1), hands.inputs[:, :42]], 1)
        numbers: Tensor = self.join(seen)
        return numbers


class CropRegressor(ParameterRegressor):
    """`rgb`: the crop's pixels."""

    uses_pixels = True
    with_landmarks = False

    def __init__(self, components: int = COMPONENTS) -> None:
        super().__init__(components)
        self.backbone = CropEncoder(self.numbers, with_landmarks=self.with_landmarks)

    def encoded(self, hands: HandBatch) -> Tensor:
        """From the pixels, and the maps of the 2D joints where they are taken."""
        assert hands.crops is not None
        numbers: Tensor = self.backbone(hands.crops, hands.landmarks).feature
        return numbers


class CropAndMapRegressor(CropRegressor):
    """`rgb+2d`: the crop's pixels and maps drawn at the detected 2D joints."""

    with_landmarks = True

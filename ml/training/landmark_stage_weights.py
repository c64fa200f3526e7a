"""MediaPipe's weights of its hand landmark network, read from the model in its wheel; the backbone that starts from them."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from ml.identity.backbones import ImageBackbone
from ml.identity.crops import CROP_PX
from ml.networks.hand_trunk import LANDMARK_PX, LandmarkStage

_MODEL: Final = "modules/hand_landmark/hand_landmark_full.tflite"


class LandmarkModelError(ValueError):
    """MediaPipe's model is missing or is not the network that `LandmarkStage` describes; the message says which."""


def mediapipe_stage() -> LandmarkStage:
    """The landmark stage with MediaPipe's weights, in evaluation mode.

    Raises:
        LandmarkModelError: MediaPipe or its model is missing, or its layers differ.
    """
    spec = find_spec("mediapipe")
    if spec is None or spec.origin is None:
        raise LandmarkModelError("MediaPipe is not installed; its wheel holds the weights that the training starts from")
    path = Path(spec.origin).parent / _MODEL
    if not path.is_file():
        raise LandmarkModelError(f"MediaPipe's wheel has no {_MODEL}; versions from 0.10.9 to 0.10.21 have it")
    convolutions, linear = _layers(path)
    stage = LandmarkStage()
    trunk = [module for module in stage.trunk.modules() if isinstance(module, nn.Conv2d)]
    # the file lists its heads by the number of the tensor that they give: presence, side, joints, world landmarks
    heads = [layer for layer in linear if len(layer[1]) == stage.image.out_features]
    if len(convolutions) != len(trunk) or len(heads) != 2:
        raise LandmarkModelError(f"{path} has {len(convolutions)} convolutions and {len(heads)} heads, not {len(trunk)} and 2")
    for module, (weight, bias) in zip([*trunk, stage.image, stage.world], [*convolutions, *heads], strict=True):
        assert isinstance(module.weight, Tensor)
        if module.weight.shape != weight.shape:
            raise LandmarkModelError(f"a layer of {path} has the shape {weight.shape}, not {tuple(module.weight.shape)}")
        module.weight.data, module.bias.data = torch.as_tensor(weight), torch.as_tensor(bias)
    return stage.eval()


def started_backbone(stage: LandmarkStage) -> ImageBackbone:
    """An image backbone with MediaPipe's trunk, which finds MediaPipe's joints."""
    backbone = ImageBackbone()
    backbone.trunk.load_state_dict(stage.trunk.state_dict())
    rows = torch.arange(63).view(21, 3)[:, :2].flatten()
    # its crop shows less around hands of the same size
    middle, half = LANDMARK_PX / 2, CROP_PX / 2
    backbone.find.weight.data = stage.image.weight.data[rows] / half
    backbone.find.bias.data = (stage.image.bias.data[rows] - middle) / half
    nn.init.zeros_(backbone.spread.weight)
    nn.init.constant_(backbone.spread.bias, -3.0)
    return backbone


def _layers(path: Path) -> tuple[list[tuple[np.ndarray, np.ndarray]], list[tuple[np.ndarray, np.ndarray]]]:
    """Weights, as PyTorch has them, and biases of the convolutions and of the linear layers, in order."""
    tflite = import_module("tflite")  # of the development extra: only trainings read this file
    model: Any = tflite.Model.GetRootAsModel(path.read_bytes(), 0)
    graph, operators = model.Subgraphs(0), tflite.BuiltinOperator
    stored: dict[int, int] = {}

    def array(number: int) -> np.ndarray:
        tensor = graph.Tensors(stored.get(int(number), int(number)))
        kind = np.float16 if tensor.Type() == tflite.TensorType.FLOAT16 else np.float32
        content = model.Buffers(tensor.Buffer()).DataAsNumpy().tobytes()
        return np.frombuffer(content, kind).astype(np.float32).reshape(tensor.ShapeAsNumpy())

    convolutions, linear = [], []
    for number in range(graph.OperatorsLength()):
        operator = graph.Operators(number)
        code = model.OperatorCodes(operator.OpcodeIndex())
        kind = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        inputs = operator.InputsAsNumpy()
        if kind == operators.DEQUANTIZE:  # half precision in the file
            stored[int(operator.OutputsAsNumpy()[0])] = int(inputs[0])
        elif kind == operators.CONV_2D:
            convolutions.append((array(inputs[1]).transpose(0, 3, 1, 2).copy(), array(inputs[2])))
        elif kind == operators.DEPTHWISE_CONV_2D:
            convolutions.append((array(inputs[1]).transpose(3, 0, 1, 2).copy(), array(inputs[2])))
        elif kind == operators.FULLY_CONNECTED:
            linear.append((array(inputs[1]), array(inputs[2])))
    return convolutions, linear

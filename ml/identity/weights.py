"""The shipped weights, which `make train` writes, and the model cards that describe them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeVar

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from ml.identity.backbones import ImageBackbone, LandmarkBackbone
from ml.identity.networks import Baseline, Confidence, IdentityAware

FOLDER: Final = Path(__file__).resolve().parent / "weights"
PARTS: Final = ("baseline", "identity", "confidence")

Kind = Literal["landmarks", "image"]
BACKBONES: Final[dict[Kind, type[nn.Module]]] = {"landmarks": LandmarkBackbone, "image": ImageBackbone}
DEFAULT: Final[Kind] = "landmarks"
"""The backbone for users' videos, chosen by the results in `docs/results/kong2022.md`."""

AnyModule = TypeVar("AnyModule", bound=nn.Module)


class Models(NamedTuple):
    """The three networks on one backbone, in evaluation mode."""

    baseline: Baseline
    identity: IdentityAware
    confidence: Confidence
    backbone: Kind

    @property
    def device(self) -> torch.device:
        """Where they run."""
        return next(self.baseline.parameters()).device


@lru_cache(maxsize=4)
def load_models(backbone: Kind = DEFAULT, device: torch.device | None = None) -> Models:
    """The shipped networks in evaluation mode.

    Args:
        backbone: what they see.
        device: where they run; the CPU by default (`ml.device.default_device` for the machine's best).

    Raises:
        FileNotFoundError: the weights are missing; the message says how to make them.
    """
    backbone_class = BACKBONES[backbone]
    device = device or torch.device("cpu")
    return Models(
        load_weights(Baseline(backbone_class()), weights_file(backbone, "baseline")).to(device),
        load_weights(IdentityAware(backbone_class()), weights_file(backbone, "identity")).to(device),
        load_weights(Confidence(), weights_file(backbone, "confidence")).to(device),
        backbone,
    )


def weights_file(backbone: Kind, part: str) -> Path:
    """Path of the weights of one network."""
    return FOLDER / f"kong2022-{backbone}-{part}.safetensors"


def card_file(backbone: Kind) -> Path:
    """Path of the model card of a backbone's networks."""
    return FOLDER / f"kong2022-{backbone}.json"


def save_weights(model: nn.Module, path: Path) -> None:
    """Write a model's weights as safetensors, in half precision."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    save_file({name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}, path)


def load_weights(model: AnyModule, path: Path) -> AnyModule:
    """Load weights that `save_weights` wrote into a model, and set it to evaluation mode.

    Raises:
        FileNotFoundError: the weights are missing; the message says how to make them.
    """
    if not path.exists():
        raise FileNotFoundError(f"no weights at {path}; `make train` makes them")
    model.load_state_dict({name: tensor.float() for name, tensor in load_file(path).items()})
    return model.eval()

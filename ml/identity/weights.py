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
TRAINING: Final = FOLDER / "kong2022-training.json"
"""The record of `ml.training.train_on_renders`."""
PARTS: Final = ("baseline", "identity", "confidence")

Kind = Literal["landmarks", "image"]
BACKBONES: Final[dict[Kind, type[nn.Module]]] = {"landmarks": LandmarkBackbone, "image": ImageBackbone}
DEFAULT: Final[Kind] = "image"
"""The backbone of calibrations, chosen by the results in `docs/results/kong2022.md`."""

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
    device = device or torch.device("cpu")
    baseline, aware = load_networks(backbone)
    return Models(
        baseline.to(device),
        aware.to(device),
        load_weights(Confidence(), weights_file(backbone, "confidence")).to(device),
        backbone,
    )


def weights_file(backbone: Kind, part: str) -> Path:
    """Path of the weights of one network."""
    return FOLDER / f"kong2022-{backbone}-{part}.safetensors"


def card_file(backbone: Kind) -> Path:
    """Path of the model card of a backbone's networks."""
    return FOLDER / f"kong2022-{backbone}.json"


def load_networks(backbone: Kind, folder: Path = FOLDER) -> tuple[Baseline, IdentityAware]:
    """Baseline and identity-aware network in evaluation mode; on images they share the backbone.

    Raises:
        FileNotFoundError: the weights are missing; the message says how to make them.
    """
    files = {part: folder / weights_file(backbone, part).name for part in PARTS}
    baseline = load_weights(Baseline(BACKBONES[backbone]()), files["baseline"])
    if backbone == "landmarks":
        return baseline, load_weights(IdentityAware(BACKBONES[backbone]()), files["identity"])
    aware = IdentityAware(baseline.backbone)
    load_weights(aware.pose, files["identity"])
    return baseline, aware.eval()


def save_identity(aware: IdentityAware, path: Path, backbone: Kind) -> None:
    """Write an identity-aware network; on images only its pose head, since the backbone is the baseline's."""
    save_weights(aware.pose if backbone == "image" else aware, path)


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

"""The shipped weights: what `make train` wrote, and the card that describes them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple, TypeVar

from safetensors.torch import load_file, save_file
from torch import nn

from ml.identity.networks import Baseline, Confidence, IdentityAware, LandmarkBackbone

FOLDER: Final = Path(__file__).resolve().parent / "weights"
FILES: Final = {
    "baseline": "kong2022-baseline.safetensors",
    "identity": "kong2022-identity.safetensors",
    "confidence": "kong2022-confidence.safetensors",
}
CARD: Final = "kong2022.json"

AnyModule = TypeVar("AnyModule", bound=nn.Module)


class Models(NamedTuple):
    """The three networks, ready to be used."""

    baseline: Baseline
    identity: IdentityAware
    confidence: Confidence


@lru_cache(maxsize=1)
def load_models() -> Models:
    """The shipped networks, on the CPU, in evaluation mode.

    Raises:
        FileNotFoundError: they are not there; the message says how to make them.
    """
    return Models(
        load_weights(Baseline(LandmarkBackbone()), FOLDER / FILES["baseline"]),
        load_weights(IdentityAware(LandmarkBackbone()), FOLDER / FILES["identity"]),
        load_weights(Confidence(), FOLDER / FILES["confidence"]),
    )


def save_weights(model: nn.Module, path: Path) -> None:
    """Write a model's weights as safetensors, in half precision."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()}
    save_file({name: tensor.half() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}, path)


def load_weights(model: AnyModule, path: Path) -> AnyModule:
    """Fill a model with weights that `save_weights` wrote; in evaluation mode.

    Raises:
        FileNotFoundError: they are not there; the message says how to make them.
    """
    if not path.exists():
        raise FileNotFoundError(f"no weights at {path}; `make train` makes them")
    model.load_state_dict({name: tensor.float() for name, tensor in load_file(path).items()})
    return model.eval()

"""The shipped weights: what `make train` wrote, and the card that describes them."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, NamedTuple, TypeVar

from safetensors.torch import load_file, save_file
from torch import nn

from ml.identity.backbones import ImageBackbone, LandmarkBackbone
from ml.identity.networks import Baseline, Confidence, IdentityAware

FOLDER: Final = Path(__file__).resolve().parent / "weights"
PARTS: Final = ("baseline", "identity", "confidence")

Kind = Literal["landmarks", "image"]
BACKBONES: Final[dict[Kind, type[nn.Module]]] = {"landmarks": LandmarkBackbone, "image": ImageBackbone}
DEFAULT: Final[Kind] = "landmarks"
"""What users' videos are given to, by the figures of `docs/results/kong2022.md`; which problem is solved to calibrate on each
backbone is in `ml.identity.calibration.PROBLEMS`.
"""

AnyModule = TypeVar("AnyModule", bound=nn.Module)


class Models(NamedTuple):
    """The three networks on one backbone, ready to be used."""

    baseline: Baseline
    identity: IdentityAware
    confidence: Confidence
    backbone: Kind


@lru_cache(maxsize=2)
def load_models(backbone: Kind = DEFAULT) -> Models:
    """The shipped networks, on the CPU, in evaluation mode.

    Raises:
        FileNotFoundError: they are not there; the message says how to make them.
    """
    seeing = BACKBONES[backbone]
    return Models(
        load_weights(Baseline(seeing()), weights_file(backbone, "baseline")),
        load_weights(IdentityAware(seeing()), weights_file(backbone, "identity")),
        load_weights(Confidence(), weights_file(backbone, "confidence")),
        backbone,
    )


def weights_file(backbone: Kind, part: str) -> Path:
    """Where the weights of one network are."""
    return FOLDER / f"kong2022-{backbone}-{part}.safetensors"


def card_file(backbone: Kind) -> Path:
    """Where the card of a backbone's networks is."""
    return FOLDER / f"kong2022-{backbone}.json"


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

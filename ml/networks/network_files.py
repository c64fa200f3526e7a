"""Weights of the survey's networks and the model cards that describe them; `make train` writes both."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from ml.networks.hand_batch import HandNetwork

FOLDER: Final = Path(__file__).resolve().parent / "weights"
FORMAT: Final = "1"
"""Version of the layout; changes when networks of this package change."""
MAX_BYTES: Final = 8 << 20


class WeightsError(ValueError):
    """A file of weights cannot be used; the message says which, why, and what would make a right one."""


def weights_path(system: str, variant: str) -> Path:
    """Where the weights of one network are."""
    return FOLDER / f"{system}-{variant}.safetensors"


def card_path(system: str) -> Path:
    """Where the model card of a system is."""
    return FOLDER / f"{system}.json"


def save_network(network: HandNetwork, path: Path) -> None:
    """Write a network's weights in half precision, with the network's name and hand model."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    halves = {name: t.half() if t.is_floating_point() else t for name, t in tensors.items()}
    save_file(halves, path, metadata={"network": type(network).__name__, "hand_model": network.hand_model, "format": FORMAT})


def load_network_file(network: HandNetwork, path: Path) -> HandNetwork:
    """Fill a network with weights from a file; in evaluation mode.

    Raises:
        WeightsError: the file is missing, damaged, of another network, another version or another hand model.
    """
    if not path.exists():
        raise WeightsError(
            f"no weights at {path}; `python -m ml.training.train_systems {path.stem.partition('-')[0]}` makes them"
        )
    if path.stat().st_size > 2 * MAX_BYTES:
        raise WeightsError(f"{path} has {path.stat().st_size} bytes; weights of this package have at most {2 * MAX_BYTES}")
    try:
        with safe_open(path, framework="pt") as archive:
            said: dict[str, str] = archive.metadata() or {}
        tensors = load_file(path)
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"{path} is damaged or not a safetensors file ({error}); make it again") from error
    wanted = {"network": type(network).__name__, "hand_model": network.hand_model, "format": FORMAT}
    for name, value in wanted.items():
        if said.get(name) != value:
            raise WeightsError(f"{path} is of {name.replace('_', ' ')} {said.get(name)!r}, needed is {value!r}")
    own = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    theirs = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    if own != theirs:
        name = next(n for n in sorted({*own, *theirs}) if own.get(n) != theirs.get(n))
        raise WeightsError(f"{path}: tensor {name} has shape {theirs.get(name)}, needed is {own.get(name)}")
    network.load_state_dict({name: t.float() if t.is_floating_point() else t for name, t in tensors.items()})
    return network.eval()


@lru_cache(maxsize=16)
def load_network(build: Callable[[], HandNetwork], path: Path, device: torch.device) -> HandNetwork:
    """A network with its shipped weights on a device, loaded once per process."""
    loaded = load_network_file(build(), path).to(device)
    return loaded.requires_grad_(False)


def write_card(system: str, variant: str, facts: dict[str, Any], folder: Path = FOLDER) -> dict[str, Any]:
    """Add the facts of one variant to the model card of its system, which is returned."""
    path = folder / card_path(system).name
    card: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {"system": system, "variants": {}}
    card["variants"][variant] = facts
    path.write_text(json.dumps(card, indent=1) + "\n")
    return card


def start_from(network: nn.Module, weights: Path) -> None:
    """Copy the weights of all tensors that a network shares, by name and shape, with a file of ours."""
    stored, own = load_file(weights), network.state_dict()
    shared = {name: tensor.float() for name, tensor in stored.items() if name in own and own[name].shape == tensor.shape}
    network.load_state_dict(shared, strict=False)

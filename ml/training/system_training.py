"""What the training of a survey's system is made of, and the run that trains one of its variants."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from ml.hand.model import load_hand_model
from ml.methods.network_method import own_joints
from ml.metrics.alignment import procrustes_align
from ml.networks.hand_batch import HandBatch, HandGuess, HandNetwork
from ml.networks.network_files import FOLDER, save_network, start_from, weights_path, write_card
from ml.training.loop import Batch, Schedule, train
from ml.training.survey_data import SurveyData

Loss = Callable[[HandNetwork, Batch], Tensor]
PYRAMID: Final = weights_path("zimmermann2017", "pixels")
"""Weights whose feature pyramid networks on pixels start from."""
BATCH: Final = 256
"""Hands of a batch at inference."""


@dataclass(frozen=True)
class VariantTraining:
    """One network of a system.

    Attributes:
        build: the network, untrained.
        loss: (network, batch of `ml.training.survey_data`) → scalar.
        schedule: steps, batch size, learning rate.
        depths: batches hold depth maps and silhouettes.
        pyramid: weights whose feature pyramid a network on pixels starts from.
        start: weights of another variant, of which the network starts from those that it shares.
        guide: makes a part that is trained with the network and not shipped; a loss finds it as `network.guide`.
        settings: whatever else the weights depend on, as JSON.
        batches: makes (data, schedule) → (step → batch) where the system has data of its own; None: `SurveyData.batches`.
    """

    build: Callable[[], HandNetwork]
    loss: Loss
    schedule: Schedule
    depths: bool = False
    pyramid: Path | None = None
    start: Path | None = None
    guide: Callable[[], nn.Module] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    batches: Callable[[SurveyData, Schedule], Callable[[int], Batch]] | None = None


@dataclass(frozen=True)
class SystemTraining:
    """A system.

    Attributes:
        name: in the catalogue of methods.
        variants: by name of the weights.
        study: the experiment that shows the claims of the paper: (training data, held-out data, folder of checkpoints) → JSON.
        losses: the terms and their weights, in one sentence for the model card.
    """

    name: str
    variants: Mapping[str, VariantTraining]
    study: Callable[[SurveyData, SurveyData, Path], dict[str, Any]] | None = None
    losses: str = ""


def fitted(
    variant: VariantTraining, data: SurveyData, folder: Path, *, device: torch.device | str = "cpu", rows: Tensor | None = None
) -> tuple[HandNetwork, float]:
    """A network trained on data, or on some `rows` of it, in evaluation mode, and the seconds that it took.

    `folder` keeps checkpoints, from which an interrupted run continues.
    """
    torch.manual_seed(variant.schedule.seed)
    network = variant.build()
    for path in (variant.pyramid, variant.start):
        if path is not None:
            start_from(network, path)
    if variant.guide is not None:
        network.add_module("guide", variant.guide())
    schedule = variant.schedule
    pixels = network.uses_pixels
    if variant.batches is not None:
        batches = variant.batches(data, schedule)
    else:
        batches = data.batches(schedule.batch, schedule.seed, pixels=pixels, depths=variant.depths, rows=rows)
    some = None if rows is None else len(rows)
    config = {"samples": len(data), "rows": some, "network": type(network).__name__, **variant.settings}
    done = train(network, batches, variant.loss, schedule=schedule, folder=folder, device=device, config=config)  # type: ignore[arg-type]
    if variant.guide is not None:
        del network.guide
    return network.eval(), done.seconds


def run(
    system: SystemTraining,
    name: str,
    data: SurveyData,
    held_out: SurveyData,
    folder: Path,
    *,
    device: torch.device | str = "cpu",
    weights: Path = FOLDER,
) -> dict[str, Any]:
    """Train one variant and write its weights and its part of the model card, which is returned."""
    variant = system.variants[name]
    network, seconds = fitted(variant, data, folder / f"{system.name}-{name}", device=device)
    network.cpu()
    path = weights / weights_path(system.name, name).name
    save_network(network, path)
    facts = {
        "model": path.name,
        "bytes": path.stat().st_size,
        "hand_model": network.hand_model,
        "input": "pixels" if network.uses_pixels else "keypoints",
        "parameters": sum(p.numel() for p in network.parameters()),
        "schedule": asdict(variant.schedule),
        "settings": dict(variant.settings),
        "losses": system.losses,
        "training_samples": len(data),
        "training_people": len(set(data.people.tolist())),
        "validation_samples": len(held_out),
        "seconds": round(seconds),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, {device}",
        "validation": errors(network, held_out),
    }
    card: dict[str, Any] = write_card(system.name, name, facts, weights)["variants"][name]
    return card


@torch.no_grad()
def guesses(network: HandNetwork, data: SurveyData, rows: Tensor | None = None) -> HandGuess:
    """A network's guesses for all hands, or for some, batch by batch."""
    chosen = torch.arange(len(data)) if rows is None else rows
    device = next(network.parameters()).device
    parts: list[HandGuess] = []
    for part in torch.split(chosen, BATCH):
        hands: HandBatch = data.hands(part, pixels=network.uses_pixels)
        parts.append(network(hands.to(device)).cpu())
    return HandGuess.concatenated(parts)


def errors(network: HandNetwork, data: SurveyData, rows: Tensor | None = None) -> dict[str, float]:
    """`errors_of` a network's guesses."""
    return errors_of(guesses(network, data, rows), data, rows)


def errors_of(guess: HandGuess, data: SurveyData, rows: Tensor | None = None) -> dict[str, float]:
    """PA-MPJPE (without reflection) and RA-MPJPE in mm, and the AUC of PCK over 20–50 mm after root alignment.

    Guesses without a scale get that of the mean hand, as users' do.
    """
    right = load_hand_model("open", "right")
    betas = torch.zeros(1, 10) if guess.betas is None else guess.betas
    found = own_joints(guess, right, betas).numpy().astype("float64")
    truth = data.true_joints if rows is None else data.true_joints[rows]
    true = (truth - truth[:, :1]).numpy().astype("float64")
    aligned, _ = procrustes_align(true, found, reflections=False)
    apart = 1000 * torch.as_tensor(found - true).norm(dim=-1)
    thresholds = torch.linspace(20, 50, 31)
    shares = torch.stack([(apart <= t).double().mean() for t in thresholds])
    return {
        "pa_mpjpe": round(1000 * float(torch.as_tensor(aligned - true).norm(dim=-1).mean()), 3),
        "ra_mpjpe": round(float(apart.mean()), 3),
        "auc_20_50": round(float(torch.trapezoid(shares, thresholds.double()) / 30), 4),
    }

"""Training the landmark models of Kong et al. 2022: `python -m ml.training.kong2022`, or `make train`.

Baseline and identity-aware network see the same samples in the same order; the confidence predictor is trained on the
frozen baseline. The run writes the weights and the card that says what they are and how good, on people it has not seen.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import roma
import torch
from torch import Tensor, nn

from ml.hand.model import load_hand_model
from ml.hand.skeleton import BONES
from ml.identity.networks import (
    Baseline,
    Confidence,
    IdentityAware,
    LandmarkBackbone,
    ranking_accuracy,
    ranking_loss,
    rotations_to_rows,
)
from ml.identity.observation import observe, turned
from ml.identity.weights import CARD, FILES, FOLDER, save_weights
from ml.training import dexycb, humbi
from ml.training.loop import Batch, Schedule, epochs, train
from ml.training.samples import FRAMES, Samples, make_samples

UNIT: Final = 0.2
"""Metres; about a hand's length, so that every term is of order one."""
NETWORK: Final = Schedule(steps=9000, batch=256, rate=5e-4)
CONFIDENCE: Final = Schedule(steps=1500, batch=128, rate=1e-3)
CACHE: Final = Path("var/training/landmarks")


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on.

    Attributes:
        clips: rendered for training, each of a person of its own; 12 frames a clip.
        validation_clips: two of each of the validation people.
        network: schedule of baseline and identity-aware network.
        confidence: schedule of the confidence predictor.
        noise: of the landmarks, added in training; standard deviation as a share of the hand's size.
        seed: of people, motion and training.
        data: `synthetic`; or `dexycb:FOLDER` or `humbi:FOLDER`, for those who hold the data set and licensed MANO.
    """

    clips: int = 4000
    validation_clips: int = 240
    network: Schedule = NETWORK
    confidence: Schedule = CONFIDENCE
    noise: float = 0.005
    seed: int = 0
    data: str = "synthetic"

    @property
    def hand_model(self) -> str:
        """That the labels belong to."""
        return "open" if self.data == "synthetic" else "mano"


@dataclass(frozen=True)
class Dataset:
    """n hands, as right hands in the crop's camera: inputs [n, 132], and in truth rotations [n, 16, 3, 3] and β [n, 10]."""

    inputs: Tensor
    rotations: Tensor
    betas: Tensor

    @classmethod
    def of(cls, samples: Samples) -> Dataset:
        """From detected samples."""
        mirrored = torch.as_tensor(samples.side == 0)
        pixels, world, intrinsics = map(torch.as_tensor, (samples.joints_2d, samples.world, samples.intrinsics))
        seen = observe(pixels, world, intrinsics, mirrored)
        rotations = seen.from_camera(roma.rotvec_to_rotmat(torch.as_tensor(samples.pose)))
        return cls(seen.inputs, rotations, torch.as_tensor(samples.betas))

    def __len__(self) -> int:
        return len(self.inputs)


def run(config: Config, folder: Path, *, device: str = "cpu", weights: Path = FOLDER) -> dict[str, Any]:
    """Make the samples, train, write weights and card.

    Args:
        config: see `Config`.
        folder: of checkpoints; an interrupted run goes on from there.
        device: `cpu` or `cuda`.
        weights: where weights and card go.

    Returns:
        The card.
    """
    began = time.monotonic()
    weights.mkdir(parents=True, exist_ok=True)
    training, held_out = _samples(config)
    data, validation = Dataset.of(training), Dataset.of(held_out)
    losses = Losses(config, data, device)
    baseline, aware, confidence = Baseline(LandmarkBackbone()), IdentityAware(LandmarkBackbone()), Confidence()
    for name, model, loss in (("baseline", baseline, losses.baseline), ("identity", aware, losses.identity)):
        torch.manual_seed(config.network.seed)
        train(model, losses.batches(config.network), loss, schedule=config.network, folder=folder / name, device=device)
        save_weights(model.cpu(), weights / FILES[name])
    baseline.requires_grad_(False).to(device)
    ranking = losses.confidence(baseline)
    train(
        confidence,
        losses.batches(config.confidence),
        ranking,
        schedule=config.confidence,
        folder=folder / "confidence",
        device=device,
    )
    with torch.no_grad():
        confidence.cpu().reliability.copy_(reliability(baseline.cpu()(validation.inputs)[1], validation.betas))
    save_weights(confidence, weights / FILES["confidence"])
    card = {
        "models": {name: FILES[name] for name in FILES},
        "config": asdict(config),
        "training_samples": len(data),
        "training_people": len(set(training.subject.tolist())),
        "validation_samples": len(validation),
        "hand_model": config.hand_model,
        "found": round(len(training) / _drawn(config, training), 4),
        "seconds": round(time.monotonic() - began),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, {device}",
        "validation": figures(baseline.cpu(), aware, confidence, validation, hand_model=config.hand_model),
        "losses": "L1 joints 1, bone lengths 1, L1 6D pose 1, L1 shape 1 (baseline); lengths in units of 0.2 m",
    }
    (weights / CARD).write_text(json.dumps(card, indent=1) + "\n")
    return card


def _samples(config: Config) -> tuple[Samples, Samples]:
    """Of training and of validation, by different people."""
    kind, _, root = config.data.partition(":")
    if kind == "dexycb":
        return dexycb.load(Path(root), "train"), dexycb.load(Path(root), "validation")
    if kind == "humbi":
        return humbi.load(Path(root), range(1, 700)), humbi.load(Path(root), range(700, 1000))
    if kind != "synthetic":
        raise ValueError(f"there is no data {kind!r}; there are synthetic, dexycb:FOLDER and humbi:FOLDER")
    print("rendering and detecting; what lies in the cache is taken from there", flush=True)
    training = make_samples(CACHE, split="train", seed=config.seed, clips=config.clips, report=_say)
    return training, make_samples(CACHE, split="validation", seed=config.seed, clips=config.validation_clips, clips_a_subject=2)


def _drawn(config: Config, training: Samples) -> int:
    """Pictures that were shown to the detector for training."""
    return config.clips * FRAMES if config.data == "synthetic" else int(training.drawn[0])


class Losses:
    """Batches and losses over one data set."""

    def __init__(self, config: Config, data: Dataset, device: str) -> None:
        self.config, self.data = config, data
        self.model = load_hand_model(config.hand_model, "right").to(device)
        self.parents, self.children = (torch.tensor(ends, device=device) for ends in zip(*BONES, strict=True))

    def batches(self, schedule: Schedule) -> Any:
        """Step → batch: samples rolled about the line of sight and shaken a little."""
        indices = epochs(len(self.data), schedule.batch, schedule.seed)

        def batch(step: int) -> Batch:
            rows = indices(step)
            generator = torch.Generator().manual_seed(schedule.seed * 7_368_787 + step)
            angles = (torch.rand(len(rows), generator=generator) * 2 - 1) * torch.pi
            inputs, rotations = turned(self.data.inputs[rows], self.data.rotations[rows], angles)
            inputs = inputs + self.config.noise * torch.randn(inputs.shape, generator=generator)
            return {"inputs": inputs, "rotations": rotations, "betas": self.data.betas[rows]}

        return batch

    def baseline(self, model: nn.Module, batch: Batch) -> Tensor:
        """Hand, and L1 of the shape."""
        rotations, betas, _ = model(batch["inputs"])
        off: Tensor = (betas - batch["betas"]).abs().mean()
        return self._hand(rotations, betas, batch) + off

    def identity(self, model: nn.Module, batch: Batch) -> Tensor:
        """Hand, with the true shape in the hand model."""
        return self._hand(model(batch["inputs"]), batch["betas"], batch)

    def confidence(self, baseline: Baseline) -> Any:
        """Ranking of the frozen baseline's shape errors."""

        def loss_of(model: nn.Module, batch: Batch) -> Tensor:
            with torch.no_grad():
                _, betas, features = baseline(batch["inputs"])
            loss: Tensor = ranking_loss(model(features), (betas - batch["betas"]).abs().mean(-1))
            return loss

        return loss_of

    def _hand(self, rotations: Tensor, betas: Tensor, batch: Batch) -> Tensor:
        """L1 of joints about the wrist, of bone lengths (in units of 0.2 m), and of the 6D pose.

        The paper takes the mesh for joints; joints and bones say the same of pose and shape at a thirtieth of the cost.
        """
        still = rotations.new_zeros(len(rotations), 3)
        found = self._about_wrist(self.model.joints(rotations, betas, still))
        with torch.no_grad():
            true = self._about_wrist(self.model.joints(batch["rotations"], batch["betas"], still))
        bones, true_bones = ((j[:, self.children] - j[:, self.parents]).norm(dim=-1) for j in (found, true))
        codes = [rotations_to_rows(r).flatten(1) for r in (rotations, batch["rotations"])]
        loss: Tensor = (found - true).abs().mean() + (bones - true_bones).abs().mean() + (codes[0] - codes[1]).abs().mean()
        return loss

    @staticmethod
    def _about_wrist(joints: Tensor) -> Tensor:
        return (joints - joints[:, :1]) / UNIT


def reliability(found: Tensor, true: Tensor) -> Tensor:
    """Share [10] of the variance of each direction of β that one picture explains, of shapes found [n, 10] and true.

    It is the slope of what is found on what is true: a network trained to be right on average answers so much of it.
    """
    return ((found * true).sum(0) / true.square().sum(0)).clamp(0.0, 0.99)


@torch.no_grad()
def figures(
    baseline: Baseline, aware: IdentityAware, confidence: Confidence, data: Dataset, *, hand_model: str
) -> dict[str, float]:
    """Root-relative MPJPE (mm) of both networks and the ranking accuracy, on people they have not seen."""
    model = load_hand_model(hand_model, "right")

    def error(rotations: Tensor, betas: Tensor) -> float:
        still = torch.zeros(len(rotations), 3)
        pair = [model.joints(r, b, still) for r, b in ((rotations, betas), (data.rotations, data.betas))]
        relative = [joints - joints[:, :1] for joints in pair]
        return round(1000 * float((relative[0] - relative[1]).norm(dim=-1).mean()), 3)

    rotations, betas, features = baseline(data.inputs)
    shape_errors = (betas - data.betas).abs().mean(-1)
    return {
        "ra_mpjpe_baseline": error(rotations, betas),
        "ra_mpjpe_baseline_mean_shape": error(rotations, torch.zeros_like(betas)),
        "ra_mpjpe_identity_true_shape": error(aware(data.inputs), data.betas),
        "shape_mse": round(float((betas - data.betas).square().mean()), 4),
        "ranking_accuracy": round(ranking_accuracy(confidence(features), shape_errors), 4),
    }


def _say(done: int, of: int) -> None:
    print(f"  {done} of {of} chunks", flush=True)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train the landmark models of Kong et al. 2022.")
    parser.add_argument("--clips", type=int, default=Config.clips)
    parser.add_argument("--steps", type=int, default=NETWORK.steps)
    parser.add_argument("--folder", type=Path, default=Path("var/training/kong2022"), help="of checkpoints")
    parser.add_argument("--data", default=Config.data, help="synthetic, dexycb:FOLDER or humbi:FOLDER")
    parser.add_argument("--weights", type=Path, default=FOLDER, help="where weights and card go")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    chosen = parser.parse_args()
    config = Config(clips=chosen.clips, network=replace(NETWORK, steps=chosen.steps), data=chosen.data)
    card = run(config, chosen.folder, device=chosen.device, weights=chosen.weights)
    print(json.dumps(card["validation"], indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

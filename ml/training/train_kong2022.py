"""Training the networks of Kong et al. 2022: `python -m ml.training.train_kong2022 --backbone NAME`, or both by `make train`.

Baseline and identity-aware network see the same samples; the identity-aware one goes on from the baseline's weights, and the
confidence predictor is trained on the frozen baseline. The run writes the weights and the card that says what they are and how
good, on people it has not seen.
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final, get_args

import roma
import torch
from torch import Tensor, nn

from ml.hand.model import load_hand_model
from ml.hand.skeleton import BONES
from ml.identity.networks import (
    Baseline,
    Confidence,
    IdentityAware,
    ranking_accuracy,
    ranking_loss,
    rotations_to_rows,
)
from ml.identity.observation import Observation, observe
from ml.identity.weights import BACKBONES, FOLDER, PARTS, Kind, card_file, save_weights, weights_file
from ml.training import dexycb_samples, humbi_samples
from ml.training.augment import cut, varied
from ml.training.loop import Batch, Schedule, epochs, train
from ml.training.paper import choices
from ml.training.samples import FRAMES, Samples, make_samples

UNIT: Final = 0.2
"""Metres; about a hand's length, so that every term is of order one."""
NETWORKS: Final[dict[Kind, tuple[Schedule, Schedule]]] = {
    "landmarks": (Schedule(steps=4000, batch=256, rate=5e-4), Schedule(steps=2000, batch=256, rate=3e-4)),
    "image": (Schedule(steps=7000, batch=64, rate=1e-3), Schedule(steps=3000, batch=64, rate=5e-4)),
}
"""Of the baseline and of the identity-aware network."""
CONFIDENCE: Final = Schedule(steps=1500, batch=128, rate=1e-3)
CACHE: Final = Path("var/training/samples")
PIECE: Final = 256
"""Hands looked at together where nothing is trained: bounds the memory."""


@dataclass(frozen=True)
class Config:
    """Everything that a run depends on.

    Attributes:
        backbone: `landmarks` or `image`.
        clips: rendered for training, each of a person of its own; 12 frames a clip.
        validation_clips: two of each of the validation people.
        baseline, identity: schedules of the two networks.
        confidence: schedule of the confidence predictor.
        noise: of the landmarks, added in training; standard deviation as a share of the hand's size.
        seed: of people, motion and training.
        data: `synthetic`; or `dexycb:FOLDER` or `humbi:FOLDER`, for those who hold the data set and licensed MANO.
    """

    backbone: Kind = "landmarks"
    clips: int = 4000
    validation_clips: int = 240
    baseline: Schedule = NETWORKS["landmarks"][0]
    identity: Schedule = NETWORKS["landmarks"][1]
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
    """n hands, as right hands in the crop's camera.

    Attributes:
        seen: inputs, landmarks and where they are from.
        crops: uint8 [n, 3, 112, 112], with their rim.
        joints: [n, 21, 2], the true ones as the crops show them.
        rotations, betas: the truth, [n, 16, 3, 3] and [n, 10].
    """

    seen: Observation
    crops: Tensor
    joints: Tensor
    rotations: Tensor
    betas: Tensor

    @classmethod
    def of(cls, samples: Samples) -> Dataset:
        """From detected samples."""
        mirrored = torch.as_tensor(samples.side == 0)
        pixels, world, intrinsics = map(torch.as_tensor, (samples.joints_2d, samples.world, samples.intrinsics))
        seen = observe(pixels, world, intrinsics, mirrored)
        rotations = seen.from_camera(roma.rotvec_to_rotmat(torch.as_tensor(samples.pose)))
        joints = seen.in_crop(torch.as_tensor(samples.joints))
        return cls(seen, torch.as_tensor(samples.crop), joints, rotations, torch.as_tensor(samples.betas))

    def __len__(self) -> int:
        return len(self.betas)

    def taken(self, backbone: Kind, rows: slice) -> tuple[Tensor, ...]:
        """What a backbone takes of some hands, as they are."""
        if backbone == "landmarks":
            return (self.seen.inputs[rows],)
        return self.seen.inputs[rows], cut(self.crops[rows]), self.seen.landmarks[rows]


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
    weights.mkdir(parents=True, exist_ok=True)
    files = {part: weights / weights_file(config.backbone, part).name for part in PARTS}
    seeing = BACKBONES[config.backbone]
    training, held_out = _samples(config)
    trained_on, found = len(set(training.subject.tolist())), len(training) / _drawn(config, training)
    data, validation = Dataset.of(training), Dataset.of(held_out)
    losses = Losses(config, data, device)
    torch.manual_seed(config.seed)
    baseline, aware, confidence = Baseline(seeing()), IdentityAware(seeing()), Confidence()
    spent = []

    def trained(part: str, model: nn.Module, batches: Callable[[int], Batch]) -> None:
        progress = train(
            model,
            batches,
            getattr(losses, part),
            schedule=getattr(config, part),
            folder=folder / f"{config.backbone}-{part}",
            device=device,
            config=_depends_on(config, part),
        )
        spent.append(progress.seconds)
        model.cpu()

    trained("baseline", baseline, losses.batches(config.baseline))
    save_weights(baseline, files["baseline"])
    aware.load_state_dict({name: value for name, value in baseline.state_dict().items() if not name.startswith("shape.")})
    trained("identity", aware, losses.batches(config.identity))
    save_weights(aware, files["identity"])
    trained("confidence", confidence, losses.of_features(config.confidence, baseline))
    answers = look(baseline, validation, config.backbone)
    people, clips = (torch.as_tensor(values) for values in (held_out.subject, held_out.clip))
    confidence.moments.copy_(moments(answers[1], validation.betas, people, clips))
    save_weights(confidence, files["confidence"])
    card = {
        "models": {part: path.name for part, path in files.items()},
        "config": asdict(config),
        "parameters": sum(p.numel() for p in baseline.parameters()),
        "training_samples": len(data),
        "training_people": trained_on,
        "validation_samples": len(validation),
        "hand_model": config.hand_model,
        "found": round(found, 4),
        "seconds": round(sum(spent)),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, {device}",
        "validation": figures(baseline, aware, confidence, validation, backbone=config.backbone, hand_model=config.hand_model),
        "choices": choices(config.backbone),
        "losses": "L1 joints 1, bone lengths 1, L1 6D pose 1, L1 shape 0.5 (baseline), 2D joints 2 (image); lengths in units "
        "of 0.2 m, 2D in half the crop",
    }
    (weights / card_file(config.backbone).name).write_text(json.dumps(card, indent=1) + "\n")
    return card


def _depends_on(config: Config, part: str) -> dict[str, Any]:
    """Of a configuration, what the weights of one network follow from, its own schedule aside; the others begin with the
    baseline's weights or look at its features.
    """
    told = {"backbone": config.backbone, "clips": config.clips, "noise": config.noise, "seed": config.seed, "data": config.data}
    return told if part == "baseline" else told | {"baseline": asdict(config.baseline)}


def _samples(config: Config) -> tuple[Samples, Samples]:
    """Of training and of validation, by different people."""
    kind, _, root = config.data.partition(":")
    if kind == "dexycb":
        return dexycb_samples.load(Path(root), "train"), dexycb_samples.load(Path(root), "validation")
    if kind == "humbi":
        return humbi_samples.load(Path(root), range(1, 700)), humbi_samples.load(Path(root), range(700, 1000))
    if kind != "synthetic":
        raise ValueError(f"there is no data {kind!r}; there are synthetic, dexycb:FOLDER and humbi:FOLDER")
    print("rendering and detecting; what lies in the cache is taken from there", flush=True)
    training = make_samples(CACHE, split="train", seed=config.seed, clips=config.clips, report=say)
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

    def batches(self, schedule: Schedule) -> Callable[[int], Batch]:
        """Step → batch: samples turned, moved and lit a little otherwise."""
        indices = epochs(len(self.data), schedule.batch, schedule.seed)

        def batch(step: int) -> Batch:
            rows = indices(step)
            generator = torch.Generator().manual_seed(schedule.seed * 7_368_787 + step)
            data, pictures = self.data, self.config.backbone == "image"
            other = varied(
                data.seen.inputs[rows],
                data.rotations[rows],
                data.crops[rows] if pictures else None,
                torch.stack([data.seen.landmarks[rows], data.joints[rows]]),
                generator,
            )
            inputs = other.inputs + self.config.noise * torch.randn(other.inputs.shape, generator=generator)
            made = {"inputs": inputs, "rotations": other.rotations, "betas": data.betas[rows]}
            if other.crops is not None:
                made |= {"crops": other.crops, "landmarks": other.points[0], "joints": other.points[1]}
            return made

        return batch

    def of_features(self, schedule: Schedule, baseline: Baseline) -> Callable[[int], Batch]:
        """Step → features of the frozen baseline, computed once, and its shape errors."""
        _, betas, features = look(baseline, self.data, self.config.backbone)
        errors = (betas - self.data.betas).abs().mean(-1)
        indices = epochs(len(self.data), schedule.batch, schedule.seed)
        return lambda step: {"features": features[indices(step)], "errors": errors[indices(step)]}

    def baseline(self, model: nn.Module, batch: Batch) -> Tensor:
        """Hand, 2D joints, and half of the L1 of the shape."""
        features, seen = self._seen(model, batch)
        rotations, betas = model.heads(features)  # type: ignore[operator]
        off: Tensor = (betas - batch["betas"]).abs().mean()
        return self._hand(rotations, betas, batch) + 0.5 * off + seen

    def identity(self, model: nn.Module, batch: Batch) -> Tensor:
        """Hand, with the true shape in the hand model, and 2D joints."""
        features, seen = self._seen(model, batch)
        return self._hand(model.pose(features), batch["betas"], batch) + seen  # type: ignore[operator]

    def confidence(self, model: nn.Module, batch: Batch) -> Tensor:
        """Ranking of the frozen baseline's shape errors."""
        return ranking_loss(model(batch["features"]), batch["errors"])

    def _seen(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """The feature; and the loss of the 2D joints: mean distance, and a Laplacian likelihood of how far off they are."""
        if "crops" not in batch:
            return model.backbone(batch["inputs"]).features, batch["inputs"].new_zeros(())  # type: ignore[operator]
        # half the time in bfloat16, where the processor knows it; the heads stay exact
        with torch.autocast(batch["crops"].device.type, torch.bfloat16):
            output = model.backbone(batch["inputs"], batch["crops"], batch["landmarks"])  # type: ignore[operator]
        missed = (output.joints.float() - batch["joints"]).norm(dim=-1)
        log_scale = output.log_scale.float()
        likelihood = (missed.detach() / log_scale.exp() + 2 * log_scale).mean()
        return output.features.float(), 2 * missed.mean() + 0.02 * likelihood

    def _hand(self, rotations: Tensor, betas: Tensor, batch: Batch) -> Tensor:
        """L1 of joints about the wrist, of bone lengths (in units of 0.2 m), and of the 6D pose.

        The paper takes the mesh; joints and bones say nearly the same of pose and shape, and cost next to nothing
        (`ml.training.paper.loss_seconds`).
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


def moments(found: Tensor, true: Tensor, people: Tensor, clips: Tensor) -> Tensor:
    """How answers go along with the truth and with one another, [4, 10] (`ml.identity.networks.Confidence`).

    Args:
        found: [n, 10], shapes by the baseline.
        true: [n, 10].
        people: int [n], whose.
        clips: int [n], from where; no clip is of two people.
    """

    def sums(groups: Tensor) -> tuple[Tensor, float]:
        """Of the products of all pairs within groups, each picture with itself among them, and how many they are."""
        _, group, count = torch.unique(groups, return_inverse=True, return_counts=True)
        total = found.new_zeros(len(count), 10).index_add_(0, group, found)
        return total.square().sum(0), float(count.square().sum())

    itself, own = found.square().sum(0), float(len(found))
    (clip, in_clip), (person, in_person) = sums(clips), sums(people)
    same_clip = (clip - itself) / max(in_clip - own, 1.0)
    same_person = (person - clip) / (in_person - in_clip) if in_person > in_clip else same_clip
    found_moments = torch.stack([(found * true).mean(0), found.square().mean(0), same_clip, same_person])
    # what was measured on some people cannot be less alike than nothing
    return (found_moments / true.square().mean(0)).clamp_min(0.0)


@torch.no_grad()
def look(model: nn.Module, data: Dataset, backbone: Kind) -> tuple[Tensor, ...]:
    """What a network answers for all hands, piece by piece."""
    pieces = [model(*data.taken(backbone, slice(first, first + PIECE))) for first in range(0, len(data), PIECE)]
    if isinstance(pieces[0], Tensor):
        return (torch.cat(pieces),)
    return tuple(torch.cat(parts) for parts in zip(*pieces, strict=True))


@torch.no_grad()
def figures(
    baseline: Baseline,
    aware: IdentityAware,
    confidence: Confidence,
    data: Dataset,
    *,
    backbone: Kind,
    hand_model: str,
) -> dict[str, float]:
    """Root-relative MPJPE (mm) of both networks and the ranking accuracy, on people they have not seen."""
    model = load_hand_model(hand_model, "right")

    def error(rotations: Tensor, betas: Tensor) -> float:
        still = torch.zeros(len(rotations), 3)
        pair = [model.joints(r, b, still) for r, b in ((rotations, betas), (data.rotations, data.betas))]
        relative = [joints - joints[:, :1] for joints in pair]
        return round(1000 * float((relative[0] - relative[1]).norm(dim=-1).mean()), 3)

    rotations, betas, features = look(baseline, data, backbone)
    shape_errors = (betas - data.betas).abs().mean(-1)
    return {
        "ra_mpjpe_baseline": error(rotations, betas),
        "ra_mpjpe_baseline_mean_shape": error(rotations, torch.zeros_like(betas)),
        "ra_mpjpe_identity_true_shape": error(look(aware, data, backbone)[0], data.betas),
        "shape_mse": round(float((betas - data.betas).square().mean()), 4),
        "ranking_accuracy": round(ranking_accuracy(confidence(features), shape_errors), 4),
    }


def say(done: int, of: int) -> None:
    """How far the rendering is."""
    print(f"rendering and detecting: {done} of {of} chunks", flush=True)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train the networks of Kong et al. 2022.")
    parser.add_argument("--backbone", choices=get_args(Kind), default=Config.backbone)
    parser.add_argument("--clips", type=int, default=Config.clips)
    parser.add_argument("--steps", type=int, nargs=2, help="of baseline and identity-aware network")
    parser.add_argument("--folder", type=Path, default=Path("var/training/kong2022"), help="of checkpoints")
    parser.add_argument("--data", default=Config.data, help="synthetic, dexycb:FOLDER or humbi:FOLDER")
    parser.add_argument("--weights", type=Path, default=FOLDER, help="where weights and card go")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    chosen = parser.parse_args()
    first, second = NETWORKS[chosen.backbone]
    if chosen.steps:
        first, second = replace(first, steps=chosen.steps[0]), replace(second, steps=chosen.steps[1])
    config = Config(chosen.backbone, clips=chosen.clips, baseline=first, identity=second, data=chosen.data)
    card = run(config, chosen.folder, device=chosen.device, weights=chosen.weights)
    print(json.dumps(card["validation"], indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Train the networks of Kong et al. 2022: `python -m ml.training.train_kong2022 --backbone NAME`, or both by `make train`.

Baseline and identity-aware network see the same samples; the identity-aware one starts from the baseline's weights, and the
confidence predictor is trained on the frozen baseline. The run writes the weights and a model card with their configuration and
their errors on validation people.
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

from ml.device import default_device
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
from ml.training.augment import augment, without_rim
from ml.training.loop import Batch, Schedule, epochs, train
from ml.training.paper import choices
from ml.training.samples import FRAMES, Samples, make_samples

UNIT: Final = 0.2
"""Metres; about the length of a hand, so that every term of the loss is of order one."""
NETWORKS: Final[dict[Kind, tuple[Schedule, Schedule]]] = {
    "landmarks": (Schedule(steps=2400, batch=256, rate=5e-4), Schedule(steps=1000, batch=256, rate=3e-4)),
    "image": (Schedule(steps=2600, batch=64, rate=1e-3), Schedule(steps=1100, batch=64, rate=5e-4)),
}
"""Schedules of the baseline and of the identity-aware network."""
CONFIDENCE: Final = Schedule(steps=1500, batch=128, rate=1e-3)
CACHE: Final = Path("var/training/samples")
BATCH: Final = 256
"""Batch size of inference, which bounds the memory."""


@dataclass(frozen=True)
class Config:
    """Configuration of a run.

    Attributes:
        backbone: `landmarks` or `image`.
        clips: rendered for training, each of another person; 12 frames per clip.
        validation_clips: two of each validation person.
        baseline, identity: schedules of the two networks.
        confidence: schedule of the confidence predictor.
        noise: standard deviation of the noise added to landmarks, as a share of the hand's size.
        seed: of people, motion and training.
        data: `synthetic`; or `dexycb:FOLDER` or `humbi:FOLDER`, which need the data set and licensed MANO.
    """

    backbone: Kind = "landmarks"
    clips: int = 2400
    validation_clips: int = 240
    baseline: Schedule = NETWORKS["landmarks"][0]
    identity: Schedule = NETWORKS["landmarks"][1]
    confidence: Schedule = CONFIDENCE
    noise: float = 0.005
    seed: int = 0
    data: str = "synthetic"

    @property
    def hand_model(self) -> str:
        """The hand model of the labels."""
        return "open" if self.data == "synthetic" else "mano"


@dataclass(frozen=True)
class Dataset:
    """n right hands in their crop cameras.

    Attributes:
        seen: network inputs and crop cameras.
        crops: uint8 [n, 3, 112, 112], with their rim.
        joints: [n, 21, 2], true joints in coordinates of the crops.
        rotations, betas: true values, [n, 16, 3, 3] and [n, 10].
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

    def backbone_inputs(self, backbone: Kind, rows: slice) -> tuple[Tensor, ...]:
        """The inputs of a backbone for some hands, without augmentation."""
        if backbone == "landmarks":
            return (self.seen.inputs[rows],)
        return self.seen.inputs[rows], without_rim(self.crops[rows]), self.seen.landmarks[rows]


def run(config: Config, folder: Path, *, device: str | torch.device = "cpu", weights: Path = FOLDER) -> dict[str, Any]:
    """Make the samples, train, and write weights and model card, which is returned.

    `folder` keeps checkpoints, from which an interrupted run continues; `weights` takes weights and card.
    """
    weights.mkdir(parents=True, exist_ok=True)
    files = {part: weights / weights_file(config.backbone, part).name for part in PARTS}
    backbone_class = BACKBONES[config.backbone]
    training, held_out = _samples(config)
    trained_on, found = len(set(training.subject.tolist())), len(training) / _rendered(config, training)
    data, validation = Dataset.of(training), Dataset.of(held_out)
    losses = Losses(config, data, device)
    torch.manual_seed(config.seed)
    baseline, aware, confidence = Baseline(backbone_class()), IdentityAware(backbone_class()), Confidence()
    spent = []

    def trained(part: str, model: nn.Module, batches: Callable[[int], Batch]) -> None:
        done = train(
            model,
            batches,
            getattr(losses, part),
            schedule=getattr(config, part),
            folder=folder / f"{config.backbone}-{part}",
            device=device,
            config=_depends_on(config, part),
        )
        spent.append(done.seconds)

    trained("baseline", baseline, losses.batches(config.baseline))
    save_weights(baseline, files["baseline"])
    aware.load_state_dict({name: value for name, value in baseline.state_dict().items() if not name.startswith("shape.")})
    trained("identity", aware, losses.batches(config.identity))
    save_weights(aware, files["identity"])
    trained("confidence", confidence, losses.of_features(config.confidence, baseline))
    people, clips = (torch.as_tensor(values) for values in (held_out.subject, held_out.clip))
    found_betas = infer(baseline, validation, config.backbone)[1]
    confidence.moments.copy_(moments(found_betas, validation.betas, people, clips))
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
        "validation": validation_errors(
            baseline, aware, confidence, validation, backbone=config.backbone, hand_model=config.hand_model
        ),
        "choices": choices(config.backbone),
        "losses": "L1 joints 1, bone lengths 1, L1 6D pose 1, L1 shape 0.5 (baseline), 2D joints 2 (image); lengths in units "
        "of 0.2 m, 2D in half the crop",
    }
    (weights / card_file(config.backbone).name).write_text(json.dumps(card, indent=1) + "\n")
    return card


def _depends_on(config: Config, part: str) -> dict[str, Any]:
    """The part of the configuration that determines the weights of one network, without its schedule.

    The other networks start from the baseline's weights or use its features.
    """
    common = {
        "backbone": config.backbone,
        "clips": config.clips,
        "noise": config.noise,
        "seed": config.seed,
        "data": config.data,
    }
    return common if part == "baseline" else common | {"baseline": asdict(config.baseline)}


def _samples(config: Config) -> tuple[Samples, Samples]:
    """Training and validation samples, of different people."""
    kind, _, root = config.data.partition(":")
    if kind == "dexycb":
        return dexycb_samples.load(Path(root), "train"), dexycb_samples.load(Path(root), "validation")
    if kind == "humbi":
        return humbi_samples.load(Path(root), range(1, 700)), humbi_samples.load(Path(root), range(700, 1000))
    if kind != "synthetic":
        raise ValueError(f"no data {kind!r}; there are synthetic, dexycb:FOLDER and humbi:FOLDER")
    print("rendering and detecting; existing chunks are read from the cache", flush=True)
    training = make_samples(CACHE, split="train", seed=config.seed, clips=config.clips, report=print_progress)
    return training, make_samples(CACHE, split="validation", seed=config.seed, clips=config.validation_clips, clips_a_subject=2)


def _rendered(config: Config, training: Samples) -> int:
    """Images given to the detector for training."""
    return config.clips * FRAMES if config.data == "synthetic" else int(training.rendered[0])


class Losses:
    """Batches and losses over one data set."""

    def __init__(self, config: Config, data: Dataset, device: str | torch.device) -> None:
        self.config, self.data = config, data
        self.model = load_hand_model(config.hand_model, "right", device=device)
        self.parents, self.children = (torch.tensor(ends, device=device) for ends in zip(*BONES, strict=True))

    def batches(self, schedule: Schedule) -> Callable[[int], Batch]:
        """Step → augmented batch."""
        indices = epochs(len(self.data), schedule.batch, schedule.seed)

        def batch(step: int) -> Batch:
            rows = indices(step)
            generator = torch.Generator().manual_seed(schedule.seed * 7_368_787 + step)
            data, with_images = self.data, self.config.backbone == "image"
            other = augment(
                data.seen.inputs[rows],
                data.rotations[rows],
                data.crops[rows] if with_images else None,
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
        _, betas, features = infer(baseline, self.data, self.config.backbone)
        errors = (betas - self.data.betas).abs().mean(-1)
        indices = epochs(len(self.data), schedule.batch, schedule.seed)
        return lambda step: {"features": features[indices(step)], "errors": errors[indices(step)]}

    def baseline(self, model: nn.Module, batch: Batch) -> Tensor:
        """Loss of hand and 2D joints, and half of the L1 of the shape."""
        features, keypoint_loss = self._backbone(model, batch)
        rotations, betas = model.heads(features)  # type: ignore[operator]
        shape_loss: Tensor = (betas - batch["betas"]).abs().mean()
        return self._hand(rotations, betas, batch) + 0.5 * shape_loss + keypoint_loss

    def identity(self, model: nn.Module, batch: Batch) -> Tensor:
        """Loss of the hand, with the true shape in the hand model, and of 2D joints."""
        features, keypoint_loss = self._backbone(model, batch)
        return self._hand(model.pose(features), batch["betas"], batch) + keypoint_loss  # type: ignore[operator]

    def confidence(self, model: nn.Module, batch: Batch) -> Tensor:
        """Ranking of the frozen baseline's shape errors."""
        return ranking_loss(model(batch["features"]), batch["errors"])

    def _backbone(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """The feature and the loss of the 2D joints: mean distance, and the Laplacian likelihood of the predicted scale."""
        if "crops" not in batch:
            return model.backbone(batch["inputs"]).features, batch["inputs"].new_zeros(())  # type: ignore[operator]
        # bfloat16 takes half the time on processors that support it; the heads stay in float32
        with torch.autocast(batch["crops"].device.type, torch.bfloat16):
            output = model.backbone(batch["inputs"], batch["crops"], batch["landmarks"])  # type: ignore[operator]
        distance = (output.joints.float() - batch["joints"]).norm(dim=-1)
        log_scale = output.log_scale.float()
        likelihood = (distance.detach() / log_scale.exp() + 2 * log_scale).mean()
        return output.features.float(), 2 * distance.mean() + 0.02 * likelihood

    def _hand(self, rotations: Tensor, betas: Tensor, batch: Batch) -> Tensor:
        """L1 of joints about the wrist, of bone lengths (in units of 0.2 m), and of the 6D pose.

        The paper uses the mesh; joints and bones determine pose and shape nearly as well at a fraction of the cost
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
    """Second moments [4, 10] of the baseline's shapes (`ml.identity.networks.Confidence`).

    Args:
        found: [n, 10], shapes by the baseline.
        true: [n, 10].
        people: int [n], number of the person.
        clips: int [n], number of the clip; a clip shows one person.
    """

    def sums(groups: Tensor) -> tuple[Tensor, float]:
        """Sum of the products of all pairs within groups, including each frame with itself, and the number of pairs."""
        _, group, count = torch.unique(groups, return_inverse=True, return_counts=True)
        total = found.new_zeros(len(count), 10).index_add_(0, group, found)
        return total.square().sum(0), float(count.square().sum())

    itself, own = found.square().sum(0), float(len(found))
    (clip, in_clip), (person, in_person) = sums(clips), sums(people)
    same_clip = (clip - itself) / max(in_clip - own, 1.0)
    same_person = (person - clip) / (in_person - in_clip) if in_person > in_clip else same_clip
    found_moments = torch.stack([(found * true).mean(0), found.square().mean(0), same_clip, same_person])
    return (found_moments / true.square().mean(0)).clamp_min(0.0)  # a negative sample moment is noise


@torch.no_grad()
def infer(model: nn.Module, data: Dataset, backbone: Kind) -> tuple[Tensor, ...]:
    """Network outputs for all hands, batch by batch, on the model's device; the results are on the CPU."""
    device, pieces = next(model.parameters()).device, []
    for first in range(0, len(data), BATCH):
        found = model(*(t.to(device) for t in data.backbone_inputs(backbone, slice(first, first + BATCH))))
        pieces.append([t.cpu() for t in (found if isinstance(found, tuple) else (found,))])
    return tuple(torch.cat(parts) for parts in zip(*pieces, strict=True))


@torch.no_grad()
def validation_errors(
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

    rotations, betas, features = infer(baseline, data, backbone)
    shape_errors = (betas - data.betas).abs().mean(-1)
    return {
        "ra_mpjpe_baseline": error(rotations, betas),
        "ra_mpjpe_baseline_mean_shape": error(rotations, torch.zeros_like(betas)),
        "ra_mpjpe_identity_true_shape": error(infer(aware, data, backbone)[0], data.betas),
        "shape_mse": round(float((betas - data.betas).square().mean()), 4),
        "ranking_accuracy": round(ranking_accuracy(confidence.cpu()(features), shape_errors), 4),
    }


def print_progress(done: int, of: int) -> None:
    """Print the progress of the rendering."""
    print(f"rendering and detecting: {done} of {of} chunks", flush=True)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train the networks of Kong et al. 2022.")
    parser.add_argument("--backbone", choices=get_args(Kind), default=Config.backbone)
    parser.add_argument("--clips", type=int, default=Config.clips)
    parser.add_argument("--steps", type=int, nargs=2, help="of the baseline and the identity-aware network")
    parser.add_argument("--folder", type=Path, default=Path("var/training/kong2022"), help="of checkpoints")
    parser.add_argument("--data", default=Config.data, help="synthetic, dexycb:FOLDER or humbi:FOLDER")
    parser.add_argument("--weights", type=Path, default=FOLDER, help="folder for weights and card")
    parser.add_argument("--device", type=torch.device, default=default_device())
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

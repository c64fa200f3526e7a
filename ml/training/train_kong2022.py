"""Train the networks of Kong et al. 2022 on stored samples: `python -m ml.training.train_kong2022 --backbone NAME`.

Baseline and identity-aware network see the same samples; the identity-aware one starts from the baseline's weights (on images
both share the backbone), and the confidence predictor is trained on the frozen baseline. The run writes the weights and a model
card with their configuration and their errors on validation people. `--confidence` keeps the networks as they are, trains the
confidence on them and writes the card: `make train` does so after `ml.training.train_on_renders`, which made the shipped ones.
"""

from __future__ import annotations

import argparse
import copy
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
from ml.identity.networks import (
    Baseline,
    Confidence,
    IdentityAware,
    ranking_loss,
)
from ml.identity.observation import Observation, observe
from ml.identity.weights import (
    BACKBONES,
    FOLDER,
    PARTS,
    TRAINING,
    Kind,
    card_file,
    load_networks,
    save_identity,
    save_weights,
    weights_file,
)
from ml.training import dexycb_samples, humbi_samples
from ml.training.augment import augment, without_rim
from ml.training.hand_loss import HandLoss, ShapedPose, keypoint_loss, shape_loss
from ml.training.kong2022_validation import infer, moments, validation_errors
from ml.training.landmark_stage_weights import mediapipe_stage, started_backbone
from ml.training.loop import Batch, Schedule, epochs, train
from ml.training.paper import choices
from ml.training.samples import FRAMES, Samples, make_samples

NETWORKS: Final[dict[Kind, tuple[Schedule, Schedule]]] = {
    "landmarks": (Schedule(steps=2400, batch=256, rate=5e-4), Schedule(steps=1000, batch=256, rate=3e-4)),
    "image": (Schedule(steps=2600, batch=64, rate=1e-3), Schedule(steps=1100, batch=64, rate=5e-4)),
}
"""Schedules of the baseline and of the identity-aware network."""
CONFIDENCE: Final = Schedule(steps=1500, batch=128, rate=1e-3)
CACHE: Final = Path("var/training/samples")


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
        crops: uint8 [n, 3, 224, 224], with their rim.
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
        return (without_rim(self.crops[rows]),)


def run(config: Config, folder: Path, *, device: str | torch.device = "cpu", weights: Path = FOLDER) -> dict[str, Any]:
    """Make the samples, train all networks, and write weights and model card, which is returned.

    `folder` keeps checkpoints, from which an interrupted run continues; `weights` takes weights and card.
    """
    weights.mkdir(parents=True, exist_ok=True)
    training, held_out = _samples(config)
    losses = Losses(config, Dataset.of(training), device)
    torch.manual_seed(config.seed)
    baseline = Baseline(_untrained(config.backbone))
    spent = [_trained(config, "baseline", baseline, losses.batches(config.baseline), losses, folder, device)]
    save_weights(baseline, weights / weights_file(config.backbone, "baseline").name)
    aware = IdentityAware(baseline.backbone if config.backbone == "image" else copy.deepcopy(baseline.backbone))
    aware.pose.load_state_dict(baseline.pose.state_dict())
    if config.backbone == "image":
        aware.backbone.requires_grad_(False)
    spent.append(_trained(config, "identity", aware, losses.batches(config.identity), losses, folder, device))
    save_identity(aware, weights / weights_file(config.backbone, "identity").name, config.backbone)
    return _finish(config, folder, baseline, aware, (training, held_out), spent, device=device, weights=weights)


def _untrained(backbone: Kind) -> nn.Module:
    """A backbone before its training; that of images has MediaPipe's weights."""
    return started_backbone(mediapipe_stage()) if backbone == "image" else BACKBONES[backbone]()


def finish(config: Config, folder: Path, *, device: str | torch.device = "cpu", weights: Path = FOLDER) -> dict[str, Any]:
    """Train the confidence on the networks in `weights`, and write it and the model card, which is returned."""
    baseline, aware = load_networks(config.backbone, weights)
    made = weights / TRAINING.name
    record = json.loads(made.read_text()) if made.exists() else {}
    record.pop("history", None)
    return _finish(config, folder, baseline, aware, _samples(config), [], device=device, weights=weights, record=record)


def _trained(  # noqa: PLR0917
    config: Config,
    part: str,
    model: nn.Module,
    batches: Callable[[int], Batch],
    losses: Losses,
    folder: Path,
    device: str | torch.device,
) -> float:
    """Train one network; the seconds that it took."""
    done = train(
        model,
        batches,
        getattr(losses, part),
        schedule=getattr(config, part),
        folder=folder / f"{config.backbone}-{part}",
        device=device,
        config=_depends_on(config, part),
    )
    return done.seconds


def _finish(  # noqa: PLR0917
    config: Config,
    folder: Path,
    baseline: Baseline,
    aware: IdentityAware,
    samples: tuple[Samples, Samples],
    spent: list[float],
    *,
    device: str | torch.device,
    weights: Path,
    record: dict[str, Any] | None = None,
) -> dict[str, Any]:
    training, held_out = samples
    data, validation = Dataset.of(training), Dataset.of(held_out)
    losses = Losses(config, data, device)
    confidence = Confidence()
    baseline.to(device)
    batches = losses.of_features(config.confidence, baseline)
    spent.append(_trained(config, "confidence", confidence, batches, losses, folder, device))
    people, clips = (torch.as_tensor(values) for values in (held_out.subject, held_out.clip))
    found_betas = infer(baseline, validation, config.backbone)[1]
    confidence.moments.copy_(moments(found_betas, validation.betas, people, clips))
    save_weights(confidence, weights / weights_file(config.backbone, "confidence").name)
    card = {
        "models": {part: weights_file(config.backbone, part).name for part in PARTS},
        "config": asdict(config),
        "on_renders": record or None,
        "parameters": sum(p.numel() for p in baseline.parameters()),
        "training_samples": (record or {}).get("hands", len(data)),
        "confidence_samples": len(data),
        "training_people": (record or {}).get("images", 0) // FRAMES or len(set(training.subject.tolist())),
        "validation_samples": len(validation),
        "hand_model": config.hand_model,
        "found": round(len(training) / _rendered(config, training), 4),
        "seconds": round((record or {}).get("seconds", 0) + sum(spent)),
        "machine": (record or {}).get("device", "")
        or f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, {device}",
        "validation": validation_errors(
            baseline, aware.to(device), confidence, validation, backbone=config.backbone, hand_model=config.hand_model
        ),
        "choices": choices(config.backbone),
        "losses": "L1 joints 1, bone lengths 1, L1 6D pose 1, L1 shape 0.5 (baseline), 2D joints 2 (image); "
        "lengths in units of 0.2 m, 2D in half the crop",
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
        self.hands = HandLoss(config.hand_model, device)

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
                made |= {"crops": other.crops, "joints": other.points[1]}
            return made

        return batch

    def of_features(self, schedule: Schedule, baseline: Baseline) -> Callable[[int], Batch]:
        """Step → features of the frozen baseline, computed once, and its shape errors."""
        _, betas, features = infer(baseline, self.data, self.config.backbone)
        errors = (betas - self.data.betas).abs().mean(-1)
        indices = epochs(len(self.data), schedule.batch, schedule.seed)
        return lambda step: {"features": features[indices(step)], "errors": errors[indices(step)]}

    def baseline(self, model: nn.Module, batch: Batch) -> Tensor:
        """Loss of hand, shape and 2D joints."""
        assert isinstance(model, Baseline)
        features, on_image = self._backbone(model, batch)
        rotations, betas = model.heads(features)
        return self._hand(rotations, betas, batch) + shape_loss(betas, batch["betas"]) + on_image

    def identity(self, model: nn.Module, batch: Batch) -> Tensor:
        """Loss of the hand, with the true shape in the hand model."""
        features, on_image = self._backbone(model, batch)
        loss = self._hand(model.pose(features), batch["betas"], batch)  # type: ignore[operator]
        return loss + on_image if on_image.requires_grad else loss

    def confidence(self, model: nn.Module, batch: Batch) -> Tensor:
        """Ranking of the frozen baseline's shape errors."""
        return ranking_loss(model(batch["features"]), batch["errors"])

    def _hand(self, rotations: Tensor, betas: Tensor, batch: Batch) -> Tensor:
        return self.hands([(ShapedPose(rotations, betas), ShapedPose(batch["rotations"], batch["betas"]))])

    def _backbone(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """The feature and the loss of the 2D joints."""
        if "crops" not in batch:
            return model.backbone(batch["inputs"]).features, batch["inputs"].new_zeros(())  # type: ignore[operator]
        # bfloat16 takes half the time on processors that support it; the heads stay in float32
        with torch.autocast(batch["crops"].device.type, torch.bfloat16):
            pooled = model.backbone.pooled(batch["crops"])  # type: ignore[operator, union-attr]
        output = model.backbone.read(pooled.float())  # type: ignore[operator, union-attr]
        return output.features, keypoint_loss(output, batch["joints"])


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
    parser.add_argument("--confidence", action="store_true", help="keep the networks; train the confidence, write the card")
    parser.add_argument("--device", type=torch.device, default=default_device())
    chosen = parser.parse_args()
    first, second = NETWORKS[chosen.backbone]
    if chosen.steps:
        first, second = replace(first, steps=chosen.steps[0]), replace(second, steps=chosen.steps[1])
    config = Config(chosen.backbone, clips=chosen.clips, baseline=first, identity=second, data=chosen.data)
    made = finish if chosen.confidence else run
    card = made(config, chosen.folder, device=chosen.device, weights=chosen.weights)
    print(json.dumps(card["validation"], indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

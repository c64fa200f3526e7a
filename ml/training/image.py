"""Training the image backbone of Kong et al. 2022 beside the landmark one: `python -m ml.training.image`.

The same people, motion, losses and heads; crops instead of landmarks. A card has the figures of both backbones on the same
frames of validation and test people, which decide what users' videos are given to. The weights that lose are not shipped.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor, nn

from ml.identity.image import ImageBackbone
from ml.identity.networks import Baseline, Confidence, IdentityAware, ranking_loss
from ml.identity.observation import roll_matrices
from ml.identity.weights import load_models, save_weights
from ml.synthetic.subjects import Split
from ml.training.kong2022 import Config, Dataset, Losses, figures
from ml.training.loop import Batch, Schedule, epochs, train
from ml.training.samples import chunk_paths, load_crops, make_samples

CACHE: Final = Path("var/training/crops")
CARD: Final = Path("docs/results/kong2022-image.json")
NETWORK: Final = Schedule(steps=1600, batch=128, rate=1e-3)
CONFIDENCE: Final = Schedule(steps=1500, batch=128, rate=1e-3)


@dataclass(frozen=True)
class ImageConfig:
    """Everything that a run depends on.

    Attributes:
        clips: rendered for training, each of a person of its own; 12 frames a clip.
        validation_clips: two of each of the validation people.
        test_clips: twenty of each of the test people.
        network: schedule of both networks.
        seed: of people, motion and training.
    """

    clips: int = 1200
    validation_clips: int = 240
    test_clips: int = 200
    network: Schedule = NETWORK
    seed: int = 0


def run(config: ImageConfig, folder: Path, *, device: str = "cpu", card_file: Path = CARD) -> dict[str, Any]:
    """Make the samples, train, write weights and card.

    Args:
        config: see `ImageConfig`.
        folder: of checkpoints and weights; an interrupted run goes on from there.
        device: `cpu` or `cuda`.
        card_file: where the card goes.

    Returns:
        The card.
    """
    began = time.monotonic()
    _, data = _data("train", config.seed, config.clips, 1)
    losses = CropLosses(Config(seed=config.seed), data, device)
    baseline, aware = Baseline(ImageBackbone()), IdentityAware(ImageBackbone())
    for name, model, loss in (("baseline", baseline, losses.baseline), ("identity", aware, losses.identity)):
        torch.manual_seed(config.network.seed)
        batches = losses.batches(config.network)
        train(model, batches, loss, schedule=config.network, folder=folder / f"image-{name}", device=device)
        save_weights(model.cpu(), folder / f"image-{name}.safetensors")
    confidence = _confidence(baseline, data, folder)
    card: dict[str, Any] = {
        "config": asdict(config),
        "training_samples": len(data),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, {device}",
    }
    ours = load_models()
    held_out: tuple[tuple[Split, int, int], ...] = (("validation", config.validation_clips, 2), ("test", config.test_clips, 20))
    for split, clips, each in held_out:
        landmarks, crops = _data(split, config.seed, clips, each)
        card[split] = {
            "samples": len(crops),
            "image": figures(baseline, aware, confidence, crops, hand_model="open"),
            "landmarks": figures(ours.baseline, ours.identity, ours.confidence, landmarks, hand_model="open"),
        }
    card["seconds"] = round(time.monotonic() - began)
    card_file.write_text(json.dumps(card, indent=1) + "\n")
    return card


class CropLosses(Losses):
    """The landmark networks' losses, on batches of crops."""

    def batches(self, schedule: Schedule) -> Any:
        """Step → batch: crops rolled about the line of sight, scaled, and under another light."""
        indices = epochs(len(self.data), schedule.batch, schedule.seed)

        def batch(step: int) -> Batch:
            rows = indices(step)
            generator = torch.Generator().manual_seed(schedule.seed * 7_368_787 + step)
            count = len(rows)
            rolls = roll_matrices((torch.rand(count, generator=generator) * 2 - 1) * torch.pi)
            rotations = self.data.rotations[rows]
            rotations = torch.cat([(rolls @ rotations[:, 0])[:, None], rotations[:, 1:]], 1)
            crops = varied(self.data.inputs[rows].float(), rolls, generator)
            return {"inputs": crops, "rotations": rotations, "betas": self.data.betas[rows]}

        return batch


def varied(crops: Tensor, rolls: Tensor, generator: torch.Generator) -> Tensor:
    """Crops [n, 3, 64, 64] rolled by [n, 3, 3], up to 15 % larger or smaller and 6 % aside, and lit in other colours."""
    count = len(crops)
    scale = 1 + 0.3 * (torch.rand(count, 1, 1, generator=generator) - 0.5)
    aside = 0.12 * (torch.rand(count, 2, 1, generator=generator) - 0.5)
    # what is seen at q lay at Rᵀ q before
    theta = torch.cat([rolls[:, :2, :2].mT * scale, aside], -1)
    grid = nn.functional.affine_grid(theta, list(crops.shape), align_corners=False)
    turned = nn.functional.grid_sample(crops, grid, align_corners=False)
    gain = 1 + 0.5 * (torch.rand(count, 3, 1, 1, generator=generator) - 0.5)
    offset = 40 * (torch.rand(count, 1, 1, 1, generator=generator) - 0.5)
    noise = 6 * torch.randn(turned.shape, generator=generator)
    return (turned * gain + offset + noise).clamp(0, 255)


def _data(split: Split, seed: int, clips: int, each: int) -> tuple[Dataset, Dataset]:
    """The same hands as landmarks and as crops."""
    print(f"{split}: rendering and detecting; what lies in the cache is taken from there", flush=True)
    samples = make_samples(CACHE, split=split, seed=seed, clips=clips, clips_a_subject=each, crops=True, report=_say)
    paths = chunk_paths(CACHE, split=split, seed=seed, clips=clips, clips_a_subject=each, crops=True)
    landmarks = Dataset.of(samples)
    return landmarks, replace(landmarks, inputs=torch.cat([torch.as_tensor(load_crops(path)) for path in paths]))


def _confidence(baseline: Baseline, data: Dataset, folder: Path) -> Confidence:
    """On features of the frozen baseline, which are computed once."""
    with torch.no_grad():
        features = baseline.backbone(data.inputs)
        errors = (baseline.shape(features) - data.betas).abs().mean(-1)
    indices = epochs(len(data), CONFIDENCE.batch, CONFIDENCE.seed)

    def loss(model: nn.Module, batch: Batch) -> Tensor:
        return ranking_loss(model(batch["features"]), batch["errors"])

    confidence = Confidence()
    train(
        confidence,
        lambda step: {"features": features[indices(step)], "errors": errors[indices(step)]},
        loss,
        schedule=CONFIDENCE,
        folder=folder / "image-confidence",
    )
    return confidence


def _say(done: int, of: int) -> None:
    print(f"  {done} of {of} chunks", flush=True)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Train the image backbone of Kong et al. 2022.")
    parser.add_argument("--clips", type=int, default=ImageConfig.clips)
    parser.add_argument("--steps", type=int, default=ImageConfig.network.steps)
    parser.add_argument("--folder", type=Path, default=Path("var/training/kong2022"), help="of checkpoints")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    chosen = parser.parse_args()
    config = ImageConfig(clips=chosen.clips, network=replace(ImageConfig.network, steps=chosen.steps))
    print(json.dumps(run(config, chosen.folder, device=chosen.device), indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

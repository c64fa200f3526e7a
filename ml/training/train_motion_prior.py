"""Train the priors of hand motion: `python -m ml.training.train_motion_prior`, part of `make train`.

First one Gaussian over windows (`gmm` and `pca`), in closed form; then the variational autoencoder (`motion`), which starts
from it. The run writes the weights and a model card with its configuration and its errors on held-out motions.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, cast

import torch
from torch import Tensor, nn

from ml.device import default_device
from ml.priors.gaussian_windows import GaussianWindows, GaussianWindowSettings, explained
from ml.priors.motion import FOLDER, MotionPrior
from ml.priors.motion_autoencoder import AutoencoderSettings, MotionAutoencoder
from ml.priors.motion_features import pose
from ml.priors.motion_window import ANGLES, FRAMES, frame_times
from ml.priors.prior_files import save_prior
from ml.priors.unconstrained import Unconstrained
from ml.training.loop import Batch, Schedule, train
from ml.training.mocap_motion import mocap_motions, mocap_split
from ml.training.motion_errors import fill_errors, reconstruction, repair_errors
from ml.training.motion_set import SPLITS, MotionSet, Split, continued, motion_set, windows_tensor
from ml.training.recorded_motion import Motion, RecordedMotionError

STEPS_APART: Final = 4
"""Every batch decodes one random frame of each four: the field is a function of time, and neighbouring frames differ little."""
RECORDED_SHARE: Final = 0.2
"""Of a batch, where there is recorded motion: more than its share of the set, since it is real."""
STATISTICS: Final = 4000
"""Windows of which the features' statistics are taken."""
SCHEDULE: Final = Schedule(steps=1100, batch=32, rate=1.5e-3, decay=1e-4)


@dataclass(frozen=True)
class PriorConfig:
    """Configuration of a run.

    Attributes:
        an_activity: procedural training sequences of each activity.
        held_out: those for validation and for the test.
        kl: weight of the Kullback–Leibler divergence (nats a window) after warm-up.
        warm_up: steps over which it rises from zero.
        positions: weight of the L1 of positions, a metre.
        seed: of motions and training.
        motions: folder of recorded motion, or none.
        amass: folder of AMASS or ARCTIC to train on instead, or none.
    """

    an_activity: int = 100
    held_out: int = 2
    kl: float = 1e-5
    warm_up: int = 300
    positions: float = 10.0
    seed: int = 0
    motions: str | None = None
    amass: str | None = None
    sizes: AutoencoderSettings = field(default_factory=AutoencoderSettings)
    gaussian: GaussianWindowSettings = field(default_factory=GaussianWindowSettings)
    schedule: Schedule = SCHEDULE


class WindowSampler:
    """Random windows of motions: step → batch, a pure function of the step."""

    def __init__(self, part: MotionSet, config: PriorConfig) -> None:
        self.config = config
        self.groups = [_Joined(motions) for motions in (part.procedural, part.recorded) if motions]

    def __call__(self, step: int) -> Batch:
        generator = torch.Generator().manual_seed(self.config.seed * 5_915_587 + step)
        total = self.config.schedule.batch
        rare = round(RECORDED_SHARE * total) if len(self.groups) > 1 else 0
        counts = [total - rare, rare][: len(self.groups)]
        windows = torch.cat([group.draw(count, generator) for group, count in zip(self.groups, counts, strict=True)])
        frames = torch.arange(0, FRAMES, STEPS_APART) + torch.randint(
            STEPS_APART, (FRAMES // STEPS_APART,), generator=generator
        )
        return {
            "windows": windows,
            "seen": damaged(windows, generator),
            "frames": frames,
            "noise": torch.randn(total, self.config.sizes.latent, generator=generator),
            "warmth": torch.tensor(min(1.0, step / max(self.config.warm_up, 1))),
        }


def damaged(windows: Tensor, generator: torch.Generator) -> Tensor:
    """Windows [W, 128, 45] as an encoder gets them in a fit: half with jitter, half with a gap bridged by straight lines.

    The jitter is up to 4 degrees at random in every frame, and up to 4 degrees that change a few times a second. A gap has
    5 to 45 frames; at an end of the window the nearest known frame is held.
    """
    count = len(windows)
    size = math.radians(4) * torch.rand(2, count, 1, 1, generator=generator)
    jittery = (torch.rand(count, 1, 1, generator=generator) < 0.5).float()
    fast = torch.randn(count, FRAMES, ANGLES, generator=generator)
    slow = torch.nn.functional.interpolate(
        torch.randn(count, ANGLES, FRAMES // 10, generator=generator), FRAMES, mode="linear", align_corners=True
    )
    seen = windows + jittery * (size[0] * fast + size[1] * slow.mT)
    first = torch.randint(-20, FRAMES - 5, (count,), generator=generator)
    length = torch.randint(5, 46, (count,), generator=generator) * (torch.rand(count, generator=generator) < 0.5)
    before, after = first - 1, first + length
    frames = torch.arange(FRAMES)
    share = ((frames - before[:, None]) / (length + 1)[:, None]).clamp(0, 1)[..., None]
    rows = torch.arange(count)
    ends = [
        torch.where(inside, at, other) for inside, at, other in ((before >= 0, before, after), (after < FRAMES, after, before))
    ]
    bridge = torch.lerp(seen[rows, ends[0]][:, None], seen[rows, ends[1]][:, None], share)
    in_gap = (frames > before[:, None]) & (frames < after[:, None])
    return torch.where(in_gap[..., None], bridge, seen)


class _Joined:
    """Motions one after the other, and where windows may begin."""

    def __init__(self, motions: Sequence[Motion]) -> None:
        parts = [torch.as_tensor(continued(m.angles), dtype=torch.float32) for m in motions]
        firsts = torch.tensor([0, *(len(p) for p in parts)]).cumsum(0)
        self.angles = torch.cat(parts)
        self.starts = torch.cat(
            [torch.arange(int(first), int(first) + len(p) - FRAMES + 1) for first, p in zip(firsts[:-1], parts, strict=True)]
        )

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Windows [count, 128, 45]."""
        chosen = self.starts[torch.randint(len(self.starts), (count,), generator=generator)]
        return self.angles[chosen[:, None] + torch.arange(FRAMES)]


def loss_with(config: PriorConfig) -> Callable[[nn.Module, Batch], Tensor]:
    """Mean geodesic distance of rotations relative to the wrist (rad), L1 of positions (m) and the divergence, weighted."""

    def loss(model: nn.Module, batch: Batch) -> Tensor:
        assert isinstance(model, MotionAutoencoder)
        windows, frames = batch["windows"], batch["frames"]
        mean, log_variance = model.encode(batch["seen"])
        z = mean + (0.5 * log_variance).exp() * batch["noise"]
        decoded = model.decode(z, frame_times().to(windows)[frames])
        turns, joints, tips = pose(decoded.flatten(0, 1))
        with torch.no_grad():
            true_turns, true_joints, true_tips = pose(windows[:, frames].flatten(0, 1))
        chord = (turns - true_turns).square().sum((-1, -2))
        geodesic = 2 * torch.asin((torch.sqrt(chord + 1e-8) / math.sqrt(8)).clamp(max=0.999)).mean()
        apart = torch.cat([joints - true_joints, (tips - true_tips)[:, :, None]], 2)[:, :, 1:].abs().mean()
        divergence = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(-1).mean()
        total: Tensor = geodesic + config.positions * apart + config.kl * batch["warmth"] * divergence
        return total

    return loss


def run(config: PriorConfig, folder: Path, *, device: str | torch.device = "cpu", weights: Path = FOLDER) -> dict[str, Any]:
    """Make the set, fit and train, and write weights and model card, which is returned.

    `folder` keeps checkpoints, from which an interrupted run continues; `weights` takes weights and card.
    """
    parts = {split: _part(config, split) for split in SPLITS}
    many = parts["train"].windows(hop=FRAMES // 4)
    gaussian = GaussianWindows.of(many, config.gaussian)
    save_prior(gaussian, weights / "gaussian-windows.safetensors", "gaussian-windows", gaussian.facts())
    torch.manual_seed(config.seed)
    model = MotionAutoencoder(config.sizes)
    chosen = torch.randperm(len(many), generator=torch.Generator().manual_seed(config.seed))[:STATISTICS]
    model.build_on(gaussian)
    model.normalise_by(many[chosen])
    done = train(
        model,
        WindowSampler(parts["train"], config),
        loss_with(config),
        schedule=config.schedule,
        folder=folder,
        device=device,
        config={k: v for k, v in asdict(config).items() if k != "schedule"},
    )
    model.cpu().requires_grad_(False)
    save_prior(model, weights / "motion-autoencoder.safetensors", "motion-autoencoder", model.facts())
    made = {
        "model": "motion-autoencoder.safetensors",
        "config": asdict(config) | {"motions": config.motions is not None, "amass": config.amass is not None},
        "parameters": sum(p.numel() for p in model.parameters()),
        "training": _amount(parts["train"]),
        "validation": _amount(parts["validation"]),
        "test": _amount(parts["test"]),
        "seconds": round(done.seconds),
        "machine": f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, {device}",
        "gaussian_explained": round(explained(gaussian), 4),
        "errors": errors(model, gaussian, parts["test"]),
        "losses": "geodesic distance of rotations relative to the wrist 1, L1 of positions 10 a metre, divergence a window "
        f"{config.kl:g} after {config.warm_up} steps",
    }
    text = json.dumps(made, indent=1) + "\n"
    (weights / "motion-autoencoder.json").write_text(text)
    card: dict[str, Any] = json.loads(text)
    return card


def errors(model: MotionAutoencoder, gaussian: GaussianWindows, part: MotionSet) -> dict[str, Any]:
    """Errors of `motion`, `pca` and `gmm` on a part: of reconstruction by speed, and inside a gap of 30 frames."""
    priors = {"motion": model, "pca": gaussian.leading("pca"), "gmm": gaussian, "none": Unconstrained()}
    found: dict[str, Any] = {}
    for kind, motions in (("procedural", part.procedural), ("recorded", part.recorded)):
        if not motions:
            continue
        windows = windows_tensor(motions)
        found[kind] = {
            name: {"windows": len(windows), **_errors(cast(MotionPrior, prior), windows)} for name, prior in priors.items()
        }
    return found


def _errors(prior: MotionPrior, windows: Tensor) -> dict[str, float]:
    # a fit of 1980 coefficients takes long: without a density there is nothing to fill a gap with
    return (
        reconstruction(prior, windows)
        | repair_errors(prior, windows)
        | (fill_errors(prior, windows) if prior.name != "none" else {})
    )


def _part(config: PriorConfig, split: Split) -> MotionSet:
    if config.amass is not None:
        captured = tuple(m for m in mocap_motions(Path(config.amass)) if mocap_split(m) == split)
        if split == "train" and not captured:
            raise RecordedMotionError(f"nothing to train on below {config.amass}: every hand rests, or is of SAMP or TCDHands")
        return MotionSet((), captured)
    size = config.an_activity if split == "train" else config.held_out
    motions = None if config.motions is None else Path(config.motions)
    return motion_set(split, an_activity=size, seed=config.seed, motions=motions)


def _amount(part: MotionSet) -> dict[str, int]:
    return {
        f"{kind}_{what}": count
        for kind, motions in (("procedural", part.procedural), ("recorded", part.recorded))
        for what, count in (("motions", len(motions)), ("frames", sum(len(m.angles) for m in motions)))
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--motions", help="folder of recorded motion to train on as well (docs/motion-prior.md)")
    parser.add_argument(
        "--data",
        nargs=2,
        metavar=("amass", "DIR"),
        help="train on AMASS and ARCTIC below DIR instead (ml.training.mocap_motion)",
    )
    parser.add_argument("--steps", type=int, help="optimiser steps")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path("var/training/motion-prior"), help="checkpoints")
    parser.add_argument("--weights", type=Path, default=FOLDER, help="where weights and model card are written")
    chosen = parser.parse_args(arguments)
    if chosen.data and chosen.data[0] != "amass":
        parser.error(f"no data {chosen.data[0]!r}; there is amass DIR")
    config = PriorConfig(motions=chosen.motions, seed=chosen.seed, amass=chosen.data[1] if chosen.data else None)
    if chosen.steps:
        config = replace(config, schedule=replace(config.schedule, steps=chosen.steps))
    card = run(config, chosen.folder, device=default_device(), weights=chosen.weights)
    print(json.dumps(card["errors"], indent=1))


if __name__ == "__main__":
    main()

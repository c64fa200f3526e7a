"""The training loop: a model, batches and a loss, with checkpoints from which an interrupted run continues."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from tqdm import tqdm

Batch = dict[str, Tensor]
CHECKPOINT_EVERY = 500
WARM_UP = 200
"""Steps over which the learning rate rises linearly."""


@dataclass(frozen=True)
class Schedule:
    """Optimiser steps, batch size and learning rate.

    Attributes:
        steps: number of optimiser steps.
        batch: samples per step.
        rate: peak learning rate of AdamW; linear warm-up, then a cosine to a hundredth of it.
        decay: weight decay.
        seed: of initialisation, order and augmentation.
    """

    steps: int
    batch: int
    rate: float = 1e-4
    decay: float = 1e-2
    seed: int = 0

    def rate_at(self, step: int) -> float:
        """Learning rate of a step."""
        falling = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return self.rate * falling * min(1.0, (step + 1) / WARM_UP)


@dataclass
class Progress:
    """State of a training run, stored with the checkpoint."""

    step: int = 0
    seconds: float = 0.0
    loss: float = float("nan")


def train(
    model: nn.Module,
    batches: Callable[[int], Batch],
    loss_of: Callable[[nn.Module, Batch], Tensor],
    *,
    schedule: Schedule,
    folder: Path,
    device: str | torch.device = "cpu",
    config: Mapping[str, Any] | None = None,
) -> Progress:
    """Train a model in place; continues from a checkpoint in `folder` of the same schedule and configuration.

    Args:
        model: its trainable parameters are those that require gradients.
        batches: step → batch. A pure function of the step, so that a resumed run sees the same batches.
        loss_of: (model, batch) → scalar.
        schedule: steps, rates, seed.
        folder: checkpoints go here (`checkpoint.safetensors`, `progress.json`).
        device: where the model is trained, and stays.
        config: whatever else the weights depend on, as JSON. It is stored in the checkpoint with the schedule; a checkpoint
            with another one is ignored, since the model card would otherwise be wrong.
    """
    torch.manual_seed(schedule.seed)
    # as JSON gives it back: tuples become lists
    of: dict[str, Any] = json.loads(json.dumps({**(config or {}), "schedule": asdict(schedule)}))
    folder.mkdir(parents=True, exist_ok=True)
    model.to(device).train()
    parameters = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(parameters, lr=schedule.rate, weight_decay=schedule.decay)
    progress = _resume(model, optimiser, folder, of)
    began = time.monotonic() - progress.seconds
    smooth = progress.loss
    with tqdm(total=schedule.steps, initial=progress.step, desc=folder.name, unit="step", mininterval=2.0) as bar:
        for step in range(progress.step, schedule.steps):
            for group in optimiser.param_groups:
                group["lr"] = schedule.rate_at(step)
            loss = loss_of(model, {name: tensor.to(device) for name, tensor in batches(step).items()})
            optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(parameters, 5.0)
            optimiser.step()
            value = float(loss.detach())
            if math.isnan(value):
                raise FloatingPointError(
                    f"the loss became NaN at step {step} of {folder.name}; lower the rate or look at the data"
                )
            smooth = value if math.isnan(smooth) else 0.99 * smooth + 0.01 * value
            bar.set_postfix(loss=f"{smooth:.4f}", refresh=False)
            bar.update()
            progress = Progress(step + 1, time.monotonic() - began, smooth)
            if progress.step % CHECKPOINT_EVERY == 0 or progress.step == schedule.steps:
                _checkpoint(model, optimiser, folder, progress, of)
    model.eval()
    return progress


def epochs(samples: int, batch: int, seed: int) -> Callable[[int], Tensor]:
    """Step → indices [batch]: every sample once an epoch, in an order of its own each time, without a last short batch."""
    per_epoch = max(samples // batch, 1)

    def indices(step: int) -> Tensor:
        epoch, position = divmod(step, per_epoch)
        order = torch.randperm(samples, generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))
        return order[position * batch : (position + 1) * batch]

    return indices


def _checkpoint(
    model: nn.Module, optimiser: torch.optim.Optimizer, folder: Path, progress: Progress, of: dict[str, Any]
) -> None:
    tensors = {f"model.{name}": tensor.contiguous() for name, tensor in model.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": value.contiguous() for name, value in state.items()}
    temporary = folder / "checkpoint.tmp"
    save_file(tensors, temporary, metadata={"progress": json.dumps(asdict(progress)), "of": json.dumps(of)})
    temporary.replace(folder / "checkpoint.safetensors")  # in one step: a kill leaves the old one or the new one
    (folder / "progress.json").write_text(json.dumps(asdict(progress), indent=1))


def _resume(model: nn.Module, optimiser: torch.optim.Optimizer, folder: Path, of: dict[str, Any]) -> Progress:
    path = folder / "checkpoint.safetensors"
    if not path.exists():
        return Progress()
    with safe_open(path, framework="pt") as archive:
        told = archive.metadata()
    if others := _differences(json.loads(told.get("of", "{}")), of):
        print(f"{folder}: the checkpoint is from another configuration ({'; '.join(others)}); starting again", flush=True)
        return Progress()
    progress = Progress(**json.loads(told["progress"]))
    tensors = load_file(path)
    model.load_state_dict({name.removeprefix("model."): t for name, t in tensors.items() if name.startswith("model.")})
    state: dict[int, dict[str, Any]] = {}
    for name, tensor in _with_prefix(tensors, "optimiser."):
        index, _, key = name.partition(".")
        state.setdefault(int(index), {})[key] = tensor
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    return progress


def _differences(then: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """The entries in which a checkpoint's configuration differs from the requested one."""
    if not then:
        return ["it names no configuration"]
    flat = [
        {key: value for key, value in values.items() if key != "schedule"} | values.get("schedule", {})
        for values in (then, now)
    ]
    keys = dict.fromkeys([*flat[0], *flat[1]])
    return [f"{key}: {flat[0].get(key)}, now {flat[1].get(key)}" for key in keys if flat[0].get(key) != flat[1].get(key)]


def _with_prefix(tensors: dict[str, Tensor], prefix: str) -> Iterator[tuple[str, Tensor]]:
    return ((name.removeprefix(prefix), tensor) for name, tensor in tensors.items() if name.startswith(prefix))

"""Train Kong's networks on pixels, on renders as they are made: `python -m ml.training.train_on_renders`, or `make train`.

All cores render while the device trains, which is worth it on a GPU. Each image is first shown to MediaPipe's landmark stage
(`ml.networks.hand_trunk`), so that crops lie as they do on users' videos. What is written are running means of the weights; the
confidence and the model card follow (`ml.training.train_kong2022 --backbone image --confidence`).
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import roma
import torch
from torch import Tensor, nn

from ml.device import default_device
from ml.identity.networks import Baseline, IdentityAware
from ml.identity.observation import MARGIN
from ml.identity.weights import FOLDER, TRAINING, save_identity, save_weights, weights_file
from ml.networks.hand_trunk import LandmarkStage
from ml.synthetic.subjects import Split
from ml.training.hand_loss import UNIT, HandLoss, ShapedPose, keypoint_loss, shape_loss
from ml.training.landmark_stage_weights import mediapipe_stage, started_backbone
from ml.training.render_pool import RenderPool
from ml.training.rendered_hands import AT_ONCE, Hands, HandStore, augmented_crops, crops_of

WARM_UP: Final = 300
"""Steps over which the learning rates rise."""
KEPT: Final = 0.999
"""Share of the running means that a step keeps."""
FIRST_LAYER: Final = 0.1
"""Share of the trunk's rate at which its first layer learns; the early layers hold what real images taught."""
FETCH_EVERY: Final = 20
REPORT_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Plan:
    """Configuration of a run.

    Attributes:
        seconds: of training; rates fall along a cosine of time, because cores and device are not equally fast everywhere.
        first_seconds: of rendering before it.
        images: rendered at most, for training and for validation.
        validation: images of the validation people.
        batch: hands in a batch.
        trunk_rate, rate: of AdamW at their peak: of MediaPipe's trunk, and of the layers on it.
        seed: of people, motion and training.
    """

    seconds: float = 485.0
    first_seconds: float = 22.0
    images: int = 260_000
    validation: int = 1_536
    batch: int = 512
    trunk_rate: float = 4e-4
    rate: float = 1e-3
    seed: int = 40


class Networks(nn.Module):
    """Baseline and identity-aware networks on the image backbone, which they share."""

    def __init__(self, stage: LandmarkStage) -> None:
        super().__init__()
        self.backbone = started_backbone(stage)
        self.baseline, self.aware = Baseline(self.backbone), IdentityAware(self.backbone)

    def save(self, folder: Path) -> None:
        """Write the weights of both."""
        save_weights(self.baseline, folder / weights_file("image", "baseline").name)
        save_identity(self.aware, folder / weights_file("image", "identity").name, "image")


def step_loss(losses: HandLoss, networks: Networks, hands: Hands, generator: torch.Generator) -> Tensor:
    """The loss of both networks."""
    crops, hands = augmented_crops(hands, generator)
    with torch.autocast(crops.device.type, torch.bfloat16):
        pooled = networks.backbone.pooled(crops)
    output = networks.backbone.read(pooled.float())
    rotations, betas = networks.baseline.heads(output.features)
    true = ShapedPose(hands.rotations, hands.betas)
    posed = [ShapedPose(rotations, betas), ShapedPose(networks.aware.pose(output.features), hands.betas)]
    return losses([(one, true) for one in posed]) + shape_loss(betas, hands.betas) + keypoint_loss(output, hands.joints)


def train(plan: Plan, device: torch.device, report: Callable[[dict[str, Any]], None]) -> Networks:
    """The running means of the weights after `plan.seconds`."""
    if device.type == "cuda":
        torch.set_num_threads(1)  # the other cores render
    stage = mediapipe_stage()
    splits: tuple[Split, ...] = ("train", "validation")
    pools = {split: _pool(plan, split) for split in splits}
    torch.manual_seed(plan.seed)
    networks = Networks(stage).to(device)
    stage = stage.to(device)
    stores = {split: HandStore(_images(plan, split), stage, device) for split in pools}
    networks.backbone.trunk.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    means = copy.deepcopy(networks)
    losses = HandLoss("open", device)
    optimiser = torch.optim.AdamW(_groups(networks, plan), weight_decay=1e-2, fused=device.type == "cuda")
    generator = torch.Generator(device).manual_seed(plan.seed)

    def fetch() -> None:
        for split, pool in pools.items():
            for rendered in pool.take():
                stores[split].add(rendered)

    began = time.monotonic()
    while time.monotonic() - began < plan.first_seconds or stores["train"].hands < plan.batch:
        fetch()
        time.sleep(0.2)
    start, step, shown = time.monotonic(), 0, -math.inf
    while (spent := time.monotonic() - start) < plan.seconds:
        factor = min(1.0, (step + 1) / WARM_UP) * (0.005 + 0.995 * 0.5 * (1 + math.cos(math.pi * spent / plan.seconds)))
        for group in optimiser.param_groups:
            group["lr"] = factor * group["rate"]
        rows = torch.randint(stores["train"].hands, (plan.batch,), generator=generator, device=device)
        loss = step_loss(losses, networks, stores["train"].rows(rows), generator)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(networks.parameters(), 4.0)
        optimiser.step()
        _follow(means, networks, min(KEPT, 1 - 1 / (1 + 0.1 * step)))
        step += 1
        if step % FETCH_EVERY == 0:
            fetch()
        if time.monotonic() - shown > REPORT_SECONDS:
            shown = time.monotonic()
            if not math.isfinite(float(loss.detach())):
                raise FloatingPointError(f"the loss is not finite at step {step}; lower the rates")
            done = {"seconds": round(spent, 1), "steps": step, "hands": stores["train"].hands, "images": stores["train"].images}
            report(done | {"loss": round(float(loss.detach()), 4)} | errors(means, stores["validation"]))
    for pool in pools.values():
        pool.close()
    done = {"seconds": round(plan.seconds, 1), "steps": step, "hands": stores["train"].hands, "images": stores["train"].images}
    report(done | errors(means, stores["validation"]))
    return means


def _pool(plan: Plan, split: Split) -> RenderPool:
    cores = len(os.sched_getaffinity(0))
    return RenderPool(_images(plan, split), split=split, seed=plan.seed, processes=max(1, cores - 2) if split == "train" else 1)


def _images(plan: Plan, split: Split) -> int:
    return plan.images if split == "train" else plan.validation


def _groups(networks: Networks, plan: Plan) -> list[dict[str, Any]]:
    """Parameters with their rates; early layers of the trunk learn slowly."""
    layers = networks.backbone.trunk.layers()
    shares = [FIRST_LAYER + (1 - FIRST_LAYER) * (i / (len(layers) - 1)) ** 2 for i in range(len(layers))]
    groups: list[dict[str, Any]] = [
        {"params": list(layer.parameters()), "rate": share * plan.trunk_rate}
        for layer, share in zip(layers, shares, strict=True)
    ]
    trunk = {id(parameter) for group in groups for parameter in group["params"]}
    return [*groups, {"params": [p for p in networks.parameters() if id(p) not in trunk], "rate": plan.rate}]


@torch.no_grad()
def _follow(means: nn.Module, networks: nn.Module, kept: float) -> None:
    """Running means of all weights."""
    pairs = zip(means.parameters(), networks.parameters(), strict=True)
    ours, theirs = (list(parameters) for parameters in zip(*pairs, strict=True))
    torch._foreach_lerp_(ours, theirs, 1 - kept)


@torch.no_grad()
def errors(networks: Networks, store: HandStore) -> dict[str, float]:
    """On the hands of a store: root-relative MPJPE (mm), angles (degrees) and 2D errors (% of the hand's box)."""
    networks.eval()
    losses = HandLoss("open", next(networks.parameters()).device)
    found: dict[str, list[Tensor]] = {}
    for first in range(0, store.hands // AT_ONCE * AT_ONCE, AT_ONCE):
        hands = store.rows(slice(first, first + AT_ONCE))
        output = networks.backbone(crops_of(hands))
        rotations, betas = networks.baseline.heads(output.features)
        posed = [ShapedPose(rotations, betas), ShapedPose(networks.aware.pose(output.features), hands.betas)]
        true, *joints = losses.about_wrist([ShapedPose(hands.rotations, hands.betas), *posed])
        ra = [1000 * UNIT * (own - true).norm(dim=-1).mean(1) for own in joints]
        angle = roma.rotmat_geodesic_distance(rotations, hands.rotations).rad2deg()
        off = [100 * MARGIN / 2 * (one - hands.joints).norm(dim=-1).mean(1) for one in (output.joints, hands.landmarks)]
        values = {
            "ra_mpjpe_baseline": ra[0],
            "ra_mpjpe_identity_true_shape": ra[1],
            "orientation": angle[:, 0],
            "joint_angles": angle[:, 1:].mean(1),
            "joints_2d": off[0],
            "detected_2d": off[1],
        }
        for name, value in values.items():
            found.setdefault(name, []).append(value)
    networks.train()
    return {name: round(float(torch.cat(values).mean()), 3) for name, values in found.items()}


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        description="Train the networks of Kong et al. 2022 on pixels, on renders as they are made."
    )
    parser.add_argument("--seconds", type=float, default=Plan.seconds)
    parser.add_argument("--images", type=int, default=Plan.images)
    parser.add_argument("--batch", type=int, default=Plan.batch, help="hands in a batch")
    parser.add_argument("--weights", type=Path, default=FOLDER, help="folder for weights and the record of the run")
    parser.add_argument("--device", type=torch.device, default=default_device())
    chosen = parser.parse_args()
    plan = Plan(seconds=chosen.seconds, images=chosen.images, batch=chosen.batch)
    history: list[dict[str, Any]] = []

    def report(done: dict[str, Any]) -> None:
        history.append(done)
        print(json.dumps(done), flush=True)

    networks = train(plan, chosen.device, report)
    networks.save(chosen.weights)
    device = torch.cuda.get_device_name() if chosen.device.type == "cuda" else "cpu"
    record = {"plan": asdict(plan), "device": device, "torch": torch.__version__, **history[-1], "history": history}
    (chosen.weights / TRAINING.name).write_text(json.dumps(record, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

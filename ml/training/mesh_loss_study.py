"""What the mesh loss of Kong et al. gains over joints and bones: `python -m ml.training.mesh_loss_study`.

The landmark baseline is trained on a part of its training data with either loss, with the same steps, batches and start, and
measured on validation people. Writes `docs/results/kong2022-losses.json`, which the results page quotes.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from ml.hand.model import load_hand_model
from ml.identity.networks import Baseline
from ml.identity.weights import BACKBONES
from ml.metrics.alignment import procrustes_align
from ml.training.hand_loss import ShapedPose, shape_loss
from ml.training.kong2022_validation import infer
from ml.training.loop import Batch, train
from ml.training.paper import mesh_loss
from ml.training.samples import Samples, make_samples
from ml.training.train_kong2022 import CACHE, NETWORKS, Config, Dataset, Losses, print_progress

RESULTS: Final = Path("docs/results/kong2022-losses.json")
FOLDER: Final = Path("var/training/mesh-loss-study")
CLIPS: Final = 400
"""Of 2400 that the landmark networks are trained on; 12 frames each, every clip of another person."""
VALIDATION_CLIPS: Final = 80
SCHEDULE: Final = replace(NETWORKS["landmarks"][0], steps=1200)
SEEDS: Final = (0, 1)


class MeshLosses(Losses):
    """As `Losses`, with the paper's loss of the mesh in the place of joints and bones."""

    def baseline(self, model: nn.Module, batch: Batch) -> Tensor:
        """Loss of mesh and shape."""
        rotations, betas, _ = model(batch["inputs"])
        loss = mesh_loss(self.hands.model, ShapedPose(rotations, betas), ShapedPose(batch["rotations"], batch["betas"]))
        return loss + shape_loss(betas, batch["betas"])


LOSSES: Final[Mapping[str, type[Losses]]] = {"joints": Losses, "mesh": MeshLosses}
"""By name: joints and bones, as in the shipped networks; vertices, normals and edges, as in the paper."""


def run() -> dict[str, Any]:
    """Errors by loss, means over seeds, and each seed's, as the JSON that is written."""
    _samples(print_progress)
    jobs = list(product(LOSSES, SEEDS))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        made = dict(zip(jobs, pool.map(trained, *zip(*jobs, strict=True)), strict=True))
    found: dict[str, Any] = {"clips": CLIPS, "steps": SCHEDULE.steps, "batch": SCHEDULE.batch}
    for loss in LOSSES:
        by_seed = [made[loss, seed] for seed in SEEDS]
        found[loss] = {key: round(float(np.mean([one[key] for one in by_seed])), 3) for key in by_seed[0]}
        found[loss]["by_seed"] = by_seed
    return found


def trained(loss: str, seed: int) -> dict[str, float]:
    """Train with a loss, and measure on validation people."""
    data, held_out = map(Dataset.of, _samples())
    schedule = replace(SCHEDULE, seed=seed)
    torch.manual_seed(seed)
    model, losses = Baseline(BACKBONES["landmarks"]()), LOSSES[loss](Config(), data, "cpu")
    began = time.monotonic()
    train(
        model, losses.batches(schedule), losses.baseline, schedule=schedule, folder=FOLDER / f"{loss}-{seed}",
        config={"clips": CLIPS, "loss": loss},
    )  # fmt: skip
    seconds = time.monotonic() - began
    return {**errors(model, held_out), "training_samples": len(data), "seconds": round(seconds, 1)}


def _samples(report: Callable[[int, int], None] | None = None) -> list[Samples]:
    """For training and for validation, of different people; a part of those that the shipped networks have."""
    seed = Config.seed
    return [
        make_samples(CACHE, split="train", seed=seed, clips=CLIPS, report=report),
        make_samples(CACHE, split="validation", seed=seed, clips=VALIDATION_CLIPS, clips_a_subject=2, report=report),
    ]


@torch.no_grad()
def errors(model: nn.Module, data: Dataset) -> dict[str, float]:
    """On hands that it was not trained on: joints and vertices about the wrist and aligned (mm), and the MSE of β."""
    right = load_hand_model("open", "right")
    rotations, betas, _ = infer(model, data, "landmarks")
    still = torch.zeros(len(rotations), 3)
    own, true = right(rotations, betas, still), right(data.rotations, data.betas, still)
    about, goal = own.joints - own.joints[:, :1], true.joints - true.joints[:, :1]
    meshes, surface = own.vertices - own.joints[:, :1], true.vertices - true.joints[:, :1]
    aligned, _ = procrustes_align(goal.double().numpy(), about.double().numpy(), reflections=False)
    return {
        "ra_mpjpe": _millimetres(about - goal),
        "pa_mpjpe": _millimetres(torch.as_tensor(aligned) - goal),
        "ra_mpvpe": _millimetres(meshes - surface),
        "shape_mse": round(float((betas - data.betas).square().mean()), 4),
    }


def _millimetres(apart: Tensor) -> float:
    return round(1000 * float(apart.norm(dim=-1).mean()), 3)


def main() -> int:
    """The command line."""
    found = run()
    RESULTS.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Training of PosePrior (Zimmermann and Brox, ICCV 2017) on keypoints and of the whole chain on pixels, and the study."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, mse_loss

from ml.networks.hand_batch import HandBatch, HandGuess, HandNetwork
from ml.networks.network_files import load_network_file, weights_path
from ml.networks.pose_prior import (
    DirectLifting,
    KeypointPosePrior,
    PixelPosePrior,
    canonical_hand,
    proximal_bone,
    silhouette_windows,
    tightened,
)
from ml.training.loop import Batch, Schedule
from ml.training.survey_data import SurveyData
from ml.training.system_training import BATCH, SystemTraining, VariantTraining, errors_of, fitted

NAME: Final = "zimmermann2017"
NOISE: Final = 0.02
"""Standard deviation of the noise on 2D joints in training, in halves of the crop: the paper's 2.5 px in 256 px."""
WINDOW_JITTER: Final = 0.05
"""Standard deviation of the noise on the tightened crop's place and size in training, in halves of the crop."""


def noisy(points: Tensor, noise: float) -> Tensor:
    """Points with Gaussian noise."""
    return points + noise * torch.randn_like(points)


def stream_loss(found: tuple[Tensor, Tensor], batch: Batch) -> Tensor:
    """MSE of w_c, in proximal bones, plus MSE of R."""
    canonical, viewpoint = canonical_hand(batch["joints"])
    return mse_loss(found[0], canonical) + mse_loss(found[1], viewpoint)


def lifting_loss(network: HandNetwork, batch: Batch, *, noise: float = NOISE, source: str = "landmarks") -> Tensor:
    """Of two streams on 2D joints with noise: the detector's (`landmarks`) or the true ones (`points`)."""
    assert isinstance(network, KeypointPosePrior)
    with torch.autocast(batch["joints"].device.type, torch.bfloat16):
        found = network.streams(noisy(batch[source], noise))
    return stream_loss(found, batch)


def direct_loss(network: HandNetwork, batch: Batch, *, noise: float = NOISE) -> Tensor:
    """Of one stream: MSE of the hand as seen, in proximal bones."""
    assert isinstance(network, DirectLifting)
    with torch.autocast(batch["joints"].device.type, torch.bfloat16):
        found = network.seen(noisy(batch["landmarks"], noise))
    return mse_loss(found, batch["joints"] / proximal_bone(batch["joints"]))


def chain_loss(network: HandNetwork, batch: Batch) -> Tensor:
    """Of all parts at once, each on its own as in the paper: no gradient passes from one to the one before."""
    assert isinstance(network, PixelPosePrior)
    windows = silhouette_windows(batch["silhouettes"])
    windows = windows + WINDOW_JITTER * torch.randn_like(windows)
    with torch.autocast(batch["crops"].device.type, torch.bfloat16):
        logits = network.segmenter(batch["crops"])
        found = network.backbone(tightened(batch["crops"], windows)).points
        streams = network.streams(noisy(found.detach(), NOISE))
    segmentation = binary_cross_entropy_with_logits(logits.float(), batch["silhouettes"])
    true = (batch["points"] - windows[:, None, :2]) / windows[:, None, 2:]
    distance = (found.float() - true).norm(dim=-1).mean()
    loss: Tensor = segmentation + 2 * distance + stream_loss(streams, batch)
    return loss


KEYPOINTS: Final = VariantTraining(
    KeypointPosePrior, lifting_loss, Schedule(steps=2400, batch=128, rate=1e-3), settings={"noise": NOISE}
)
PIXELS: Final = VariantTraining(
    PixelPosePrior,
    chain_loss,
    Schedule(steps=600, batch=32, rate=1e-3),
    depths=True,
    start=weights_path(NAME, "keypoints"),
    settings={"noise": NOISE, "window_jitter": WINDOW_JITTER},
)

STUDY_SCHEDULE: Final = Schedule(steps=600, batch=32, rate=1e-3)
TEST_NOISE: Final = (0.0, 0.01, 0.02, 0.04, 0.08)
"""Standard deviations of the noise on 2D joints in tests, in halves of the crop."""
LIFTING: Final = {
    "two streams": (1, VariantTraining(KeypointPosePrior, lifting_loss, STUDY_SCHEDULE)),
    "one stream": (1, VariantTraining(DirectLifting, direct_loss, STUDY_SCHEDULE)),
    "trained without noise": (1, VariantTraining(KeypointPosePrior, partial(lifting_loss, noise=0.0), STUDY_SCHEDULE)),
    "trained on true 2D": (1, VariantTraining(KeypointPosePrior, partial(lifting_loss, source="points"), STUDY_SCHEDULE)),
}
"""What the study trains, all for as long, and with how many seeds; the last two have two streams, and the last one noise."""


def study(data: SurveyData, held_out: SurveyData, folder: Path) -> dict[str, Any]:
    """Two streams against one, noise on the inputs, and lifting alone against the whole chain; errors on validation people."""
    rows: list[dict[str, Any]] = []
    for name, (seeds, variant) in LIFTING.items():
        for seed in range(seeds):
            made = replace(variant, schedule=replace(variant.schedule, seed=seed), settings={"study": name})
            network, seconds = fitted(made, data, folder / f"{name.replace(' ', '-')}-{seed}")
            rows += [
                {"lifting": name, "seed": seed, "seconds": round(seconds), "input": source, "noise": noise}
                | errors_of(lifted(network, held_out, source=source, noise=noise), held_out)
                for source in ("landmarks", "points")
                for noise in TEST_NOISE
            ]
    return {"lifting": rows, "chain": chain_steps(held_out), "schedule": asdict(STUDY_SCHEDULE)}


@torch.no_grad()
def lifted(network: HandNetwork, data: SurveyData, *, source: str, noise: float) -> HandGuess:
    """All hands, from the detector's or the true 2D joints with noise."""
    batch = data.batch(torch.arange(len(data)), pixels=False)
    random = torch.randn(batch[source].shape, generator=torch.Generator().manual_seed(0))
    points = batch[source] + noise * random
    parts = [HandBatch(x, p) for x, p in zip(*(torch.split(t, BATCH) for t in (batch["inputs"], points)), strict=True)]
    return HandGuess.concatenated([network(part) for part in parts])


@torch.no_grad()
def chain_steps(data: SurveyData) -> list[dict[str, Any]]:
    """The shipped chain and its parts: each step's 2D error (% of the joints' box) and the errors of the lifted hand."""
    keypoints = cast(KeypointPosePrior, load_network_file(KeypointPosePrior(), weights_path(NAME, "keypoints")))
    chain = cast(PixelPosePrior, load_network_file(PixelPosePrior(), weights_path(NAME, "pixels")))
    found: dict[str, list[tuple[Tensor, Tensor]]] = {}
    overlaps, truth = [], data.batch(torch.arange(len(data)), pixels=False)["points"]
    for rows in torch.split(torch.arange(len(data)), BATCH):
        batch = data.batch(rows, pixels=True, depths=True)
        silhouettes = chain.segmenter(batch["crops"]).sigmoid()
        hand, true = silhouettes > 0.5, batch["silhouettes"] > 0.5
        overlaps.append((hand & true).flatten(1).sum(1) / (hand | true).flatten(1).sum(1).clamp_min(1))
        whole = torch.tensor([[0.0, 0.0, 1.0]]).expand(len(rows), 3)
        for name, windows in (
            ("whole chain", silhouette_windows(silhouettes)),
            ("chain with the true silhouette", silhouette_windows(batch["silhouettes"])),
            ("chain without tightening", whole),
        ):
            points = chain.backbone(tightened(batch["crops"], windows)).points
            canonical, viewpoint = chain.streams(points)
            found.setdefault(name, []).append((points * windows[:, None, 2:] + windows[:, None, :2], canonical @ viewpoint))
        for name, points in (("lifting MediaPipe's 2D", batch["landmarks"]), ("lifting the true 2D", batch["points"])):
            canonical, viewpoint = keypoints.streams(points)
            found.setdefault(name, []).append((points, canonical @ viewpoint))
    box = (truth.amax(1) - truth.amin(1)).amax(1)[:, None]
    steps = []
    for name, parts in found.items():
        points, joints = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
        miss = 100 * float(((points - truth).norm(dim=-1) / box).mean())
        steps.append({"step": name, "miss_2d_percent": round(miss, 2)} | errors_of(HandGuess(joints=joints), data))
    steps[0]["silhouette_iou"] = round(float(torch.cat(overlaps).mean()), 3)
    return steps


TRAINING: Final = SystemTraining(
    NAME,
    {"keypoints": KEYPOINTS, "pixels": PIXELS},
    study,
    "MSE of canonical coordinates 1, MSE of the viewpoint matrix 1; on pixels also cross-entropy of the silhouette 1, mean "
    "distance of 2D joints 2, without gradients between the parts",
)

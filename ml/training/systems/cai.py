"""Training of Cai et al. (ECCV 2018): depths of 2D joints with a depth regulariser, and the study of weak labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final, cast

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.functional import interpolate, smooth_l1_loss

from ml.networks.depth_regulariser import DEPTH_MAP, DepthRegulariser, KeypointDepth, PixelDepth
from ml.networks.hand_batch import HandBatch, HandNetwork
from ml.training.loop import Batch, Schedule
from ml.training.survey_data import SurveyData
from ml.training.system_training import PYRAMID, SystemTraining, VariantTraining, errors, fitted

NAME: Final = "cai2018"
NOISE: Final = 0.02
"""Standard deviation of the noise on the detector's 2D joints in training, in halves of the crop."""
TURN: Final = 0.05
"""Where the smooth L1 of joints turns from squares to absolute values, in halves of the crop."""
DEPTH_WEIGHT: Final = 1.0


def true_depths(batch: Batch) -> Tensor:
    """Depths [B, 21] of the joints behind the wrist, in units of the crop's half side at the wrist."""
    return batch["joints"][..., 2] / (batch["windows"][:, 2:] * batch["distances"][:, None])


def loss_of(network: HandNetwork, batch: Batch, *, depth_weight: float = DEPTH_WEIGHT, noise: float = NOISE) -> Tensor:
    """Smooth L1 of 2D joints and depths, and L1 of the drawn depth map.

    Where `labelled` [B] is in the batch, other hands have no depths of joints: their 2D joints and depth maps remain.
    """
    assert isinstance(network, KeypointDepth | PixelDepth)
    hands = HandBatch.of(batch)
    if isinstance(network, KeypointDepth):
        hands = replace(hands, landmarks=hands.landmarks + noise * torch.randn_like(hands.landmarks))
    with torch.autocast(batch["points"].device.type, torch.bfloat16, enabled=network.uses_pixels):
        points, depths = network.found(hands)
    depths = depths - depths[:, :1]
    labelled = batch.get("labelled", torch.ones_like(batch["distances"]))
    share = labelled[:, None] / labelled.mean().clamp_min(1e-6)
    loss = (share * smooth_l1_loss(depths, true_depths(batch), reduction="none", beta=TURN)).mean()
    loss = loss + smooth_l1_loss(points.float(), batch["points"], beta=TURN)
    if depth_weight:
        loss = loss + depth_weight * depth_loss(cast(nn.Module, network.guide), points.float(), depths, batch, labelled)
    return loss


def depth_loss(regulariser: nn.Module, points: Tensor, depths: Tensor, batch: Batch, labelled: Tensor) -> Tensor:
    """L1 of depth maps. The regulariser is taught by true joints, where they are known, and then teaches the network by its
    drawing of the estimated ones: taught by these too, it would draw what it can guess from the 2D joints alone.
    """
    reference = interpolate(batch["depths"][:, None], size=(DEPTH_MAP, DEPTH_MAP), mode="area")[:, 0]
    drawn = regulariser(batch["points"], true_depths(batch))
    own = (labelled[:, None, None] * (drawn - reference).abs()).mean() / labelled.mean().clamp_min(1e-6)
    fixed = {name: parameter.detach() for name, parameter in regulariser.named_parameters()}
    seen: Tensor = functional_call(regulariser, fixed, (points, depths))
    loss: Tensor = own + (seen - reference).abs().mean()
    return loss


KEYPOINTS: Final = VariantTraining(
    KeypointDepth, loss_of, Schedule(steps=2000, batch=128, rate=1e-3), depths=True, guide=DepthRegulariser,
    settings={"noise": NOISE, "depth_weight": DEPTH_WEIGHT},
)  # fmt: skip
PIXELS: Final = VariantTraining(
    PixelDepth, loss_of, Schedule(steps=600, batch=32, rate=1e-3), depths=True, guide=DepthRegulariser,
    pyramid=PYRAMID, settings={"depth_weight": DEPTH_WEIGHT},
)  # fmt: skip

SHARES: Final = (0.05, 0.1, 0.25, 1.0)
"""Shares of the people whose hands have 3D labels in the study."""
SEEDS: Final = (0, 1)
STUDY_SCHEDULE: Final = Schedule(steps=1000, batch=64, rate=3e-3)
"""`batch` is of hands with labels; as many without are added where there are others."""
STUDY_WIDTH: Final = 128
"""A small network, so that sixteen are trained in minutes."""


def labelled_rows(people: Tensor, share: float, seed: int) -> tuple[Tensor, Tensor]:
    """The hands of a share of the people, and all others."""
    everyone = torch.unique(people)
    order = torch.randperm(len(everyone), generator=torch.Generator().manual_seed(seed))
    chosen = torch.isin(people, everyone[order[: max(1, round(share * len(everyone)))]])
    return chosen.nonzero()[:, 0], (~chosen).nonzero()[:, 0]


def mixed_batches(data: SurveyData, schedule: Schedule, *, share: float, weak: bool) -> Callable[[int], Batch]:
    """Step → hands with 3D labels and, where there are others, as many without, of which 2D joints and, if `weak`, depth
    maps are known.
    """
    labelled, others = labelled_rows(data.people, share, schedule.seed)
    first = data.batches(schedule.batch, schedule.seed, pixels=False, depths=weak, rows=labelled)
    if not len(others):
        return first
    second = data.batches(schedule.batch, schedule.seed + 1000, pixels=False, depths=weak, rows=others)

    def batch(step: int) -> Batch:
        known, unknown = first(step), second(step)
        joined = {name: torch.cat([known[name], unknown[name]]) for name in known}
        flags = torch.cat([torch.ones(len(known["distances"])), torch.zeros(len(unknown["distances"]))])
        return joined | {"labelled": flags}

    return batch


def study(data: SurveyData, held_out: SurveyData, folder: Path) -> dict[str, Any]:
    """Errors on validation people with few 3D labels, without and with depth maps of all hands."""
    rows: list[dict[str, Any]] = []
    for seed in SEEDS:
        for share in SHARES:
            for weak in (False, True):
                variant = VariantTraining(
                    partial(KeypointDepth, STUDY_WIDTH),
                    partial(loss_of, depth_weight=DEPTH_WEIGHT if weak else 0.0),
                    replace(STUDY_SCHEDULE, seed=seed),
                    guide=DepthRegulariser if weak else None,
                    settings={"share": share, "weak": weak},
                    batches=partial(mixed_batches, share=share, weak=weak),
                )
                name = f"{round(100 * share)}-{'depth' if weak else 'none'}-{seed}"
                network, seconds = fitted(variant, data, folder / name)
                found = {"share": share, "depth_maps": weak, "seed": seed, "seconds": round(seconds)}
                rows.append(found | errors(network, held_out))
    return {"rows": rows, "gain": [gain_of(rows, share) for share in SHARES]}


def gain_of(rows: list[dict[str, Any]], share: float) -> dict[str, Any]:
    """How much the errors (mm) fall with depth maps: mean over the seeds and its standard error."""
    found: dict[str, Any] = {"share": share}
    for metric in ("pa_mpjpe", "ra_mpjpe"):
        pair = [
            torch.tensor([row[metric] for row in rows if row["share"] == share and row["depth_maps"] == weak])
            for weak in (False, True)
        ]
        apart = pair[0] - pair[1]
        found[metric] = round(float(apart.mean()), 3)
        found[f"{metric}_error"] = round(float(apart.std() / len(apart) ** 0.5), 3)
    return found


TRAINING: Final = SystemTraining(
    NAME,
    {"keypoints": KEYPOINTS, "pixels": PIXELS},
    study,
    "smooth L1 of joint depths 1, of 2D joints 1, L1 of the depth map 1; in halves of the crop",
)

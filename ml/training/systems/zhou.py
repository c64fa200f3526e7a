"""Training of `zhou2020` (Zhou et al., CVPR 2020): IKNet on detected joints and on motions, DetNet on pixels.

Half of a batch of IKNet are hands as detected (the paper's 3DPosData; of renders the true rotations are known, too), half are
poses of motions, clean and with noise (its MoCap data). On pixels, DetNet is trained first; its joints in the training images,
with their errors, are then the detected ones.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

import roma
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, normalize

from ml.fitting.bone_ratios import REFERENCE
from ml.hand.skeleton import PARENTS
from ml.networks.detection_maps import DetectorOnly, PixelIKNet
from ml.networks.feature_pyramid import drawn_maps
from ml.networks.hand_batch import HandGuess, HandNetwork
from ml.networks.network_files import load_network_file, weights_path
from ml.networks.pose_quaternions import IKNet, KeypointIKNet, Posed
from ml.training.hand_poses import DetectedJoints, HandPoses
from ml.training.loop import Batch, Schedule, epochs
from ml.training.survey_data import SurveyData, joints_of
from ml.training.system_training import BATCH, PYRAMID, SystemTraining, VariantTraining, errors, errors_of, fitted

NAME: Final = "zhou2020"
UNIT: Final = 0.1
"""Metres; about the length of wrist to middle MCP, in which the paper measures."""
WEIGHTS: Final = {"cos": 1.0, "l2": 1.0, "xyz": 1.0, "norm": 0.1}
"""Of the loss terms of IKNet."""
HEAT_WEIGHT: Final = 20.0
SCHEDULE: Final = Schedule(steps=2400, batch=256, rate=3e-3)
DETNET_SCHEDULE: Final = Schedule(steps=400, batch=64, rate=1e-3)
PIXEL_SCHEDULE: Final = Schedule(steps=1000, batch=256, rate=3e-3)
MOTION_SHARE: Final = 0.375
"""Of a batch."""


def ik_losses(posed: Posed, batch: Batch) -> dict[str, Tensor]:
    """The paper's four terms: angle between quaternions, their difference, joints after forward kinematics, unit length."""
    true = true_quaternions(posed.palm, batch["rotations"])
    raw = posed.quaternions
    found = joints_of(posed.rotations, batch["betas"])
    apart = (found - joints_of(batch["rotations"], batch["betas"])) / UNIT
    return {
        "cos": (1 - (normalize(raw, dim=-1) * true).sum(-1)).mean(),
        "l2": (raw - true).square().sum(-1).mean(),
        "xyz": apart.norm(dim=-1).mean(),
        "norm": (1 - raw.square().sum(-1)).abs().mean(),
    }


def true_quaternions(palm: Tensor, rotations: Tensor) -> Tensor:
    """Unit quaternions [B, 16, 4] (x, y, z, w ≥ 0) that IKNet should find for rotations [B, 16, 3, 3]."""
    relative = torch.cat([(palm.mT @ rotations[:, 0])[:, None], rotations[:, 1:]], 1)
    found: Tensor = roma.rotmat_to_unitquat(relative)
    return torch.where(found[..., 3:] < 0, -found, found)


def ik_loss(network: HandNetwork, batch: Batch, *, weights: dict[str, float]) -> Tensor:
    """The weighted sum of the terms."""
    ik = network.ik
    assert isinstance(ik, IKNet)
    with torch.autocast(batch["seen"].device.type, torch.bfloat16):
        posed = ik(batch["seen"], batch["landmarks"])
    losses = ik_losses(posed, batch)
    return torch.stack([weight * losses[name] for name, weight in weights.items()]).sum()


def detector_to_train() -> DetectorOnly:
    """DetNet whose first layers stay those of the pyramid that it starts from, which saves a third of the time."""
    network = DetectorOnly()
    network.backbone.stem.requires_grad_(False)
    network.backbone.stages[0].requires_grad_(False)
    return network


def detector_loss(network: HandNetwork, batch: Batch) -> Tensor:
    """Heat maps by cross-entropy; delta and location maps where the true heat maps are high, as in the paper."""
    assert isinstance(network, DetectorOnly)
    with torch.autocast(batch["crops"].device.type, torch.bfloat16):
        found = network.backbone(batch["crops"])
    heat = drawn_maps(batch["points"])
    wrist, root = REFERENCE
    joints = batch["joints"] - batch["joints"][:, root, None]
    joints = joints / joints[:, wrist].norm(dim=-1)[:, None, None]
    parents = torch.tensor([max(parent, 0) for parent in PARENTS], device=joints.device)
    parts = [
        HEAT_WEIGHT * binary_cross_entropy_with_logits(found.heat.float(), heat),
        _where_seen(found.deltas, joints - joints[:, parents], heat),
        _where_seen(found.locations, joints, heat),
    ]
    return torch.stack(parts).sum()


def _where_seen(maps: Tensor, true: Tensor, heat: Tensor) -> Tensor:
    """Mean distance of maps [B, 63, H, W] from vectors [B, 21, 3], weighted by heat maps [B, 21, H, W]."""
    vectors = maps.float().reshape(*true.shape, *heat.shape[2:])
    distance = (vectors - true[..., None, None]).norm(dim=2)
    mean: Tensor = (distance * heat).sum() / heat.sum()
    return mean


def ik_batches(
    data: SurveyData, schedule: Schedule, *, detect: Callable[[SurveyData], DetectedJoints] | None
) -> Callable[[int], Batch]:
    """Step → batch of detected hands and poses of motions; without a detector, of motions alone."""
    poses = HandPoses.of_motions(data)
    detected = None if detect is None else detect(data)
    count = schedule.batch if detected is None else round(MOTION_SHARE * schedule.batch)
    order = epochs(len(data), max(schedule.batch - count, 1), schedule.seed)

    def made(step: int) -> Batch:
        generator = torch.Generator().manual_seed(schedule.seed * 7_368_787 + step)
        parts = [poses.batch(count, generator)]
        if detected is not None:
            parts.append(detected.batch(order(step), generator))
        return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}

    return made


@torch.no_grad()
def detnet_joints(data: SurveyData) -> DetectedJoints:
    """What the trained DetNet finds in samples."""
    detector = load_network_file(DetectorOnly(), weights_path(NAME, "detnet"))
    parts = []
    for rows in torch.split(torch.arange(len(data)), BATCH):
        with torch.autocast("cpu", torch.bfloat16):
            guess = detector(data.hands(rows, pixels=True))
        parts.append((guess.joints, guess.landmarks))
    joints, landmarks = (torch.cat(found) for found in zip(*parts, strict=True))
    return DetectedJoints(joints, landmarks, data)


def ik_variant(
    build: Callable[[], HandNetwork],
    detect: Callable[[SurveyData], DetectedJoints] | None,
    schedule: Schedule,
    weights: dict[str, float] = WEIGHTS,
    *,
    start: Path | None = None,
) -> VariantTraining:
    """Training of an IKNet on what a detector finds and on motions; `start` are weights of the DetNet before it, which stay."""
    return VariantTraining(
        build,
        partial(ik_loss, weights=weights),
        schedule,
        pyramid=start,
        settings={"weights": weights, "motion_share": MOTION_SHARE if detect else 1.0},
        batches=partial(ik_batches, detect=detect),
    )


STUDY: Final = Schedule(steps=400, batch=192, rate=3e-3)
STUDY_WIDTH: Final = 384
"""Of every row of the study on keypoints, which is trained anew, shorter and narrower than what is shipped."""
PUBLISHED: Final[dict[str, tuple[float, float, float]]] = {
    "ours": (0.948, 0.811, 0.898),
    "without IKNet": (0.923, 0.804, 0.891),
    "without L_l2 and L_cos": (0.933, 0.823, 0.869),
    "without 3DPosData": (0.926, 0.809, 0.873),
    "without L_l2": (0.943, 0.812, 0.890),
    "without L_cos": (0.840, 0.782, 0.808),
}
"""Table 2 of the paper: AUC of PCK on Dexter+Object, EgoDexter and STB."""


def ablations() -> dict[str, VariantTraining]:
    """What is trained for the study, on keypoints: the rows of the paper's table 2, and one without 2D joints."""
    build = partial(KeypointIKNet, width=STUDY_WIDTH)

    def without(*terms: str) -> VariantTraining:
        kept = {name: weight for name, weight in WEIGHTS.items() if name not in terms}
        return ik_variant(build, DetectedJoints.of_mediapipe, STUDY, kept)

    return {
        "ours": without(),
        "without L_l2 and L_cos": without("l2", "cos"),
        "without 3DPosData": ik_variant(build, None, STUDY),
        "without L_l2": without("l2"),
        "without L_cos": without("cos"),
        "without 2D joints": ik_variant(partial(build, plane=False), DetectedJoints.of_mediapipe, STUDY),
    }


def study(data: SurveyData, held_out: SurveyData, folder: Path) -> dict[str, Any]:
    """Table 2 on keypoints with networks trained for it, and with the shipped ones its first two rows on pixels."""
    found = {}
    for name, variant in ablations().items():
        network, seconds = fitted(variant, data, folder / name.replace(" ", "-"))
        found[name] = errors(network, held_out) | {"seconds": round(seconds)}
    world = held_out.data.seen.world
    found["without IKNet"] = errors_of(HandGuess(joints=world), held_out)
    shipped = {
        name: load_network_file(variant.build(), weights_path(NAME, name)) for name, variant in TRAINING.variants.items()
    }
    pixels = {"ours": errors(shipped["pixels"], held_out), "without IKNet": errors(shipped["detnet"], held_out)}
    return {
        "auc_of_pck": "20-50 mm, root-aligned",
        "validation_hands": len(held_out),
        "schedule": asdict(STUDY),
        "width": STUDY_WIDTH,
        "keypoints": found,
        "pixels": pixels,
        "published": {name: dict(zip(("DO", "ED", "STB"), row, strict=True)) for name, row in PUBLISHED.items()},
        "ours_is_best": {
            of: {name: row["auc_20_50"] < rows["ours"]["auc_20_50"] for name, row in rows.items() if name != "ours"}
            for of, rows in (("keypoints", found), ("pixels", pixels))
        },
        "hands_a_second": {name: speed(network, held_out) for name, network in shipped.items()},
    }


def speed(network: HandNetwork, data: SurveyData, hands: int = 256) -> int:
    """Hands a second of processor time, one by one as they come from a camera; other work on the machine does not count."""
    one = [data.hands(torch.tensor([row]), pixels=network.uses_pixels) for row in range(hands)]
    with torch.no_grad():
        network(one[0])
        began = time.process_time()
        for hand in one:
            network(hand)
    return round(hands / (time.process_time() - began))


TRAINING: Final = SystemTraining(
    NAME,
    {
        "keypoints": ik_variant(KeypointIKNet, DetectedJoints.of_mediapipe, SCHEDULE),
        "detnet": VariantTraining(
            detector_to_train,
            detector_loss,
            DETNET_SCHEDULE,
            pyramid=PYRAMID,
        ),
        "pixels": ik_variant(PixelIKNet, detnet_joints, PIXEL_SCHEDULE, start=weights_path(NAME, "detnet")),
    },
    study=study,
    losses="IKNet: cosine 1, L2 of quaternions 1, mean distance of joints 1 (units of 0.1 m), unit length 0.1; DetNet: "
    "cross-entropy of heat maps 20, distance of delta and location maps 1 each",
)

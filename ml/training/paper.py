"""The paper's own ways, where this project goes others: its optimisation at inference time, and what its loss would cost; and
what was chosen where the paper is silent.

`ml.training.tables` measures them on the same frames as what is used instead, and `ml.training.results` tells them beside it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import roma
import torch
from torch import Tensor

from ml.hand.model import load_hand_model
from ml.identity.backbones import FEATURES
from ml.identity.calibration import ALIKE, PROBLEMS, Settings
from ml.identity.crops import CROP_PX
from ml.identity.estimate import Estimate
from ml.identity.networks import rotations_to_rows, rows_to_rotations
from ml.identity.observation import MARGIN
from ml.identity.weights import Kind
from ml.methods.kong2022 import Placed

DEPTH_M: Final = 0.85
"""At which the wrist begins: the distance of DexYCB's cameras."""
STAGES: Final = ((200, 1e-2), (100, 1e-3))
"""Steps and learning rate of Adam: for the place, then for place and pose."""


def choices(backbone: Kind) -> dict[str, Any]:
    """What the paper leaves open, and where the networks are not the paper's, as it is here: for the card."""
    alike = ALIKE[backbone]
    return {
        "weights": "softmax(score / temperature), sum 1",
        "temperature": Settings().temperature,
        "problem": PROBLEMS[backbone],
        "solver": "fitted: Gauss-Newton over poses, places and one shape, the shape by Schur complement; fused: closed form; "
        "poster: Weiszfeld in the metric of the mesh, 10 x 10 solves; mean: closed form",
        "joints_alike_in_clip": alike.clip,
        "joints_alike_in_person": alike.person,
        "crop_px": CROP_PX if backbone == "image" else None,
        "crop_over_box": MARGIN,
        "feature_size": FEATURES,
        "optimiser": "AdamW, rate up over 200 steps and down along a cosine to a hundredth, gradient norm <= 5",
    }


@torch.enable_grad()
def adam(found: Estimate, rotations: Tensor, betas: Tensor, focal: Tensor) -> Placed:
    """Kong et al.'s two stages: the mean squared pixel error of 21 joints, without prior or confidence; the shape stays.

    Args:
        found: n hands; where their joints were seen.
        rotations: [n, 16, 3, 3], the estimate.
        betas: [1 or n, 10].
        focal: [n], px.
    """
    right = load_hand_model("open", "right")
    betas = betas.expand(len(rotations), 10)
    wrist = torch.cat([found.sight[:, 0], torch.ones(len(rotations), 1)], dim=1)
    place = (DEPTH_M * wrist - right.rest_joints(betas)[:, 0]).requires_grad_()
    code = rotations_to_rows(rotations).clone().requires_grad_()
    for (steps, rate), free in zip(STAGES, ([place], [place, code]), strict=True):
        optimiser = torch.optim.Adam(free, lr=rate)
        for _ in range(steps):
            joints = right.joints(rows_to_rotations(code), betas, place)
            missed = focal[:, None, None] * (joints[..., :2] / joints[..., 2:].clamp_min(1e-3) - found.sight)
            optimiser.zero_grad(set_to_none=True)
            # a sum over hands: each is optimised by itself
            missed.square().sum(-1).mean(-1).sum().backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return Placed(rows_to_rotations(code).detach(), betas, place.detach())


@torch.enable_grad()
def loss_seconds(batch: int = 256, rounds: int = 3) -> dict[str, float]:
    """What a step spends on the hand in the loss: by joints, as here, and by vertices, normals and edges, as in the paper."""
    right = load_hand_model("open", "right")
    generator = torch.Generator().manual_seed(0)
    rotations = roma.rotvec_to_rotmat(0.3 * torch.randn(batch, 16, 3, generator=generator)).requires_grad_()
    betas, still = torch.randn(batch, 10, generator=generator), torch.zeros(batch, 3)
    faces = torch.as_tensor(right.faces.astype("int64"))

    def joints() -> Tensor:
        return right.joints(rotations, betas, still).abs().mean()

    def mesh() -> Tensor:
        vertices = right(rotations, betas, still).vertices
        corners = vertices[:, faces]
        normals = torch.linalg.cross(corners[:, :, 1] - corners[:, :, 0], corners[:, :, 2] - corners[:, :, 0])
        edges = (corners - corners.roll(1, 2)).norm(dim=-1)
        loss: Tensor = vertices.abs().mean() + normals.abs().mean() + edges.mean()
        return loss

    def spent(loss: Callable[[], Tensor]) -> float:
        loss().backward()  # type: ignore[no-untyped-call]
        began = time.perf_counter()
        for _ in range(rounds):
            loss().backward()  # type: ignore[no-untyped-call]
        return round((time.perf_counter() - began) / rounds, 4)

    return {"joints": spent(joints), "mesh": spent(mesh)}

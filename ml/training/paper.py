"""The paper's procedures where this project differs: its optimisation at inference time and the cost of its mesh loss.

`ml.training.tables` measures them on the same frames as the replacements, and `ml.training.results` reports both.
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
from ml.identity.calibration import ERROR_CORRELATION, SOLVERS, Settings
from ml.identity.crops import CROP_PX
from ml.identity.inference import Estimate
from ml.identity.networks import rotations_to_rows, rows_to_rotations
from ml.identity.observation import MARGIN
from ml.identity.weights import Kind
from ml.methods.crop_fit import CropFit

DEPTH_M: Final = 0.85
"""Initial depth of the wrist: the distance of DexYCB's cameras."""
STAGES: Final = ((200, 1e-2), (100, 1e-3))
"""Steps and learning rate of Adam: for the translation, then for translation and pose."""


def choices(backbone: Kind) -> dict[str, Any]:
    """What the paper leaves open and where the networks differ from the paper's: for the model card."""
    correlation = ERROR_CORRELATION[backbone]
    return {
        "weights": "softmax(score / temperature), sum 1",
        "temperature": Settings().temperature,
        "default_solver": SOLVERS[backbone],
        "solvers": "joint-bundle: Gauss-Newton over poses, translations and one shape, the shape by Schur complement; "
        "shrinkage: closed form; "
        "poster: Weiszfeld in the metric of the mesh, 10 x 10 solves; mean: closed form",
        "error_correlation_in_clip": correlation.clip,
        "error_correlation_in_person": correlation.person,
        "crop_px": CROP_PX if backbone == "image" else None,
        "crop_over_box": MARGIN,
        "feature_size": FEATURES,
        "optimiser": "AdamW, rate up over 200 steps and down along a cosine to a hundredth, gradient norm <= 5",
    }


@torch.enable_grad()
def adam(found: Estimate, rotations: Tensor, betas: Tensor, focal: Tensor) -> CropFit:
    """Kong et al.'s two stages: the mean squared pixel error of 21 joints, without prior or confidence; the shape is fixed.

    Args:
        found: n hands with their 2D joints.
        rotations: [n, 16, 3, 3], the estimate.
        betas: [1 or n, 10].
        focal: [n], px.
    """
    right = load_hand_model("open", "right")
    betas = betas.expand(len(rotations), 10)
    wrist = torch.cat([found.normalized_keypoints[:, 0], torch.ones(len(rotations), 1)], dim=1)
    place = (DEPTH_M * wrist - right.rest_joints(betas)[:, 0]).requires_grad_()
    code = rotations_to_rows(rotations).clone().requires_grad_()
    for (steps, rate), free in zip(STAGES, ([place], [place, code]), strict=True):
        optimiser = torch.optim.Adam(free, lr=rate)
        for _ in range(steps):
            joints = right.joints(rows_to_rotations(code), betas, place)
            missed = focal[:, None, None] * (joints[..., :2] / joints[..., 2:].clamp_min(1e-3) - found.normalized_keypoints)
            optimiser.zero_grad(set_to_none=True)
            # a sum over hands: each is optimised independently
            missed.square().sum(-1).mean(-1).sum().backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return CropFit(rows_to_rotations(code).detach(), betas, place.detach())


@torch.enable_grad()
def loss_seconds(batch: int = 256, rounds: int = 3) -> dict[str, float]:
    """Seconds per step for the hand part of the loss: joints, as here; vertices, normals and edges, as in the paper."""
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

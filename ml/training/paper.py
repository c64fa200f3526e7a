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
from torch.nn.functional import normalize

from ml.hand.model import HandModel, load_hand_model
from ml.identity.backbones import FEATURES
from ml.identity.calibration import ERROR_CORRELATION, SOLVERS, Settings
from ml.identity.crops import CROP_PX
from ml.identity.networks import rotations_to_rows, rows_to_rotations
from ml.identity.observation import MARGIN
from ml.identity.weights import Kind
from ml.methods.crop_fit import CropFit
from ml.training.hand_loss import UNIT, HandLoss, ShapedPose

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
def adam(rotations: Tensor, betas: Tensor, seen: Tensor, focal: Tensor) -> CropFit:
    """Kong et al.'s two stages: the mean squared pixel error of 21 joints, without prior or confidence; the shape is fixed.

    Args:
        rotations: [n, 16, 3, 3], the estimate.
        betas: [1 or n, 10].
        seen: [n, 21, 2], x / z and y / z of the 2D joints.
        focal: [n], px.
    """
    right = load_hand_model("open", "right")
    betas = betas.expand(len(rotations), 10)
    wrist = torch.cat([seen[:, 0], torch.ones(len(rotations), 1)], dim=1)
    place = (DEPTH_M * wrist - right.rest_joints(betas)[:, 0]).requires_grad_()
    code = rotations_to_rows(rotations).clone().requires_grad_()
    for (steps, rate), free in zip(STAGES, ([place], [place, code]), strict=True):
        optimiser = torch.optim.Adam(free, lr=rate)
        for _ in range(steps):
            joints = right.joints(rows_to_rotations(code), betas, place)
            missed = focal[:, None, None] * (joints[..., :2] / joints[..., 2:].clamp_min(1e-3) - seen)
            optimiser.zero_grad(set_to_none=True)
            # a sum over hands: each is optimised independently
            missed.square().sum(-1).mean(-1).sum().backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return CropFit(rows_to_rotations(code).detach(), betas, place.detach())


def mesh_loss(model: HandModel, found: ShapedPose, true: ShapedPose) -> Tensor:
    """The paper's loss of a batch: L1 of vertices 1, of surface normals 0.1, of mesh edges 1 and of the 6D pose 1.

    Lengths are in units of 0.2 m. The loss of normals is the mean size of the cosine between the edges of a triangle and the
    true normal.
    """
    still = found.rotations.new_zeros(3)
    own = model(found.rotations, found.betas, still).vertices / UNIT
    with torch.no_grad():
        goal = model(true.rotations, true.betas, still).vertices / UNIT
    faces = torch.as_tensor(model.faces.astype("int64"), device=own.device)
    corners, true_corners = own[:, faces], goal[:, faces]
    edges, true_edges = (sides - sides.roll(1, 2) for sides in (corners, true_corners))
    normals = normalize(torch.linalg.cross(true_edges[:, :, 0], true_edges[:, :, 1]), dim=-1)
    lengths = edges.norm(dim=-1)
    cosines = (edges * normals[:, :, None]).sum(-1) / lengths.clamp_min(1e-4)
    codes = rotations_to_rows(found.rotations) - rotations_to_rows(true.rotations)
    loss: Tensor = (
        (own - goal).abs().mean()
        + 0.1 * cosines.abs().mean()
        + (lengths - true_edges.norm(dim=-1)).abs().mean()
        + codes.abs().mean()
    )
    return loss


@torch.enable_grad()
def loss_seconds(batch: int = 256, rounds: int = 3) -> dict[str, float]:
    """Seconds per step for the hand part of the loss: joints, as here; vertices, normals and edges, as in the paper."""
    hands = HandLoss("open", "cpu")
    generator = torch.Generator().manual_seed(0)
    turns = roma.rotvec_to_rotmat(0.3 * torch.randn(2, batch, 16, 3, generator=generator))
    betas = torch.randn(2, batch, 10, generator=generator)
    found, true = ShapedPose(turns[0].requires_grad_(), betas[0]), ShapedPose(turns[1], betas[1])

    def spent(loss: Callable[[], Tensor]) -> float:
        loss().backward()  # type: ignore[no-untyped-call]
        began = time.perf_counter()
        for _ in range(rounds):
            loss().backward()  # type: ignore[no-untyped-call]
        return round((time.perf_counter() - began) / rounds, 4)

    return {"joints": spent(lambda: hands([(found, true)])), "mesh": spent(lambda: mesh_loss(hands.model, found, true))}

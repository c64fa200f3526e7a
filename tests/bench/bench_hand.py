"""Joints alone against smplx's MANO layer's whole mesh: forward and backward, 128 frames, side by side in one run."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import roma
import torch

from ml.hand.model import load_hand_model
from ml.hand.open_model import load_open_hand
from ml.hand.skeleton import MANO_TO_OPENPOSE
from tests.smplx_reference import smplx_layer

FRAMES = 128


def _median_ms(work: Callable[[], None]) -> float:
    for _ in range(3):
        work()
    times = []
    for _ in range(25):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times)


def rows() -> list[tuple[str, str, str]]:
    """(what, measured, target)."""
    reference = smplx_layer(load_open_hand("right"))
    model = load_hand_model()
    generator = torch.Generator().manual_seed(0)
    pose, betas, place = (torch.randn(FRAMES, *s, generator=generator).requires_grad_() for s in ((16, 3), (10,), (3,)))

    def by_smplx() -> torch.Tensor:
        matrices = roma.rotvec_to_rotmat(pose)
        output = reference(betas=betas, global_orient=matrices[:, :1], hand_pose=matrices[:, 1:], transl=place)
        tips = output.vertices[:, list(model.tip_vertices)]
        return torch.cat([output.joints, tips], 1)[:, list(MANO_TO_OPENPOSE)]

    def by_mesh() -> torch.Tensor:
        return model(pose, betas, place).vertices

    def by_joints() -> torch.Tensor:
        return model.joints(pose, betas, place)

    apart = float((by_smplx() - by_joints()).detach().abs().max())
    slow, mesh, fast = (
        _median_ms(lambda f=f: f().square().sum().backward())
        for f in (by_smplx, by_mesh, by_joints)  # type: ignore[misc]
    )
    return [
        (f"joints-only forward + backward, {FRAMES} frames, against smplx's MANO layer", f"{slow / fast:.1f}×", "≥ 5×"),
        ("smplx's MANO layer, the same", f"{slow:.2f} ms", "side by side"),
        ("the whole mesh, the same", f"{mesh:.2f} ms", "side by side"),
        ("joints-only, the same", f"{fast:.2f} ms", "side by side"),
        ("largest distance between the two", f"{1e6 * apart:.2f} µm", "≤ 1 µm"),
    ]

"""Joints alone against smplx.MANO's whole mesh: forward and backward, 128 frames, side by side in one run."""

from __future__ import annotations

import contextlib
import io
import statistics
import time
from collections.abc import Callable

import smplx
import torch
from smplx.utils import Struct

from ml.hand.model import load_hand_model
from ml.hand.open_model import load_open_hand
from ml.hand.skeleton import MANO_TO_OPENPOSE

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
    arrays = load_open_hand("right")
    data = Struct(
        v_template=arrays.template,
        f=arrays.faces,
        shapedirs=arrays.shape_directions,
        posedirs=arrays.pose_directions,
        J_regressor=arrays.regressor,
        kintree_table=arrays.kintree,
        weights=arrays.weights,
        hands_components=arrays.pose_components,
        hands_mean=arrays.pose_mean,
    )
    with contextlib.redirect_stdout(io.StringIO()):  # it prints that ten shape coefficients are few
        whole = smplx.MANO(model_path="", data_struct=data, use_pca=False, flat_hand_mean=True, batch_size=FRAMES)
    model = load_hand_model()
    generator = torch.Generator().manual_seed(0)
    pose, betas, place = (torch.randn(FRAMES, *s, generator=generator).requires_grad_() for s in ((16, 3), (10,), (3,)))

    def by_smplx() -> torch.Tensor:
        output = whole(betas=betas, global_orient=pose[:, 0], hand_pose=pose[:, 1:].reshape(FRAMES, 45), transl=place)
        tips = output.vertices[:, list(model.tip_vertices)]
        return torch.cat([output.joints, tips], 1)[:, list(MANO_TO_OPENPOSE)]

    def by_joints() -> torch.Tensor:
        return model.joints(pose, betas, place)

    apart = float((by_smplx() - by_joints()).detach().abs().max())
    slow, fast = (_median_ms(lambda f=f: f().square().sum().backward()) for f in (by_smplx, by_joints))  # type: ignore[misc]
    return [
        (f"joints-only forward + backward, {FRAMES} frames, against smplx.MANO", f"{slow / fast:.1f}×", "≥ 5×"),
        ("smplx.MANO, the same", f"{slow:.2f} ms", "side by side"),
        ("joints-only, the same", f"{fast:.2f} ms", "side by side"),
        ("largest distance between the two", f"{1e6 * apart:.2f} µm", "≤ 1 µm"),
    ]


def main() -> None:
    """Print the table."""
    print("| what | measured | target |\n|---|---|---|")
    for row in rows():
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()

"""How well a prior holds motions: errors of reconstruction by speed, and of gaps filled by maximum a posteriori."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from ml.priors.motion import MotionPrior
from ml.priors.motion_features import pose
from ml.priors.motion_window import FPS, FRAMES, frame_times

OBSERVED_STD: Final = 0.03
"""Radians: standard deviation of observed angles about the decoded motion."""
GAP: Final = (49, 79)
"""First frame of the gap and first frame after it: 1 s in the middle of a window."""
STEPS: Final = 6
WINDOWS_AT_ONCE: Final = 8
FILLED: Final = 24


def joint_positions(angles: Tensor) -> Tensor:
    """Finger joints beyond the bases and fingertips of the mean hand about the wrist [W, T, 15, 3], m, of [W, T, 45]."""
    _, joints, tips = pose(angles.flatten(0, 1))
    points = torch.cat([joints[:, :, 1:], tips[:, :, None]], 2)
    return points.reshape(*angles.shape[:2], 15, 3)


def speeds(windows: Tensor) -> Tensor:
    """Root mean square joint speed [W, T] (rad/s) of windows [W, T, 45]: of all angles, central differences."""
    rate: Tensor = torch.gradient(windows, spacing=1 / FPS, dim=1)[0]
    return rate.square().mean(-1).sqrt()


def reconstruction(prior: MotionPrior, windows: Tensor) -> dict[str, float]:
    """Mean error of angles (degrees) and positions (mm) of windows encoded and decoded, by quarters of speed.

    The keys `slow_mm` and `fast_mm` are of the slowest and fastest quarter of all frames, `fastest_mm` of the fastest tenth.
    """
    decoded = prior.decode(prior.encode(windows)[0], frame_times())
    apart = (joint_positions(decoded) - joint_positions(windows)).norm(dim=-1).mean(-1) * 1e3
    speed = speeds(windows)
    quarter, three, most = (
        torch.quantile(speed.flatten()[:: max(1, speed.numel() // 1_000_000)], q) for q in (0.25, 0.75, 0.9)
    )
    values = {
        "degrees": torch.rad2deg((decoded - windows).abs().mean()),
        "mm": apart.mean(),
        "slow_mm": apart[speed <= quarter].mean(),
        "fast_mm": apart[speed >= three].mean(),
        "fastest_mm": apart[speed >= most].mean(),
    }
    return {name: round(float(value), 3) for name, value in values.items()}


def fill(prior: MotionPrior, windows: Tensor, known: Tensor) -> Tensor:
    """The most probable motions [W, 128, 45], given the angles of the known frames (bool [128]) of windows.

    As the fit does it: straight lines bridge the gap, the encoder's mean and variance of that are the density of z, and
    Gauss-Newton with Levenberg's damping minimises |f(z) − angles|² / σ² + Σ (z − mean)² / variance over the known frames.
    """
    firsts = range(0, len(windows), WINDOWS_AT_ONCE)
    return torch.cat([_fill(prior, windows[first : first + WINDOWS_AT_ONCE], known) for first in firsts])


def _fill(prior: MotionPrior, windows: Tensor, known: Tensor) -> Tensor:
    times = frame_times()
    mean, log_variance = prior.encode(straight(windows, known))
    z, precision = mean, (-log_variance).exp()
    damping = torch.full((len(windows),), 1e-3)

    def cost(at: Tensor) -> Tensor:
        apart = (prior.decode(at, times[known]) - windows[:, known]) / OBSERVED_STD
        return apart.square().sum((1, 2)) + (precision * (at - mean).square()).sum(1)

    least = cost(z)
    for _ in range(STEPS):
        angles, by_z = prior.decode_with_jacobian(z, times[known])
        slope = by_z.flatten(1, 2) / OBSERVED_STD
        apart = ((angles - windows[:, known]) / OBSERVED_STD).flatten(1)[..., None]
        normal = slope.mT @ slope + torch.diag_embed(precision)
        normal = normal + damping[:, None, None] * torch.diag_embed(normal.diagonal(dim1=1, dim2=2))
        gradient = slope.mT @ apart + (precision * (z - mean))[..., None]
        trial = z - torch.linalg.solve(normal, gradient)[..., 0]
        reached = cost(trial)
        better = reached < least
        z, least = torch.where(better[:, None], trial, z), torch.where(better, reached, least)
        damping = torch.where(better, damping * 0.2, damping * 10)
    return prior.decode(z, times)


def straight(windows: Tensor, known: Tensor) -> Tensor:
    """Windows with their unknown frames (inside known ones) on straight lines between the known."""
    frames = torch.nonzero(known)[:, 0]
    after = torch.searchsorted(frames, torch.arange(FRAMES)).clamp(1, len(frames) - 1)
    first, last = frames[after - 1], frames[after]
    share = ((torch.arange(FRAMES) - first) / (last - first))[None, :, None]
    return windows[:, first] * (1 - share) + windows[:, last] * share


def fill_errors(prior: MotionPrior, windows: Tensor) -> dict[str, float]:
    """Mean error (mm) of joints inside and outside a gap of 30 frames, and inside for straight lines.

    Of at most `FILLED` windows, evenly chosen: a fit takes a second.
    """
    windows = windows[:: -(-len(windows) // FILLED)]
    known = torch.ones(FRAMES, dtype=torch.bool)
    known[slice(*GAP)] = False
    true = joint_positions(windows)
    apart = (joint_positions(fill(prior, windows, known)) - true).norm(dim=-1).mean(-1) * 1e3
    line = (joint_positions(straight(windows, known)) - true).norm(dim=-1).mean(-1) * 1e3
    values = {"gap_mm": apart[:, ~known], "outside_mm": apart[:, known], "line_gap_mm": line[:, ~known]}
    return {name: round(float(value.mean()), 3) for name, value in values.items()}


def repair_errors(prior: MotionPrior, windows: Tensor) -> dict[str, float]:
    """Mean error (mm) of joints after encoding and decoding windows whose angles jitter by 3 degrees, and before."""
    generator = torch.Generator().manual_seed(0)
    jittery = windows + torch.deg2rad(torch.tensor(3.0)) * torch.randn(windows.shape, generator=generator)
    repaired = prior.decode(prior.encode(jittery)[0], frame_times())
    true = joint_positions(windows)
    values = {"jitter_mm": jittery, "repaired_mm": repaired}
    return {name: round(float((joint_positions(a) - true).norm(dim=-1).mean() * 1e3), 3) for name, a in values.items()}

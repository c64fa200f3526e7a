"""How fast a motion is by itself: what smoothness terms compare with, so that they remove noise and keep fast motion.

A motion measured frame by frame is true motion plus noise. The noise is about white, so fourth differences
around a frame measure it. The part of the smoothed accelerations that noise does not explain is taken as true motion.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import roma
import torch
from scipy.ndimage import gaussian_filter1d
from scipy.signal import savgol_coeffs, savgol_filter
from torch import Tensor

from ml.fitting.solver import Parameters
from ml.hmp.windows import RATE

_WINDOW: Final = 9
"""Frames at 30 fps of the local polynomials: of fifth order, their second derivative keeps 79% at 5 Hz."""
_ORDER: Final = 5
_SPREAD: Final = 3.0
"""Frames at 30 fps over which the energy of accelerations is averaged."""
NOISE_MARGIN: Final = 8.0
"""Factor on the energy that white noise explains: a detector's noise is not quite white."""


def own_velocities(p: Parameters, fps: float) -> tuple[Tensor, Tensor]:
    """Rotation vectors of the root and changes of the translation from frame to frame, both [N - 1, 3], smoothed."""
    path = np.concatenate([_unrolled(p.root), p.translation.double().numpy()], 1)
    smooth = torch.as_tensor(_smooth(path, fps, 0), dtype=p.angles.dtype)
    steps = smooth[1:] - smooth[:-1]
    return steps[:, :3], steps[:, 3:]


def acceleration_std(p: Parameters, fps: float, least: tuple[float, float, float]) -> Tensor:
    """Standard deviation [N - 2, 51] of a motion's own second differences: angles and root in rad, translation in m.

    Args:
        p: N ≥ 3 consecutive frames, fitted one by one.
        fps: frames a second.
        least: of angles (rad), root (rad) and translation (m), a frame² at 30 fps: taken where the motion is calm.
    """
    path = np.concatenate([p.angles.double().numpy(), _unrolled(p.root), p.translation.double().numpy()], 1)
    rate = (RATE / fps) ** 2
    floor = rate * np.repeat(least, [45, 3, 3])
    window = _window(fps, len(path))
    passed = np.square(savgol_coeffs(window, min(_ORDER, window - 1), 2)).sum()
    energy = gaussian_filter1d(_smooth(path, fps, 2) ** 2, _SPREAD * fps / RATE, axis=0, mode="nearest")
    explained = NOISE_MARGIN * passed * _noise_variance(path, fps)
    std = np.sqrt(np.maximum(energy - explained, floor**2))[1:-1]
    return torch.as_tensor(std, dtype=p.angles.dtype)


def _noise_variance(path: np.ndarray, fps: float) -> np.ndarray:
    """Variance of white noise in paths [N, C] around each frame [N, C]; 0 for fewer than five frames."""
    if len(path) < 5:
        return np.zeros_like(path)
    fourth = np.pad(np.diff(path, 4, axis=0) ** 2, ((2, 2), (0, 0)), mode="edge")
    variance: np.ndarray = gaussian_filter1d(fourth, 2 * _SPREAD * fps / RATE, axis=0, mode="nearest") / 70.0
    return variance


def _smooth(path: np.ndarray, fps: float, derivative: int) -> np.ndarray:
    window = _window(fps, len(path))
    if window < 3:
        return path if derivative == 0 else np.zeros_like(path)
    smooth: np.ndarray = savgol_filter(path, window, min(_ORDER, window - 1), derivative, axis=0, mode="interp")
    return smooth


def _window(fps: float, count: int) -> int:
    """An odd number of frames, at most `count`."""
    wanted = max(5, round(_WINDOW * fps / RATE))
    most = min(wanted, count)
    return most if most % 2 else most - 1


def _unrolled(root: Tensor) -> np.ndarray:
    """Rotations [N, 3, 3] as the sum of their steps [N, 3], rad: differences between neighbours are those of the rotation."""
    steps = roma.rotmat_to_rotvec(root[1:].double() @ root[:-1].double().mT).numpy()
    path: np.ndarray = np.concatenate([np.zeros((1, 3)), np.cumsum(steps, 0)])
    return path

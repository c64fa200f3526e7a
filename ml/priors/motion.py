"""The interface of motion priors, and the shipped ones by name.

A prior describes windows of 128 frames at 30 fps of a hand's joint angles (`ml.priors.motion_window`) by a latent vector z.
`docs/motion-prior.md` says what each was made from and how well it does.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, Protocol, cast, get_args

import torch
from torch import Tensor

from ml.priors.gaussian_windows import GaussianWindows, GaussianWindowSettings
from ml.priors.motion_autoencoder import AutoencoderSettings, MotionAutoencoder
from ml.priors.prior_files import read_prior
from ml.priors.unconstrained import Unconstrained

PriorName = Literal["motion", "gmm", "pca", "none"]
PRIORS: Final[tuple[PriorName, ...]] = get_args(PriorName)
FOLDER: Final = Path(__file__).resolve().parent / "weights"


class MotionPrior(Protocol):
    """A density over windows of hand motion, through a latent vector z of size d = `latent`.

    W windows; T times in [-1, 1), shared by all windows [T] or one row each [W, T]; t = 2 i / 128 − 1 for frame i at 30 fps
    (`ml.priors.motion_window.frame_times` for other rates). Angles are in radians, `ml.fitting.kinematics` order.
    """

    name: str
    latent: int

    def encode(self, angles: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of z, both [W, d], of windows [W, 128, 45]."""
        ...

    def decode(self, z: Tensor, times: Tensor) -> Tensor:
        """Angles [W, T, 45] of latents [W, d]; at most 0.05 rad beyond the joint limits."""
        ...

    def decode_with_jacobian(self, z: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
        """Angles [W, T, 45] and their derivatives [W, T, 45, d] by the window's own z; without gradients."""
        ...

    def log_density(self, z: Tensor) -> Tensor:
        """Log p(z) [W] of latents [W, d]; 0 for a flat density."""
        ...

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Latents [count, d] drawn from the prior."""
        ...

    def interpolate(self, z_a: Tensor, z_b: Tensor, share: float) -> Tensor:
        """Latents [W, d] between two: `z_a` at share 0, `z_b` at share 1."""
        ...


def load_motion_prior(name: str = "motion", device: str | torch.device = "cpu") -> MotionPrior:
    """A shipped prior, ready for use, loaded once per process and device; shared, so not to be changed.

    Args:
        name: `motion` (variational autoencoder), `gmm` (one Gaussian over windows), `pca` (its leading components) or
            `none` (any motion up to 5 Hz, flat density).
        device: where it computes.

    Raises:
        ValueError: no such prior.
        ml.priors.prior_files.PriorFileError: its file is missing, damaged or of another version; the message says which.
    """
    if name not in PRIORS:
        raise ValueError(f"no motion prior {name!r}; there are {', '.join(PRIORS)}")
    return _loaded(name, torch.device(device))


@lru_cache(maxsize=8)
def _loaded(name: PriorName, device: torch.device) -> MotionPrior:
    return cast(MotionPrior, _read(name, FOLDER).requires_grad_(False).eval().to(device))


def _read(name: PriorName, folder: Path) -> torch.nn.Module:
    if name == "none":
        return Unconstrained()
    tensors, settings = read_prior(folder / "gaussian-windows.safetensors", "gaussian-windows")
    whole = GaussianWindows("gmm", GaussianWindowSettings(**settings))
    whole.load_state_dict(tensors)
    if name == "motion":
        tensors, settings = read_prior(folder / "motion-autoencoder.safetensors", "motion-autoencoder")
        trained = MotionAutoencoder(AutoencoderSettings(**settings))
        trained.load_state_dict(tensors)
        trained.build_on(whole)
        return trained
    return whole if name == "gmm" else whole.leading("pca")

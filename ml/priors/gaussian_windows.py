"""`gmm` and `pca`: one full-covariance Gaussian over whole windows of joint angles, and its leading components.

The rivals of the motion prior in the tables of HMP (WACV 2024). The covariance is kept as whitened principal components with
an isotropic rest, as in probabilistic principal component analysis (Tipping & Bishop, J. R. Stat. Soc. B 61, 1999); components
are kept as coefficients of a cosine basis over time, so that they can be evaluated at any time.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from ml.priors.latent_normal import between, standard_log_density
from ml.priors.motion_window import ANGLES, FRAMES, angle_limits, cosines, frame_times, within_limits

PCA_COMPONENTS: Final = 256
"""As in the paper."""


@dataclass(frozen=True)
class GaussianWindowSettings:
    """Sizes.

    Attributes:
        components: principal components kept.
        terms: of the cosine basis over time.
    """

    components: int = 384
    terms: int = 56


class GaussianWindows(nn.Module):
    """`ml.priors.motion.MotionPrior`: a window is mean + Σ z_i component_i + rest, z ~ N(0, I), rest ~ N(0, `rest_std`²)."""

    mean: Tensor
    components: Tensor
    rest_std: Tensor
    limits: Tensor

    def __init__(self, name: str, settings: GaussianWindowSettings) -> None:
        super().__init__()
        self.name, self.settings, self.latent = name, settings, settings.components
        self.register_buffer("mean", torch.zeros(settings.terms, ANGLES))
        self.register_buffer("components", torch.zeros(settings.components, settings.terms, ANGLES))
        self.register_buffer("rest_std", torch.ones(()))
        self.register_buffer("limits", angle_limits(), persistent=False)

    @classmethod
    def of(cls, windows: Tensor, settings: GaussianWindowSettings) -> GaussianWindows:
        """Fitted to windows [W, 128, 45]; with fewer than `components` windows, only as many components are kept."""
        basis = cosines(frame_times().to(windows), settings.terms)
        coefficients = (basis.mT @ windows).flatten(1)
        mean = coefficients.mean(0)
        centred = coefficients - mean
        variances, directions = torch.linalg.eigh((centred.mT @ centred).double() / len(windows))
        count = min(settings.components, len(windows) - 1)
        variances, directions = variances.flip(0)[:count], directions.flip(1)[:, :count]
        made = cls("gmm", GaussianWindowSettings(count, settings.terms))
        total = (windows - basis @ mean.view(-1, ANGLES)).square().sum((1, 2)).mean()
        left_out = (total - variances.sum()).clamp_min(1e-8) / (FRAMES * ANGLES)
        made.mean.copy_(mean.view(-1, ANGLES))
        made.components.copy_((directions * variances.clamp_min(0).sqrt()).mT.reshape(count, settings.terms, ANGLES))
        made.rest_std.copy_(left_out.sqrt())
        return made

    def leading(self, name: str, count: int = PCA_COMPONENTS) -> GaussianWindows:
        """The same with its leading components only."""
        count = min(count, self.latent)
        made = GaussianWindows(name, GaussianWindowSettings(count, self.settings.terms))
        made.mean.copy_(self.mean)
        made.components.copy_(self.components[:count])
        dropped = self.components[count:].square().sum() / (FRAMES * ANGLES)
        made.rest_std.copy_((self.rest_std.square() + dropped).sqrt())
        return made

    def encode(self, angles: Tensor) -> tuple[Tensor, Tensor]:
        """Posterior mean and log variance [W, d] of windows [W, 128, 45]; components are orthogonal, so one by one."""
        basis = cosines(frame_times().to(angles), self.settings.terms)
        components = self.components.flatten(1)
        precision = components.square().sum(1) / self.rest_std.square() + 1.0
        projected = ((basis.mT @ angles) - self.mean).flatten(1) @ components.mT
        mean = projected / (self.rest_std.square() * precision)
        return mean, (-precision.log()).expand_as(mean)

    def decode(self, z: Tensor, times: Tensor) -> Tensor:
        """Angles [W, T, 45]."""
        return within_limits(cosines(times, self.settings.terms) @ self._coefficients(z), self.limits)[0]

    def decode_with_jacobian(self, z: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
        """Angles [W, T, 45] and derivatives [W, T, 45, d]."""
        basis = cosines(times, self.settings.terms)
        angles, slope = within_limits(basis @ self._coefficients(z), self.limits)
        by_term = self.components.permute(1, 2, 0).flatten(1)
        by_z = (basis @ by_term).view(*basis.shape[:-1], ANGLES, self.latent)
        return angles, slope[..., None] * by_z

    def log_density(self, z: Tensor) -> Tensor:
        """Log N(z; 0, I) [W]."""
        return standard_log_density(z)

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Latents [count, d] of N(0, I)."""
        return torch.randn(count, self.latent, generator=generator).to(self.mean)

    def interpolate(self, z_a: Tensor, z_b: Tensor, share: float) -> Tensor:
        """On the arc between two (`ml.priors.latent_normal.between`)."""
        return between(z_a, z_b, share)

    def facts(self) -> dict[str, Any]:
        """Settings, for the file."""
        return asdict(self.settings)

    def _coefficients(self, z: Tensor) -> Tensor:
        return self.mean + (z @ self.components.flatten(1)).view(-1, self.settings.terms, ANGLES)


def explained(prior: GaussianWindows) -> float:
    """Share of the variance of the windows that the components hold."""
    kept = float(prior.components.square().sum())
    return kept / (kept + FRAMES * ANGLES * float(prior.rest_std) ** 2) if math.isfinite(kept) else math.nan

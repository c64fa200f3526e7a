"""`motion`: a variational autoencoder of windows of hand motion, after HMP (WACV 2024) and NeMF (He et al., NeurIPS 2022).

`docs/motion-prior.md` lists where it differs from the published one, and why.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn

from ml.priors.gaussian_windows import GaussianWindows
from ml.priors.latent_normal import between, standard_log_density
from ml.priors.motion_features import CHANNELS, JOINTS, features
from ml.priors.motion_field import MotionField
from ml.priors.motion_window import ANGLES, angle_limits, cosines, frame_times, within_limits
from ml.priors.skeleton_encoder import SkeletonEncoder

WINDOWS_AT_ONCE: Final = 64
"""Windows encoded at once: bounds memory."""


@dataclass(frozen=True)
class AutoencoderSettings:
    """Sizes.

    Attributes:
        latent: length of z.
        width: of the field's layers.
        layers: of the field, without its last.
        terms: of the cosine basis of the linear part.
        channels: a joint, of the encoder's four blocks.
        bottleneck: width of the encoder's layer behind them.
    """

    latent: int = 384
    width: int = 192
    layers: int = 4
    terms: int = 56
    channels: tuple[int, int, int, int] = (12, 20, 28, 32)
    bottleneck: int = 256


class MotionAutoencoder(nn.Module):
    """`ml.priors.motion.MotionPrior`."""

    limits: Tensor
    feature_mean: Tensor
    feature_std: Tensor
    projection: Tensor
    log_variance: Tensor

    def __init__(self, settings: AutoencoderSettings) -> None:
        super().__init__()
        self.name, self.settings, self.latent = "motion", settings, settings.latent
        self.encoder = SkeletonEncoder(settings.channels, settings.latent, settings.bottleneck, 3 * settings.latent)
        self.field = MotionField(settings.latent, settings.width, settings.layers, settings.terms)
        self.register_buffer("feature_mean", torch.zeros(JOINTS, CHANNELS))
        self.register_buffer("feature_std", torch.ones(JOINTS, CHANNELS))
        self.register_buffer("projection", torch.zeros(settings.latent, settings.terms * ANGLES), persistent=False)
        self.register_buffer("log_variance", torch.zeros(settings.latent), persistent=False)
        self.register_buffer("limits", angle_limits(), persistent=False)

    @torch.no_grad()
    def build_on(self, gaussian: GaussianWindows) -> None:
        """Take the leading components of a Gaussian for the linear parts, which are not trained and not in the file."""
        leading = gaussian.leading("start", self.latent)
        self.field.mean.copy_(leading.mean)
        self.field.components.copy_(leading.components)
        components = leading.components.flatten(1)
        precision = components.square().sum(1) / leading.rest_std.square() + 1.0
        self.projection.copy_(components / (leading.rest_std.square() * precision)[:, None])
        self.log_variance.copy_(-precision.log())

    @torch.no_grad()
    def normalise_by(self, windows: Tensor) -> None:
        """Take the statistics of features from windows [W, 128, 45]."""
        seen = torch.cat([features(part).flatten(0, 1) for part in _parts(windows)])
        self.feature_mean.copy_(seen.mean(0))
        self.feature_std.copy_(seen.std(0))

    def encode(self, angles: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance [W, d] of windows [W, 128, 45]."""
        if len(angles) <= WINDOWS_AT_ONCE:
            return self._encode(angles)
        means, log_variances = zip(*(self._encode(part) for part in _parts(angles)), strict=True)
        return torch.cat(means), torch.cat(log_variances)

    def _encode(self, angles: Tensor) -> tuple[Tensor, Tensor]:
        # what does not vary in the mean hand, such as the place of a finger's base, has no deviation to divide by
        normalised = (features(angles) - self.feature_mean) / self.feature_std.clamp_min(1e-4)
        coefficients = cosines(frame_times().to(angles), self.settings.terms).mT @ angles
        guess = (coefficients - self.field.mean).flatten(1) @ self.projection.mT
        gate, correction, wider = self.encoder(normalised, guess).chunk(3, -1)
        return guess * (1 + gate) + correction, (self.log_variance + wider).clamp(-14.0, 2.0)

    def decode(self, z: Tensor, times: Tensor) -> Tensor:
        """Angles [W, T, 45]."""
        return within_limits(self.field(z, times), self.limits)[0]

    @torch.no_grad()
    def decode_with_jacobian(self, z: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
        """Angles [W, T, 45] and derivatives [W, T, 45, d]."""
        angles, by_z = self.field.with_jacobian(z, times)
        angles, slope = within_limits(angles, self.limits)
        return angles, by_z.mul_(slope[..., None])

    def log_density(self, z: Tensor) -> Tensor:
        """Log N(z; 0, I) [W]."""
        return standard_log_density(z)

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Latents [count, d] of N(0, I)."""
        return torch.randn(count, self.latent, generator=generator).to(self.feature_mean)

    def interpolate(self, z_a: Tensor, z_b: Tensor, share: float) -> Tensor:
        """On the arc between two (`ml.priors.latent_normal.between`)."""
        return between(z_a, z_b, share)

    def facts(self) -> dict[str, Any]:
        """Settings, for the file."""
        return asdict(self.settings)


def _parts(windows: Tensor) -> list[Tensor]:
    return [windows[first : first + WINDOWS_AT_ONCE] for first in range(0, len(windows), WINDOWS_AT_ONCE)]

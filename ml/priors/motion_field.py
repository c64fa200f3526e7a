"""The decoder of the motion prior: joint angles as a function of time and z, with derivatives by z in closed form.

f(t; z) = L(t) + MLP([sin, cos](2ᵏ t), z, L(t + δ)), k = 0 … 6, L(t) = mean(t) + Σ z_i component_i(t): the leading components
of a Gaussian over windows, which stay as they are, and a network that corrects them. The MLP is that of NeMF: time and z enter
every layer, each with LayerNorm; beside them the first layer sees L about the time, so that it need not learn what z means
when.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
from torch import Tensor, nn

from ml.priors.motion_window import ANGLES, FRAMES, cosines

OCTAVES: Final = 7
TIME_CODE: Final = 2 * OCTAVES
NEAR: Final = (-10, -3, 0, 3, 10)
"""Frames about the time at which the first layer sees the linear part."""
ROWS_AT_ONCE: Final = 128
"""Frames whose derivatives are computed at once: bounds memory, and fits the cache."""
_EPSILON: Final = 1e-5


def time_code(times: Tensor) -> Tensor:
    """Sine and cosine of 2ᵏ t [*times, 14]."""
    phase = times[..., None] * 2.0 ** torch.arange(OCTAVES, dtype=times.dtype, device=times.device)
    return torch.cat([phase.sin(), phase.cos()], -1)


class FieldLayer(nn.Module):
    """SiLU(LayerNorm(A h + B code + C z + b)).

    SiLU where the paper has ReLU: its derivative is continuous, so velocities are too, and Gauss–Newton has a slope to go by.
    """

    def __init__(self, codes: int, inputs: int, width: int, latent: int) -> None:
        super().__init__()
        bound = (inputs + codes + latent) ** -0.5
        self.of_time = nn.Linear(codes, width)
        self.of_latent = nn.Linear(latent, width, bias=False)
        self.of_hidden = nn.Linear(inputs, width, bias=False) if inputs else None
        for layer in (self.of_time, self.of_latent, self.of_hidden):
            if layer is not None:
                nn.init.uniform_(layer.weight, -bound, bound)
        self.norm = nn.LayerNorm(width, _EPSILON)

    def before_norm(self, hidden: Tensor | None, code: Tensor, z: Tensor) -> Tensor:
        """[W, T, width] of hidden [W, T, inputs], code [T or W, T, codes], z [W, d]: z's share is computed once a window."""
        given: Tensor = self.of_time(code) + self.of_latent(z)[:, None]
        return given if self.of_hidden is None or hidden is None else given + self.of_hidden(hidden)

    def forward(self, hidden: Tensor | None, code: Tensor, z: Tensor) -> Tensor:
        """[W, T, width]."""
        return nn.functional.silu(self.norm(self.before_norm(hidden, code, z)))


class _Trace(NamedTuple):
    """Of one layer, for the way back: [rows, width]."""

    normal: Tensor
    inverse_std: Tensor
    slope: Tensor


class MotionField(nn.Module):
    """Angles [W, T, 45] before limits, from z [W, d] and times [T] or [W, T]."""

    mean: Tensor
    components: Tensor

    def __init__(self, latent: int, width: int, layers: int, terms: int) -> None:
        super().__init__()
        self.latent, self.terms = latent, terms
        first = FieldLayer(TIME_CODE + len(NEAR) * ANGLES, 0, width, latent)
        self.layers = nn.ModuleList([first, *(FieldLayer(TIME_CODE, width, width, latent) for _ in range(layers - 1))])
        self.head = nn.Linear(width, ANGLES)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.register_buffer("mean", torch.zeros(terms, ANGLES), persistent=False)
        self.register_buffer("components", torch.zeros(latent, terms, ANGLES), persistent=False)

    def forward(self, z: Tensor, times: Tensor) -> Tensor:
        """Angles [W, T, 45]; differentiable."""
        code, near = time_code(times), self._linear(z, times)
        hidden = self.layers[0](None, _joined(code, near), z)
        for layer in self.layers[1:]:
            hidden = layer(hidden, code, z)
        corrected: Tensor = self.head(hidden) + near[:, :, len(NEAR) // 2]
        return corrected

    def with_jacobian(self, z: Tensor, times: Tensor) -> tuple[Tensor, Tensor]:
        """Angles [W, T, 45] and derivatives [W, T, 45, d], backwards from the 45 outputs: they are fewer than z's."""
        code, near = time_code(times), self._linear(z, times)
        traces: list[_Trace] = []
        hidden: Tensor | None = None
        for index, layer in enumerate(self.layers):
            hidden, trace = _traced(layer, hidden, code if index else _joined(code, near), z)  # type: ignore[arg-type]
            traces.append(trace)
        angles: Tensor = self.head(hidden) + near[:, :, len(NEAR) // 2]
        components = self.components.permute(1, 2, 0).flatten(1)
        basis = _near_cosines(times, self.terms)
        linear = (basis @ components).view(*basis.shape[:-1], ANGLES, self.latent)
        linear = linear.expand(len(z), *linear.shape[-4:]).flatten(0, 1)  # [rows, near, 45, d]
        by_z = torch.empty(len(linear), ANGLES, self.latent, dtype=z.dtype, device=z.device)
        for first in range(0, len(linear), ROWS_AT_ONCE):
            rows = slice(first, first + ROWS_AT_ONCE)
            direct, by_near = self._backwards([_Trace(*(t.flatten(0, 1)[rows] for t in trace)) for trace in traces])
            by_z[rows] = torch.baddbmm(direct, by_near, linear[rows].flatten(1, 2)) + linear[rows, len(NEAR) // 2]
        return angles, by_z.view(*angles.shape, self.latent)

    def _backwards(self, traces: list[_Trace]) -> tuple[Tensor, Tensor]:
        """Derivatives of the network's outputs by z [rows, 45, d] and by the first layer's L [rows, 45, near · 45]."""
        change = self.head.weight.expand(len(traces[0].slope), -1, -1)  # [rows, 45, width], by the layer's output
        total = change.new_zeros(len(change), ANGLES, self.latent)
        for layer, trace in zip(reversed(self.layers), reversed(traces), strict=True):
            change = change * trace.slope[:, None]
            along = change @ trace.normal[..., None] / change.shape[-1]
            change = (change - change.mean(-1, keepdim=True) - along * trace.normal[:, None]) * trace.inverse_std[:, None]
            total += change @ layer.of_latent.weight  # type: ignore[union-attr, operator]
            if layer.of_hidden is not None:
                change = change @ layer.of_hidden.weight  # type: ignore[union-attr, operator]
        return total, change @ self.layers[0].of_time.weight[:, TIME_CODE:]  # type: ignore[union-attr, index, operator]

    def _linear(self, z: Tensor, times: Tensor) -> Tensor:
        """L [W, T, near, 45]."""
        coefficients = self.mean + (z @ self.components.flatten(1)).view(-1, self.terms, ANGLES)
        basis = _near_cosines(times, self.terms)
        return (basis.flatten(-3, -2) @ coefficients).view(len(z), -1, len(NEAR), ANGLES)


def _near_cosines(times: Tensor, terms: int) -> Tensor:
    """Basis [*times, near, terms] about times; beyond the ends of a window it is mirrored."""
    return cosines(times[..., None] + times.new_tensor(NEAR) * (2.0 / FRAMES), terms)


def _joined(code: Tensor, near: Tensor) -> Tensor:
    """What the first layer sees [W, T, 14 + near · 45]."""
    return torch.cat([code.expand(len(near), -1, -1), near.flatten(2)], -1)


def _traced(layer: FieldLayer, hidden: Tensor | None, code: Tensor, z: Tensor) -> tuple[Tensor, _Trace]:
    """A layer's output, and the slope of SiLU ∘ scale at each unit."""
    before = layer.before_norm(hidden, code, z)
    variance, mean = torch.var_mean(before, -1, correction=0, keepdim=True)
    inverse_std = torch.rsqrt(variance + _EPSILON)
    normal = (before - mean) * inverse_std
    y = normal * layer.norm.weight + layer.norm.bias
    gate = torch.sigmoid(y)
    slope = gate * (1 + y * (1 - gate)) * layer.norm.weight
    return y * gate, _Trace(normal, inverse_std, slope)

"""One shape from K pictures of one subject (Kong et al., ECCV 2022, «hand calibration»).

The poster's problem is  min over β̃ of  Σₖ wₖ ‖ M(β̃, θ̂ₖ) − M(β̂ₖ, θ̂ₖ) ‖_F,  with M the mesh. For a fixed pose the mesh of a
blend-skinned hand is affine in β, so each term is ‖Aₖ (β̃ − β̂ₖ)‖ with Aₖ = ∂M/∂β: a weighted geometric median in the mesh's
own metric, solved by iteratively reweighted least squares (Weiszfeld) to machine precision in a few dozen 10 × 10 solves.

How confidence becomes wₖ is not published: here w = softmax(score / T), T in `Settings.temperature`.
The released code averages the β̂ₖ instead; that is offered as `mean`.

Both keep a fault of the single pictures: a network that sees little of the shape answers near the mean hand, and so does any
average of its answers. With r the share of a direction of β that one picture explains, the sum of K answers over
1 + (K − 1)·r is the best linear estimate (Spearman and Brown's formula of 1910, for tests made of K parts); as `fused` it is
the default, and what is left of the uncertainty follows: (1 − r) / (1 + (K − 1)·r) of the population's variance. Errors in the
pictures of one clip are alike (`ALIKE`), so n of them count as n / (1 + (n − 1)·ALIKE).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from ml.hand.measure import measure_hand
from ml.hand.model import HandModel

WRIST, MIDDLE_TIP = 0, 12
ALIKE = 0.46
"""Correlation of the errors of β̂ in two pictures of one clip: variance of the clips' mean errors over the whole variance,
over all directions, in 16 rendered clips of 3 s of people that no training saw."""

Problem = Literal["fused", "poster", "mean"]
Weights = Literal["confidence", "uniform"]


@dataclass(frozen=True)
class KnownLength:
    """A measured hand length (wrist to middle fingertip, flat hand) and how far it may be off, in metres."""

    metres: float
    sigma: float = 0.001


@dataclass(frozen=True)
class Settings:
    """How to calibrate.

    Attributes:
        problem: `fused` (see the module), `poster` (weighted, mesh space) or `mean` (the released code).
        weights: from `confidence`, or `uniform` for comparison.
        temperature: of the softmax that turns scores into weights; 4 by validation people, where sharper weights lose.
        resamples: bootstrap draws over the pictures, for the uncertainty.
        seed: of those draws.
    """

    problem: Problem = "fused"
    weights: Weights = "confidence"
    temperature: float = 4.0
    resamples: int = 200
    seed: int = 0


@dataclass(frozen=True)
class Calibration:
    """What K pictures say about one hand.

    Attributes:
        betas: [10].
        weights: [K], sum 1.
        length, width: metres, of the rest-pose hand (`ml.hand.measure`).
        length_sigma, width_sigma: metres, standard deviation over draws of the pictures, of what they leave open and of the
            ruler; NaN for K = 1. Without a known length they say nothing of the scale.
        betas_sigma: [10], likewise.
        scale: where absolute size comes from: `assumed` or `measured length`.
        settled: [K, 2], (length, width) in metres from the first 1 … K pictures by falling weight.
    """

    betas: Tensor
    weights: Tensor
    length: float
    width: float
    length_sigma: float
    width_sigma: float
    betas_sigma: Tensor
    scale: str
    settled: Tensor = field(repr=False)


def calibrate(
    model: HandModel,
    betas: Tensor,
    rotations: Tensor,
    scores: Tensor,
    reliability: Tensor,
    *,
    clips: Tensor | None = None,
    known_length: KnownLength | None = None,
    settings: Settings | None = None,
) -> Calibration:
    """Solve for one shape.

    Args:
        model: the hand model that `betas` belong to.
        betas: β̂ₖ [K, 10], from the baseline, one a picture.
        rotations: θ̂ₖ [K, 16, 3, 3].
        scores: [K], of the confidence predictor (ignored with `uniform` weights).
        reliability: r [10], of one picture's β̂ (`ml.identity.networks.Confidence`); for `fused`.
        clips: int [K], the clip that each picture is of; each is one of its own where not given. For `fused`.
        known_length: fixes the absolute size, which one camera cannot see.
        settings: see `Settings`.

    Raises:
        ValueError: no picture at all.
    """
    settings = settings or Settings()
    if not len(betas):
        raise ValueError("no picture with a hand to calibrate from; at least one is needed")
    double = betas.double()
    logits = scores.double() / settings.temperature if settings.weights == "confidence" else torch.zeros(len(betas)).double()
    weights = torch.softmax(logits, 0)
    groups = torch.arange(len(betas)) if clips is None else clips
    metrics = _metrics(model, rotations) if settings.problem == "poster" else torch.eye(10).double().expand(len(betas), 10, 10)

    def solve(rows: Tensor) -> tuple[Tensor, Tensor]:
        """What these pictures say, size aside: β [10], and the variance [10] that is left in it."""
        w = weights[rows] / weights[rows].sum()
        mean = (w[:, None] * double[rows]).sum(0)
        match settings.problem:
            case "mean":
                return mean, torch.ones(10).double()
            case "poster":
                return _weighted_median(double[rows], metrics[rows], w), torch.ones(10).double()
            case "fused":
                count, r = _independent(w, groups[rows]), reliability.double()
                return count * mean / (1 + (count - 1) * r), (1 - r) / (1 + (count - 1) * r)

    def sized(rows: Tensor) -> Tensor:
        free, left = solve(rows)
        return free if known_length is None else _with_length(model, free, left, known_length.metres)

    everything = torch.arange(len(betas))
    solution = sized(everything)
    resampled = _resampled(model, solve, len(betas), known_length, settings)
    by_weight = weights.argsort(descending=True)
    steps = torch.stack([sized(by_weight[: k + 1]) for k in range(len(betas))])
    lengths, widths = _sizes(model, resampled)
    return Calibration(
        betas=solution.float(),
        weights=weights.float(),
        length=float(measure_hand(model, solution.float()).length),
        width=float(measure_hand(model, solution.float()).width),
        length_sigma=float(lengths.std()),
        width_sigma=float(widths.std()),
        betas_sigma=resampled.std(0).float(),
        scale="assumed" if known_length is None else "measured length",
        settled=torch.stack(_sizes(model, steps), dim=1),
    )


def _independent(weights: Tensor, groups: Tensor) -> float:
    """How many independent pictures these are worth: weights [K] of sum 1, and the clip [K] of each.

    Variance of their weighted mean over that of one picture, upside down: Σ_g W_g² / k_g with W_g the weight of a clip and k_g
    what its pictures are worth together.
    """
    variance = 0.0
    for group in torch.unique(groups):
        w = weights[groups == group]
        pictures = float(w.sum().square() / w.square().sum())  # unequal weights are worth fewer
        variance += float(w.sum().square()) * (1 + (pictures - 1) * ALIKE) / pictures
    return 1 / variance


def _resampled(
    model: HandModel,
    solve: Callable[[Tensor], tuple[Tensor, Tensor]],
    count: int,
    known_length: KnownLength | None,
    settings: Settings,
) -> Tensor:
    """Draws of β [n, 10]: of the pictures, of what they leave open, and of the ruler; NaN where there are none.

    The bootstrap shows how far pictures differ, not where they all err together. `fused` knows how much that is; what the
    bootstrap does not show of it is added.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    draws = torch.randint(count, (settings.resamples if count > 1 else 0, count), generator=generator)
    if not len(draws):
        return torch.full((2, 10), float("nan")).double()
    drawn = torch.stack([solve(rows)[0] for rows in draws])
    left = solve(torch.arange(count))[1]
    if settings.problem == "fused":
        open_still = (left - drawn.var(0)).clamp_min(0).sqrt()
        drawn = drawn + open_still * torch.randn(drawn.shape, generator=generator).double()
    if known_length is None:
        return drawn
    read = known_length.metres + known_length.sigma * torch.randn(len(drawn), generator=generator).double()
    return torch.stack([_with_length(model, one, left, float(metres)) for one, metres in zip(drawn, read, strict=True)])


def _sizes(model: HandModel, betas: Tensor) -> tuple[Tensor, Tensor]:
    size = measure_hand(model, betas.float())
    return size.length, size.width


def _metrics(model: HandModel, rotations: Tensor) -> Tensor:
    """AₖᵀAₖ [K, 10, 10] (m²): how much each direction of β moves the mesh in each pose."""
    basis = torch.cat([torch.zeros(1, 10), torch.eye(10)]).to(rotations)
    zero = rotations.new_zeros(11, 3)
    jacobians = []
    for rotation in rotations:  # K ≤ 20 pictures: 11 meshes each
        vertices = model(rotation.expand(11, -1, -1, -1), basis, zero).vertices.double()
        jacobians.append((vertices[1:] - vertices[:1]).flatten(1))
    a = torch.stack(jacobians)
    return a @ a.mT


def _weighted_median(points: Tensor, metrics: Tensor, weights: Tensor) -> Tensor:
    """Argmin of Σ wₖ ‖x − pₖ‖ in the metrics Gₖ, by Weiszfeld."""
    ridge = 1e-12 * torch.eye(points.shape[1], dtype=points.dtype)
    x = (weights[:, None] * points).sum(0)
    for _ in range(100):
        residual = x - points
        distance = torch.einsum("ki,kij,kj->k", residual, metrics, residual).clamp_min(1e-18).sqrt()
        weighted = (weights / distance)[:, None, None] * metrics
        hessian = weighted.sum(0) + ridge
        update: Tensor = torch.linalg.solve(hessian, torch.einsum("kij,kj->i", weighted, points))
        if float((update - x).abs().max()) < 1e-9:
            return update
        x = update
    return x


def _with_length(model: HandModel, betas: Tensor, variance: Tensor, metres: float) -> Tensor:
    """The likeliest β whose rest-pose hand has the measured length, given the solution and the variance [10] left in it.

    What the pictures cannot tell of size is made up for where they tell least and people differ most.
    """
    rest = model.rest_joints(torch.cat([torch.zeros(1, 10), torch.eye(10)])).double()
    span = rest[:, MIDDLE_TIP] - rest[:, WRIST]
    still, by_shape = span[0], span[1:] - span[0]
    x = betas
    for _ in range(50):
        reach = still + x @ by_shape
        slope = by_shape @ reach / reach.norm()
        # the point of the linearised constraint that is nearest to where we began
        way = variance * slope
        x = betas + way * (metres - reach.norm() - slope @ (betas - x)) / (slope @ way)
        if abs(float((still + x @ by_shape).norm()) - metres) < 1e-9:
            break
    return x

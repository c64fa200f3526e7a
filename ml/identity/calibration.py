"""One shape from K pictures of one subject (Kong et al., ECCV 2022, «hand calibration»).

The poster's problem is  min over β̃ of  Σₖ wₖ ‖ M(β̃, θ̂ₖ) − M(β̂ₖ, θ̂ₖ) ‖_F,  with M the mesh. For a fixed pose the mesh of a
blend-skinned hand is affine in β, so each term is ‖Aₖ (β̃ − β̂ₖ)‖ with Aₖ = ∂M/∂β: a weighted geometric median in the mesh's
own metric, solved by iteratively reweighted least squares (Weiszfeld) to machine precision in a few dozen 10 × 10 solves.

How confidence becomes wₖ is not published: here w = softmax(score / T), T in `Settings.temperature`.
The released code averages the β̂ₖ instead; that is offered as `mean`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from ml.hand.measure import hand_length, hand_width
from ml.hand.model import HandModel

Problem = Literal["poster", "mean"]
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
        problem: `poster` (weighted, mesh space) or `mean` (the released code).
        weights: from `confidence`, or `uniform` for comparison.
        temperature: of the softmax that turns scores into weights.
        resamples: bootstrap draws over the pictures, for the uncertainty.
        seed: of those draws.
    """

    problem: Problem = "poster"
    weights: Weights = "confidence"
    temperature: float = 1.0
    resamples: int = 200
    seed: int = 0


@dataclass(frozen=True)
class Calibration:
    """What K pictures say about one hand.

    Attributes:
        betas: [10].
        weights: [K], sum 1.
        length, width: metres, of the rest-pose hand (`ml.hand.measure`).
        length_sigma, width_sigma: metres, bootstrap standard deviation over the pictures; NaN for K = 1.
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
    *,
    known_length: KnownLength | None = None,
    settings: Settings | None = None,
) -> Calibration:
    """Solve for one shape.

    Args:
        model: the hand model that `betas` belong to.
        betas: β̂ₖ [K, 10], from the baseline, one a picture.
        rotations: θ̂ₖ [K, 16, 3, 3].
        scores: [K], of the confidence predictor (ignored with `uniform` weights).
        known_length: fixes the absolute size, which one camera cannot see.
        settings: see `Settings`.

    Raises:
        ValueError: no picture at all.
    """
    settings = settings or Settings()
    if not len(betas):
        raise ValueError("no picture with a hand to calibrate from; at least one is needed")
    double = betas.double()
    weights = torch.softmax(scores.double() / settings.temperature, 0) if settings.weights == "confidence" else scores.new_ones(
        len(betas), dtype=torch.float64
    ) / len(betas)
    metrics = _metrics(model, rotations) if settings.problem == "poster" else torch.eye(10).double().expand(len(betas), 10, 10)

    def solve(rows: Tensor) -> Tensor:
        w = weights[rows] / weights[rows].sum()
        if settings.problem == "mean":
            solution, hessian = (w[:, None] * double[rows]).sum(0), torch.eye(10).double()
        else:
            solution, hessian = _weighted_median(double[rows], metrics[rows], w)
        return solution if known_length is None else _with_length(model, solution, hessian, known_length)

    everything = torch.arange(len(betas))
    solution = solve(everything)
    generator = torch.Generator().manual_seed(settings.seed)
    draws = torch.randint(len(betas), (settings.resamples if len(betas) > 1 else 0, len(betas)), generator=generator)
    resampled = torch.stack([solve(rows) for rows in draws]) if len(draws) else solution.new_full((2, 10), float("nan"))
    by_weight = weights.argsort(descending=True)
    steps = torch.stack([solve(by_weight[: k + 1]) for k in range(len(betas))])
    lengths, widths = _sizes(model, resampled)
    return Calibration(
        betas=solution.float(),
        weights=weights.float(),
        length=float(hand_length(model, solution.float()[None])),
        width=float(hand_width(model, solution.float()[None])),
        length_sigma=float(lengths.std()),
        width_sigma=float(widths.std()),
        betas_sigma=resampled.std(0).float(),
        scale="assumed" if known_length is None else "measured length",
        settled=torch.stack(_sizes(model, steps), dim=1),
    )


def _sizes(model: HandModel, betas: Tensor) -> tuple[Tensor, Tensor]:
    return hand_length(model, betas.float()), hand_width(model, betas.float())


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


def _weighted_median(points: Tensor, metrics: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """argmin of Σ wₖ ‖x − pₖ‖ in the metrics Gₖ, by Weiszfeld; also the last Hessian [10, 10]."""
    ridge = 1e-12 * torch.eye(points.shape[1], dtype=points.dtype)
    x = (weights[:, None] * points).sum(0)
    hessian = metrics.mean(0)
    for _ in range(100):
        residual = x - points
        distance = torch.einsum("ki,kij,kj->k", residual, metrics, residual).clamp_min(1e-18).sqrt()
        weighted = (weights / distance)[:, None, None] * metrics
        hessian = weighted.sum(0) + ridge
        update = torch.linalg.solve(hessian, torch.einsum("kij,kj->i", weighted, points))
        if float((update - x).abs().max()) < 1e-9:
            return update, hessian
        x = update
    return x, hessian


def _with_length(model: HandModel, betas: Tensor, hessian: Tensor, known: KnownLength) -> Tensor:
    """The β nearest to the solution, in its own metric, whose rest-pose hand has the measured length."""
    metric = hessian / hessian.diagonal().mean()
    x = betas
    for _ in range(20):
        at = x.detach().float()[None].requires_grad_()
        length = hand_length(model, at)
        (gradient,) = torch.autograd.grad(length.sum(), at)
        slope = gradient[0].double()
        miss = known.metres - float(length)
        # minimise ‖y − β‖²_metric subject to the linearised length: one step of Gauss–Newton on the constraint
        direction = torch.linalg.solve(metric, slope)
        offset = miss + float(slope @ (x - betas))
        x = betas + direction * offset / (slope @ direction)
        if abs(miss) < 1e-7:
            break
    return x

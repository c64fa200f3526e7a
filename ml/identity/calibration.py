"""One hand shape from K frames of one person (Kong et al., ECCV 2022, section "hand calibration").

The paper's problem is  min over β̃ of  Σₖ wₖ ‖ M(β̃, θ̂ₖ) − M(β̂ₖ, θ̂ₖ) ‖_F,  with M the mesh. For a fixed pose the mesh of a
blend-skinned hand is affine in β, so each term is ‖Aₖ (β̃ − β̂ₖ)‖ with Aₖ = ∂M/∂β: a weighted geometric median in the metric
of the mesh, solved by iteratively reweighted least squares (Weiszfeld) to machine precision in a few dozen 10 × 10 solves.

How confidence becomes wₖ is not published: here w = softmax(score / T), T in `Settings.temperature`.
The solver `poster` is that problem; `mean` averages the β̂ₖ, as the released code does.

Both inherit a bias of single frames: a network that sees little of the shape answers close to the mean hand, and so does any
average of its answers. How much the mean of K answers reveals of each direction of β follows from the covariances of the
answers with the truth and with one another, within a clip and across clips of one person (`ml.identity.networks.Confidence`).
`shrinkage` is the best linear estimate given those covariances, with the variance that remains. For frames with independent
errors it is the Spearman-Brown formula (1910) for tests of K parts.

`joint-bundle` takes the result of `shrinkage` as a prior and adds what the 2D joints of all frames say together
(`ml.identity.joint_bundle`). That helps only as far as the joints' errors are independent: MediaPipe's are the same in all
frames and for everyone, so more frames do not reveal a person's shape, while the image backbone's joints err from frame to
frame. Hence the defaults (`SOLVERS`): `shrinkage` on landmarks, `joint-bundle` on images.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, cast, get_args

import torch
from torch import Tensor

from ml.hand.measure import measure_hand
from ml.hand.model import HandModel
from ml.identity.inference import Estimate
from ml.identity.joint_bundle import joint_information
from ml.identity.weights import Kind

WRIST = 0
MIN_VARIANCE: Final = 0.02
"""Lower bound of the remaining variance, as a share of the population's: the covariances are measured, hence uncertain."""

Solver = Literal["joint-bundle", "shrinkage", "poster", "mean"]
Weights = Literal["confidence", "uniform"]
SOLVERS: Final[dict[Kind, Solver]] = {"landmarks": "shrinkage", "image": "joint-bundle"}
"""The default on each backbone, chosen by the results in `docs/results/kong2022.md`."""


class ErrorCorrelation(NamedTuple):
    """Correlation of the shape error that the 2D joints of two frames suggest: two frames of one `clip`, of one `person`."""

    clip: float
    person: float


ERROR_CORRELATION: Final[dict[Kind, ErrorCorrelation]] = {
    "landmarks": ErrorCorrelation(0.30, 0.24),
    "image": ErrorCorrelation(0.24, 0.16),
}
"""Set from measurements on 120 validation people with two clips each; measured again with the shipped weights,
`python -m ml.training.error_correlation` gives .28 and .19 on landmarks, .24 and .16 on images."""


@dataclass(frozen=True)
class KnownLength:
    """A measured hand length (wrist to middle fingertip, flat hand) and its standard deviation, in metres."""

    metres: float
    sigma: float = 0.001


@dataclass(frozen=True)
class Settings:
    """How to calibrate.

    Attributes:
        solver: see the module's docstring; None for the backbone's default in `SOLVERS`.
        weights: from `confidence`, or `uniform` for comparison.
        temperature: of the softmax that turns scores into weights; 1 was best on validation people among 0.5 to 8.
        resamples: bootstrap draws over the frames, for the uncertainty.
        seed: of those draws.
    """

    solver: Solver | None = None
    weights: Weights = "confidence"
    temperature: float = 1.0
    resamples: int = 200
    seed: int = 0


@dataclass(frozen=True)
class CalibrationResult:
    """The shape of one hand from K frames, with its uncertainty.

    Attributes:
        betas: [10].
        covariance: [10, 10], of β, that the frames leave, before a known length.
        weights: [K], sum 1.
        length, width: metres, of the rest-pose hand (`ml.hand.measure`).
        length_sigma, width_sigma: metres, standard deviation over bootstrap draws of the frames, the remaining variance of β
            and the error of the known length; NaN for K = 1. Without a known length they do not include the unknown scale.
        betas_sigma: [10], likewise.
        scale: source of the absolute size: `assumed` or `measured length`.
        convergence: [K, 2], (length, width) in metres from the first 1 … K frames by falling weight.
    """

    betas: Tensor
    covariance: Tensor = field(repr=False)
    weights: Tensor
    length: float
    width: float
    length_sigma: float
    width_sigma: float
    betas_sigma: Tensor
    scale: str
    convergence: Tensor = field(repr=False)


def solver_named(name: str) -> Solver:
    """The solver of this name.

    Raises:
        ValueError: there is none.
    """
    if name not in get_args(Solver):
        raise ValueError(f"no solver {name!r}; there are {', '.join(get_args(Solver))}")
    return cast(Solver, name)


def calibrate(
    model: HandModel,
    frames: Estimate,
    moments: Tensor,
    *,
    clips: Tensor | None = None,
    known_length: KnownLength | None = None,
    settings: Settings | None = None,
) -> CalibrationResult:
    """Solve for one shape.

    Args:
        model: the right hand to which the estimated shapes belong.
        frames: estimates of K frames.
        moments: [4, 10], of the baseline's answers (`ml.identity.networks.Confidence`); for `shrinkage` and `joint-bundle`.
        clips: int [K], number of the clip of each frame; by default each frame is from a different clip.
        known_length: fixes the absolute size, which one camera cannot see.
        settings: see `Settings`.

    Raises:
        ValueError: K = 0.
    """
    settings = settings or Settings()
    solver = settings.solver or SOLVERS[frames.backbone]
    count = len(frames)
    if not count:
        raise ValueError("no frame with a hand to calibrate from; at least one is needed")
    confident = settings.weights == "confidence"
    weights = torch.softmax(frames.scores.double() / settings.temperature if confident else torch.zeros(count).double(), 0)
    groups = torch.arange(count) if clips is None else clips
    solve = _solver(model, frames, moments.double(), solver=solver, weights=weights, groups=groups)

    def sized(rows: Tensor) -> Tensor:
        free, covariance = solve(rows)
        return free if known_length is None else with_length(model, free, covariance, known_length.metres)

    solution = sized(torch.arange(count)).float()
    resampled = _resampled(model, solve, count, known_length, settings, adds_rest=solver in ("shrinkage", "joint-bundle"))
    by_weight = weights.argsort(descending=True)
    steps = torch.stack([sized(by_weight[: k + 1]) for k in range(count)])
    lengths, widths = _sizes(model, resampled)
    size = measure_hand(model, solution)
    return CalibrationResult(
        betas=solution,
        covariance=solve(torch.arange(count))[1].float(),
        weights=weights.float(),
        length=float(size.length),
        width=float(size.width),
        length_sigma=float(lengths.std()),
        width_sigma=float(widths.std()),
        betas_sigma=resampled.std(0).float(),
        scale="assumed" if known_length is None else "measured length",
        convergence=torch.stack(_sizes(model, steps), dim=1),
    )


def expected_errors(betas: Tensor, found: CalibrationResult) -> Tensor:
    """How far shapes [n, 10], each of one frame, are from the person's: E[mean |β̂ − β|] under the calibration's Gaussian of β.

    A frame's own score tells little of it; that it contradicts what all frames together say tells more
    (`docs/results/kong2022.md`).

    Returns:
        [n], in standard deviations of the population.
    """
    std = found.covariance.diagonal().sqrt()
    apart = (betas - found.betas).abs()
    folded = std * math.sqrt(2 / math.pi) * (-0.5 * (apart / std).square()).exp() + apart * torch.erf(
        apart / std / math.sqrt(2)
    )
    return folded.mean(-1)


Solve = Callable[[Tensor], tuple[Tensor, Tensor]]
"""Rows of the frames to β [10] regardless of size, and the remaining covariance [10, 10]."""


def _solver(model: HandModel, frames: Estimate, moments: Tensor, *, solver: Solver, weights: Tensor, groups: Tensor) -> Solve:
    betas, eye = frames.betas.double(), torch.eye(10).double()
    metrics = _metrics(model, frames.baseline) if solver == "poster" else None

    def normalised(rows: Tensor) -> Tensor:
        return weights[rows] / weights[rows].sum()

    def mean(rows: Tensor) -> tuple[Tensor, Tensor]:
        return (normalised(rows)[:, None] * betas[rows]).sum(0), eye

    def poster(rows: Tensor) -> tuple[Tensor, Tensor]:
        assert metrics is not None
        return _weighted_median(betas[rows], metrics[rows], normalised(rows)), eye

    def shrinkage(rows: Tensor) -> tuple[Tensor, Tensor]:
        solution, variance = _best_linear(betas[rows], normalised(rows), groups[rows], moments)
        return solution, torch.diag(variance)

    if solver == "joint-bundle":
        return _bundle(model, frames, shrinkage, normalised, groups)
    return {"mean": mean, "poster": poster, "shrinkage": shrinkage}[solver]


def _best_linear(betas: Tensor, weights: Tensor, groups: Tensor, moments: Tensor) -> tuple[Tensor, Tensor]:
    """The best linear estimate [10] from the weighted mean of the β̂ₖ, and the remaining variance [10]."""
    with_truth, own, in_clip, in_person = moments
    alone, together = _pair_shares(weights, groups)
    square = alone * own + together * in_clip + (1 - alone - together) * in_person
    gain = with_truth / square.clamp_min(1e-6)
    return gain * (weights[:, None] * betas).sum(0), (1 - gain * with_truth).clamp(MIN_VARIANCE, 1.0)


def _bundle(model: HandModel, frames: Estimate, prior: Solve, normalised: Callable[[Tensor], Tensor], groups: Tensor) -> Solve:
    seen = joint_information(model, frames, prior(torch.arange(len(frames)))[0])

    def solve(rows: Tensor) -> tuple[Tensor, Tensor]:
        before, variance = prior(rows)
        weights = normalised(rows)
        # the weights sum to one: together the frames count as many times as they are independent
        share = _effective_frames(weights, groups[rows], ERROR_CORRELATION[frames.backbone]) * weights
        precision = torch.diag(1 / variance.diagonal())
        covariance = torch.linalg.inv(precision + (share[:, None, None] * seen.hessian[rows]).sum(0))
        gradient = (share[:, None] * seen.gradient[rows]).sum(0) + precision @ (seen.betas - before)
        return seen.betas - covariance @ gradient, covariance

    return solve


def _pair_shares(weights: Tensor, groups: Tensor) -> tuple[float, float]:
    """Among all products wᵢ wⱼ of weights [K] of sum 1: the share with i = j, and with i ≠ j in one group."""
    products = weights[:, None] * weights
    alone = float(products.diagonal().sum())
    return alone, float(products[groups[:, None] == groups].sum()) - alone


def _effective_frames(weights: Tensor, groups: Tensor, correlation: ErrorCorrelation) -> float:
    """The effective number of independent frames: one over the variance of the weighted mean of correlated unit errors."""
    alone, together = _pair_shares(weights, groups)
    return 1 / (alone + correlation.clip * together + correlation.person * (1 - alone - together))


def _resampled(
    model: HandModel,
    solve: Solve,
    count: int,
    known_length: KnownLength | None,
    settings: Settings,
    *,
    adds_rest: bool,
) -> Tensor:
    """Draws of β [n, 10] over bootstrap samples of the frames, the remaining variance and the known length's error.

    NaN for a single frame. The bootstrap shows how far frames differ, not their common error. `shrinkage` and `joint-bundle`
    know the total remaining variance; what the bootstrap does not show of it is added.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    draws = torch.randint(count, (settings.resamples if count > 1 else 0, count), generator=generator)
    if not len(draws):
        return torch.full((2, 10), float("nan")).double()
    drawn = torch.stack([solve(rows)[0] for rows in draws])
    covariance = solve(torch.arange(count))[1]
    if adds_rest:
        rest = (covariance.diagonal() - drawn.var(0)).clamp_min(0).sqrt()
        drawn = drawn + rest * torch.randn(drawn.shape, generator=generator).double()
    if known_length is None:
        return drawn
    read = known_length.metres + known_length.sigma * torch.randn(len(drawn), generator=generator).double()
    return torch.stack([with_length(model, one, covariance, float(metres)) for one, metres in zip(drawn, read, strict=True)])


def _sizes(model: HandModel, betas: Tensor) -> tuple[Tensor, Tensor]:
    size = measure_hand(model, betas.float())
    return size.length, size.width


def _metrics(model: HandModel, rotations: Tensor) -> Tensor:
    """AₖᵀAₖ [K, 10, 10] (m²): how far each direction of β moves the mesh in each pose."""
    basis = torch.cat([torch.zeros(1, 10), torch.eye(10)]).to(rotations)
    zero = rotations.new_zeros(11, 3)
    jacobians = []
    for rotation in rotations:  # K ≤ 20 frames: 11 meshes each
        vertices = model(rotation.expand(11, -1, -1, -1), basis, zero).vertices.double()
        jacobians.append((vertices[1:] - vertices[:1]).flatten(1))
    a = torch.stack(jacobians)
    return a @ a.mT


def _weighted_median(points: Tensor, metrics: Tensor, weights: Tensor) -> Tensor:
    """Argmin of Σ wₖ ‖x − pₖ‖ in the metrics Gₖ, by Weiszfeld's algorithm."""
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


def with_length(model: HandModel, betas: Tensor, covariance: Tensor, metres: float) -> Tensor:
    """The most likely β [10] whose rest-pose hand has the measured length, given N(betas, covariance).

    Gauss-Newton on the constraint; the correction goes along covariance · gradient, so β changes most where it is least
    certain.
    """
    shapes = torch.cat([torch.zeros(1, 10), torch.eye(10)])
    span = (model.rest_end(shapes) - model.rest_joints(shapes)[:, WRIST]).double()
    still, by_shape = span[0], span[1:] - span[0]
    x = betas
    for _ in range(50):
        reach = still + x @ by_shape
        slope = by_shape @ reach / reach.norm()
        # the point of the linearised constraint that is nearest to the start
        step = covariance @ slope
        x = betas + step * (metres - reach.norm() - slope @ (betas - x)) / (slope @ step)
        if abs(float((still + x @ by_shape).norm()) - metres) < 1e-9:
            break
    return x

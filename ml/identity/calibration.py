"""One shape from K pictures of one subject (Kong et al., ECCV 2022, «hand calibration»).

The poster's problem is  min over β̃ of  Σₖ wₖ ‖ M(β̃, θ̂ₖ) − M(β̂ₖ, θ̂ₖ) ‖_F,  with M the mesh. For a fixed pose the mesh of a
blend-skinned hand is affine in β, so each term is ‖Aₖ (β̃ − β̂ₖ)‖ with Aₖ = ∂M/∂β: a weighted geometric median in the mesh's
own metric, solved by iteratively reweighted least squares (Weiszfeld) to machine precision in a few dozen 10 × 10 solves.

How confidence becomes wₖ is not published: here w = softmax(score / T), T in `Settings.temperature`.
The released code averages the β̂ₖ instead; that is offered as `mean`.

Both keep a fault of the single pictures: a network that sees little of the shape answers near the mean hand, and so does any
average of its answers. How much of a direction of β the mean of K answers tells follows from how answers go along with the
truth and with one another in pictures of one clip, and of one person (`ml.identity.networks.Confidence`); the best linear
estimate by those is `fused`, and what it leaves open follows, too. For pictures that err independently it is Spearman and
Brown's formula of 1910, for tests made of K parts.

`fitted` takes that as what is known beforehand, and adds what the 2D joints of all pictures say together
(`ml.identity.bundle`), each with its weight. That is worth as much as the joints are: MediaPipe's are off alike in all pictures
and for everyone, so that no number of them shows a person's shape, while those that the image backbone finds in pixels err from
picture to picture. Hence the default (`PROBLEMS`) is `fused` on landmarks and `fitted` on pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

import torch
from torch import Tensor

from ml.hand.measure import measure_hand
from ml.hand.model import HandModel
from ml.identity.bundle import joint_information
from ml.identity.estimate import Estimate
from ml.identity.weights import Kind

WRIST, MIDDLE_TIP = 0, 12
OPEN = 0.02
"""Of the population's variance, at least so much is left open by the networks' answers: the moments are measured, too."""

Problem = Literal["fitted", "fused", "poster", "mean"]
Weights = Literal["confidence", "uniform"]
PROBLEMS: Final[dict[Kind, Problem]] = {"landmarks": "fused", "image": "fitted"}
"""What is solved on a backbone where `Settings` names no problem, by the figures of `docs/results/kong2022.md`."""


class Alike(NamedTuple):
    """Correlation of what the 2D joints of two pictures get wrong of β: pictures of one `clip`, and of one `person`."""

    clip: float
    person: float


ALIKE: Final[dict[Kind, Alike]] = {"landmarks": Alike(0.30, 0.24), "image": Alike(0.19, 0.15)}
"""Mean over all directions of the products of two pictures' gradients at the true β, over that of a picture's with itself: 120
validation people, two clips each. On landmarks it is .22 for pictures of two people, too: there it is MediaPipe that errs."""


@dataclass(frozen=True)
class KnownLength:
    """A measured hand length (wrist to middle fingertip, flat hand) and how far it may be off, in metres."""

    metres: float
    sigma: float = 0.001


@dataclass(frozen=True)
class Settings:
    """How to calibrate.

    Attributes:
        problem: `fitted` or `fused` (see the module), `poster` (weighted, mesh space) or `mean` (the released code); where none
            is named, that of `PROBLEMS` for the backbone.
        weights: from `confidence`, or `uniform` for comparison.
        temperature: of the softmax that turns scores into weights; 1 by validation people, of 0.5 to 8.
        resamples: bootstrap draws over the pictures, for the uncertainty.
        seed: of those draws.
    """

    problem: Problem | None = None
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
    pictures: Estimate,
    moments: Tensor,
    *,
    clips: Tensor | None = None,
    known_length: KnownLength | None = None,
    settings: Settings | None = None,
) -> Calibration:
    """Solve for one shape.

    Args:
        model: the right hand that the estimated shapes belong to.
        pictures: K of them: β̂ₖ and θ̂ₖ by the baseline, their scores (ignored with `uniform` weights), where joints were seen.
        moments: [4, 10], of the baseline's answers (`ml.identity.networks.Confidence`); for `fused` and `fitted`.
        clips: int [K], the clip that each picture is of; each is one of its own where not given. For `fused` and `fitted`.
        known_length: fixes the absolute size, which one camera cannot see.
        settings: see `Settings`.

    Raises:
        ValueError: no picture at all.
    """
    settings = settings or Settings()
    problem = settings.problem or PROBLEMS[pictures.backbone]
    count = len(pictures)
    if not count:
        raise ValueError("no picture with a hand to calibrate from; at least one is needed")
    betas = pictures.betas.double()
    confident = settings.weights == "confidence"
    weights = torch.softmax(pictures.scores.double() / settings.temperature if confident else torch.zeros(count).double(), 0)
    groups = torch.arange(count) if clips is None else clips
    metrics = _metrics(model, pictures.baseline) if problem == "poster" else None
    with_truth, own, in_clip, in_person = moments.double()
    eye = torch.eye(10).double()

    def fused(w: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The best linear estimate [10] from the mean of the β̂ₖ, and the variance [10] that is left."""
        alone, together = _shared(w, groups[rows])
        square = alone * own + together * in_clip + (1 - alone - together) * in_person
        gain = with_truth / square.clamp_min(1e-6)
        return gain * (w[:, None] * betas[rows]).sum(0), (1 - gain * with_truth).clamp(OPEN, 1.0)

    seen = None
    if problem == "fitted":
        seen = joint_information(model, pictures, fused(weights, torch.arange(count))[0])

    def solve(rows: Tensor) -> tuple[Tensor, Tensor]:
        """What these pictures say, size aside: β [10], and the covariance [10, 10] that is left in it."""
        w = weights[rows] / weights[rows].sum()
        if problem == "mean":
            return (w[:, None] * betas[rows]).sum(0), eye
        if metrics is not None:
            return _weighted_median(betas[rows], metrics[rows], w), eye
        before, variance = fused(w, rows)
        if seen is None:
            return before, torch.diag(variance)
        # w sums to one: together the pictures count as many times as they are independent
        share = _independent(w, groups[rows], ALIKE[pictures.backbone]) * w
        precision = torch.diag(1 / variance)
        covariance = torch.linalg.inv(precision + (share[:, None, None] * seen.hessian[rows]).sum(0))
        gradient = (share[:, None] * seen.gradient[rows]).sum(0) + precision @ (seen.betas - before)
        return seen.betas - covariance @ gradient, covariance

    def sized(rows: Tensor) -> Tensor:
        free, left = solve(rows)
        return free if known_length is None else with_length(model, free, left, known_length.metres)

    solution = sized(torch.arange(count))
    resampled = _resampled(model, solve, count, known_length, settings, adds_open=problem in ("fused", "fitted"))
    by_weight = weights.argsort(descending=True)
    steps = torch.stack([sized(by_weight[: k + 1]) for k in range(count)])
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


def _shared(weights: Tensor, groups: Tensor) -> tuple[float, float]:
    """Of all products of two weights [K] of sum 1: the share of a picture's with itself, and of two pictures' of one clip."""
    products = weights[:, None] * weights
    alone = float(products.diagonal().sum())
    return alone, float(products[groups[:, None] == groups].sum()) - alone


def _independent(weights: Tensor, groups: Tensor, alike: Alike) -> float:
    """How many independent pictures these are worth, whose errors are so much alike: one over their mean's variance."""
    alone, together = _shared(weights, groups)
    return 1 / (alone + alike.clip * together + alike.person * (1 - alone - together))


def _resampled(
    model: HandModel,
    solve: Callable[[Tensor], tuple[Tensor, Tensor]],
    count: int,
    known_length: KnownLength | None,
    settings: Settings,
    *,
    adds_open: bool,
) -> Tensor:
    """Draws of β [n, 10]: of the pictures, of what they leave open, and of the ruler; NaN where there are none.

    The bootstrap shows how far pictures differ, not where they all err together. `fused` and `fitted` know how much that is;
    what the bootstrap does not show of it is added.
    """
    generator = torch.Generator().manual_seed(settings.seed)
    draws = torch.randint(count, (settings.resamples if count > 1 else 0, count), generator=generator)
    if not len(draws):
        return torch.full((2, 10), float("nan")).double()
    drawn = torch.stack([solve(rows)[0] for rows in draws])
    left = solve(torch.arange(count))[1]
    if adds_open:
        open_still = (left.diagonal() - drawn.var(0)).clamp_min(0).sqrt()
        drawn = drawn + open_still * torch.randn(drawn.shape, generator=generator).double()
    if known_length is None:
        return drawn
    read = known_length.metres + known_length.sigma * torch.randn(len(drawn), generator=generator).double()
    return torch.stack([with_length(model, one, left, float(metres)) for one, metres in zip(drawn, read, strict=True)])


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


def with_length(model: HandModel, betas: Tensor, covariance: Tensor, metres: float) -> Tensor:
    """The likeliest β whose rest-pose hand has the measured length, given the solution and the covariance [10, 10] left in it.

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
        way = covariance @ slope
        x = betas + way * (metres - reach.norm() - slope @ (betas - x)) / (slope @ way)
        if abs(float((still + x @ by_shape).norm()) - metres) < 1e-9:
            break
    return x

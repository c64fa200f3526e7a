"""How well a private truth can be reconstructed from a year's submissions: `python -m tests.reconstruction` prints it.

The attacker has as many accounts as the yearly quota of the benchmark needs, knows the pose of one hand, and looks for where
it is. All submissions differ in this hand alone. It is placed far away along each axis in turn and both ways, so that its error
is linear in its position; least squares over all values of the boards that the hand is on then gives the position, and what the
other hands (and so complements of boards) add to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

import numpy as np

FAR_MM = 10_000.0
HANDS = 4000


@dataclass(frozen=True)
class Attack:
    """What came of it.

    Attributes:
        errors_mm: of each hand that a year was spent on, distance of its position, mm.
        exact_mm: the same, if values were not rounded.
        step_mm: to which the board of all hands rounds.
        answers: submissions for each hand.
    """

    errors_mm: np.ndarray
    exact_mm: np.ndarray
    step_mm: float
    answers: int


def reconstruct(targets: int = 30, seed: int = 0) -> Attack:
    """Attack `targets` hands, a year each, at the default limits of a benchmark with three boards.

    The seed also stands for the installation's secret, from which the rounding comes, so that every run finds the same.
    """
    from django.test import override_settings  # noqa: PLC0415

    with override_settings(SECRET_KEY=f"reconstruction {seed}"):
        return _attack(targets, seed)


def _attack(targets: int, seed: int) -> Attack:
    from palmares.benchmarks.models import Benchmark, Board, Truth  # noqa: PLC0415 - Django must be set up
    from palmares.benchmarks.private_truth import Rounding  # noqa: PLC0415

    generator = np.random.default_rng(seed)
    benchmark = Benchmark(protocol="dexycb", slug="b")
    truth = Truth(rows=HANDS, subsets={"half": [[0, HANDS // 2 - 1]], "other": [[HANDS // 2, HANDS - 1]]})
    boards = [Board(pk=n, slug=tag or "all", tag=tag) for n, tag in enumerate(("", "half", "other"), start=1)]
    roundings = [Rounding(benchmark, board, truth, len(boards)) for board in boards]
    hands = (HANDS, HANDS // 2, HANDS // 2)
    answers = benchmark.yearly_limit
    errors = {True: [], False: []}  # type: ignore[var-annotated]
    for _ in range(targets):
        pose = generator.normal(0, 40, (21, 3))
        position = generator.normal(0, 100, 3) + np.array([0, 0, 600])
        base = generator.uniform(5, 15, len(boards))  # mean error of the other hands on each board
        directions = np.concatenate([np.eye(3), -np.eye(3)])[np.arange(answers) % 6]
        for is_rounded in (True, False):
            rows, values = [], []
            for direction in directions:
                submission = UUID(bytes=generator.bytes(16))
                joints = pose + direction * FAR_MM
                error = float(np.linalg.norm(joints - pose - position, axis=1).mean())
                for index in (0, 1):  # the hand is on the board of all hands and on that of one half
                    value = base[index] + error / hands[index]
                    if is_rounded:
                        value = roundings[index].rounded(submission=submission, metric="mpjpe", value=value, coverage=1.0)
                    offsets = np.eye(2)[index]
                    rows.append(np.concatenate([-direction / hands[index], offsets]) * hands[index])
                    values.append((value - FAR_MM / hands[index]) * hands[index])
            found, *_ = np.linalg.lstsq(np.array(rows), np.array(values), rcond=None)
            errors[is_rounded].append(np.linalg.norm(found[:3] - position))
    step = roundings[0].step("mpjpe", 1.0)
    assert step is not None
    return Attack(np.array(errors[True]), np.array(errors[False]), step, answers)


def main() -> None:
    """Print the bound that `docs/scoring.md` states."""
    import django  # noqa: PLC0415

    django.setup()
    found = reconstruct(targets=300)
    print(
        f"{found.answers} submissions for each of {len(found.errors_mm)} hands of {HANDS}, rounded to {found.step_mm} mm: "
        f"position wrong by {np.median(found.errors_mm):.1f} mm in the median, {np.quantile(found.errors_mm, 0.05):.1f} mm for "
        f"the best twentieth, by less than 5 mm for {(found.errors_mm < 5).mean():.1%} "  # luck that the attacker cannot tell
        f"(without rounding {np.median(found.exact_mm):.2f} mm)"
    )


if __name__ == "__main__":
    main()

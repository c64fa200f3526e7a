"""Synthetic people: a hand shape and a seed of their skin. The three splits never share one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

Split = Literal["train", "validation", "test"]

SPLITS: Final[tuple[Split, ...]] = ("train", "validation", "test")

_STREAM: Final = 0x5B


@dataclass(frozen=True)
class SyntheticSubject:
    """One synthetic person.

    Attributes:
        name: `test-03`: split and number.
        betas: float32 [10]; both hands have the same shape.
        seed: of their skin (`ml.synthetic.skin`).
    """

    name: str
    betas: np.ndarray
    seed: int


def make_subject(seed: int, split: Split, number: int) -> SyntheticSubject:
    """Subject `number` of a split; independent of every other by its own random stream, so splits are disjoint.

    β ~ N(0, I), cut at 2.5.
    """
    rng = np.random.default_rng([seed, _STREAM, SPLITS.index(split), number])
    betas = np.clip(rng.standard_normal(10), -2.5, 2.5).astype(np.float32)
    return SyntheticSubject(f"{split}-{number:02d}", betas, int(rng.integers(1 << 31)))

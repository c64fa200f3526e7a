"""Synthetic people: a hand shape and a skin each. The three splits never share one."""

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
        skin: float32 [3], linear RGB of the back of the hand.
        seed: of what else is this person's own (marks on the skin).
    """

    name: str
    betas: np.ndarray
    skin: np.ndarray
    seed: int


def make_subject(seed: int, split: Split, number: int) -> SyntheticSubject:
    """Subject `number` of a split; independent of every other by its own random stream, so splits are disjoint.

    β ~ N(0, I), cut at 2.5. Skin runs between a light and a dark tone (linear RGB), redder or yellower by chance.
    """
    rng = np.random.default_rng([seed, _STREAM, SPLITS.index(split), number])
    betas = np.clip(rng.standard_normal(10), -2.5, 2.5).astype(np.float32)
    tone = rng.uniform()
    skin = (1 - tone) * np.array([0.72, 0.42, 0.30]) + tone * np.array([0.14, 0.065, 0.04])
    skin = skin * (1 + rng.normal(0, 0.05, 3))
    return SyntheticSubject(f"{split}-{number:02d}", betas, skin.astype(np.float32), int(rng.integers(1 << 31)))

"""What is told of a ground truth that is private: nothing from which single hands could be reconstructed."""

from __future__ import annotations

from typing import Any, Final

from palmares.benchmarks.models import Benchmark
from palmares.teams.models import User
from palmares.teams.services import role_in

_TOLD: Final = (
    "official_units", "protocol", "truth", "prediction", "scorer", "coverage", "missing_policy", "counts", "fps",
)  # fmt: skip
"""Parts of a score's content that say nothing of distances to the truth."""


def shows_details(benchmark: Benchmark, user: User) -> bool:
    """Whether a person sees values by joint, sequence and frame, distributions, and tests of differences.

    The owning team does; others where its owners allow errors per frame (`shows_frames`).
    """
    return benchmark.shows_frames or role_in(user=user, team=benchmark.team) is not None


def told_content(content: dict[str, Any]) -> dict[str, Any]:
    """What others are told of a score's content. Counts of mirrored hands are not: each is a bit about single hands."""
    return {name: content[name] for name in _TOLD if name in content}

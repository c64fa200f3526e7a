"""What a person knows about the camera, in pixels of the file they send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from palmares.api.problems import InvalidError

MAX_PIXELS = 1e6


@dataclass(frozen=True)
class GivenCamera:
    """Either a focal length (px; the principal point is then the picture's centre) or a 3×3 matrix, row by row (px).

    Raises:
        InvalidError: numbers that no camera has.
    """

    focal_px: float | None = None
    intrinsics: Sequence[float] | None = None

    def __post_init__(self) -> None:
        if self.focal_px is not None and not 0 < self.focal_px < MAX_PIXELS:
            raise InvalidError(f"focal_px is {self.focal_px}, expected pixels above 0.", field="focal_px")
        if self.intrinsics is not None:
            self._check_matrix(self.intrinsics)

    def _check_matrix(self, matrix: Sequence[float]) -> None:
        sane = len(matrix) == 9 and all(isfinite(x) and abs(x) < MAX_PIXELS for x in matrix)
        if not sane or matrix[0] <= 0 or matrix[4] <= 0 or list(matrix[6:]) != [0, 0, 1] or matrix[3] != 0:
            raise InvalidError(
                "intrinsics are nine numbers, row by row: [fx, s, cx, 0, fy, cy, 0, 0, 1], in pixels of the file.",
                field="intrinsics",
            )

    def as_facts(self) -> dict[str, Any]:
        """For `Upload.facts`, under `camera`; empty when nothing is known. Ingestion scales it to the web copy."""
        if self.intrinsics is not None:
            return {"camera": {"intrinsics": [float(x) for x in self.intrinsics]}}
        return {"camera": {"focal_px": float(self.focal_px)}} if self.focal_px is not None else {}

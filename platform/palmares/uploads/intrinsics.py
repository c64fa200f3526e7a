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
    """Either a focal length (px; the principal point is then the image's centre) or a 3×3 matrix, row by row (px).

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

    def matrix(self, *, source: tuple[float, float], shown: tuple[float, float]) -> list[float] | None:
        """The camera matrix for the pixels of the web copy, row by row [9]; None where nothing is known.

        Args:
            source: width and height of the file, px.
            shown: width and height of the web copy, px.
        """
        if self.intrinsics is not None:
            given = [float(x) for x in self.intrinsics]
        elif self.focal_px is not None:
            focal = float(self.focal_px)
            given = [focal, 0.0, source[0] / 2, 0.0, focal, source[1] / 2, 0.0, 0.0, 1.0]
        else:
            return None
        x, y = shown[0] / source[0], shown[1] / source[1]
        return [value * scale for value, scale in zip(given, (x, x, x, y, y, y, 1, 1, 1), strict=True)]

    @classmethod
    def of_facts(cls, facts: dict[str, Any]) -> GivenCamera:
        """What `as_facts` stored."""
        camera = facts.get("camera", {})
        return cls(focal_px=camera.get("focal_px"), intrinsics=camera.get("intrinsics"))

    def as_facts(self) -> dict[str, Any]:
        """For `Upload.facts`, under `camera`; empty when nothing is known. Ingestion scales it to the web copy."""
        if self.intrinsics is not None:
            return {"camera": {"intrinsics": [float(x) for x in self.intrinsics]}}
        return {"camera": {"focal_px": float(self.focal_px)}} if self.focal_px is not None else {}

"""What is known of the clip that a file is attached to, and what reading the file gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ml.formats.prediction import PredictionArrays
from ml.hand.camera import default_intrinsics
from ml.metrics.preflight import Finding


@dataclass(frozen=True)
class ClipFacts:
    """A video, or a set of images in the order of their names.

    Attributes:
        frame_count: frames, numbered from 0.
        fps: frames per second; of images, the rate at which they are shown.
        width, height: px.
        intrinsics: nine numbers, row by row, px; None where the camera is not known.
        is_video: whether neighbouring frames follow each other in time.
    """

    frame_count: int
    fps: float
    width: int
    height: int
    intrinsics: tuple[float, ...] | None = None
    is_video: bool = True

    @property
    def camera(self) -> np.ndarray:
        """Intrinsics float32 [3, 3], assumed where they are not known."""
        if self.intrinsics is None:
            return default_intrinsics(self.width, self.height)
        return np.asarray(self.intrinsics, np.float32).reshape(3, 3)

    def as_json(self) -> dict[str, Any]:
        """For the command line of `ml.commands.check_attached`."""
        return asdict(self)

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> ClipFacts:
        """The inverse of `as_json`."""
        intrinsics = content.get("intrinsics")
        return cls(**{**content, "intrinsics": tuple(intrinsics) if intrinsics else None})


@dataclass(frozen=True)
class RawRows:
    """What a format's reader gives.

    Attributes:
        rows: metres, OpenCV camera frame, OpenPose order; `meta` as far as the file has it.
        notes: what the file's author should know.
        side_is_assumed: the format says nothing of sides, and one was assumed for all rows.
    """

    rows: PredictionArrays
    notes: tuple[str, ...] = ()
    side_is_assumed: bool = False


@dataclass(frozen=True)
class AttachedFile:
    """A file in the canonical form.

    Attributes:
        prediction: rows; `meta` has `fps`, `frame_count`, `width`, `height` of the clip and `hand_model` (empty: not known).
        findings: of the check, for the file's author.
    """

    prediction: PredictionArrays
    findings: tuple[Finding, ...] = ()

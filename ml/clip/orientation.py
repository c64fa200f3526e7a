"""Turning and mirroring frames as a file's display matrix asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, cast

import numpy as np
from av.sidedata.sidedata import SideData
from av.video.frame import VideoFrame


@dataclass(frozen=True)
class Orientation:
    """One of the eight ways to lay a rectangle of pixels: first transposed, then flipped.

    Attributes:
        transposed: rows become columns.
        flipped_x: left and right change places, after any transposing.
        flipped_y: top and bottom change places, after any transposing.
    """

    transposed: bool = False
    flipped_x: bool = False
    flipped_y: bool = False

    def apply(self, pixels: np.ndarray) -> np.ndarray:
        """A view of pixels [height, width, ...] laid this way."""
        if self.transposed:
            pixels = pixels.swapaxes(0, 1)
        return pixels[:: -1 if self.flipped_y else 1, :: -1 if self.flipped_x else 1]

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height once laid this way."""
        return (height, width) if self.transposed else (width, height)

    @property
    def mirrored(self) -> bool:
        """Whether a right hand becomes a left one."""
        return self.transposed ^ self.flipped_x ^ self.flipped_y

    @property
    def rotation(self) -> int:
        """Degrees counter-clockwise by which frames are turned; of mirrored ones after left and right have changed places."""
        half_turn = self.flipped_x if self.transposed and not self.mirrored else self.flipped_y
        return 90 * self.transposed + 180 * half_turn


UPRIGHT: Final = Orientation()

_EXIF: Final = {
    2: Orientation(flipped_x=True),
    3: Orientation(flipped_x=True, flipped_y=True),
    4: Orientation(flipped_y=True),
    5: Orientation(transposed=True),
    6: Orientation(transposed=True, flipped_x=True),
    7: Orientation(transposed=True, flipped_x=True, flipped_y=True),
    8: Orientation(transposed=True, flipped_y=True),
}


def orientation_of_exif(tag: object) -> Orientation:
    """The orientation that EXIF's tag 0x0112 asks for; upright for a value that it does not define."""
    return _EXIF.get(tag, UPRIGHT) if isinstance(tag, int) else UPRIGHT


def orientation_of(frame: VideoFrame) -> Orientation:
    """The orientation that a decoded frame's display matrix asks for; upright where there is none."""
    matrix = cast("SideData | None", frame.side_data.get("DISPLAYMATRIX"))
    return UPRIGHT if matrix is None else orientation_of_matrix(np.frombuffer(bytes(matrix), np.int32, 9).reshape(3, 3))


def orientation_of_matrix(matrix: np.ndarray) -> Orientation:
    """The orientation nearest to a display matrix [3, 3] (ISO/IEC 14496-12, 8.2.2), which maps rows (x, y, 1), y down.

    A matrix whose determinant is negative mirrors. One that maps everything onto a line, as a matrix of zeros does, says
    nothing and leaves frames as they are.
    """
    (a, b), (c, d) = matrix[:2, :2].astype(float)
    if a * d - b * c == 0:
        return UPRIGHT
    if abs(a) + abs(d) >= abs(b) + abs(c):
        return Orientation(flipped_x=bool(a < 0), flipped_y=bool(d < 0))
    return Orientation(transposed=True, flipped_x=bool(c < 0), flipped_y=bool(b < 0))

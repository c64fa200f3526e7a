"""From decoded frames to upright pixels on a clip's canvas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace

from ml.clip.orientation import Orientation, orientation_of
from ml.clip.tone_mapping import HLG, PQ, to_standard_range

_BLACK: Final = (16, 128, 128)
"""Luma and chroma of black in limited range."""


@dataclass(frozen=True)
class Canvas:
    """Where frames are laid: a frame of another shape than the clip's first is scaled to fit and centred on black.

    Attributes:
        width, height: pixels of the clip, upright.
        pixel_aspect: width over height of a coded pixel.
        size: width and height, pixels, of what is made.
    """

    width: int
    height: int
    pixel_aspect: float
    size: tuple[int, int]

    def rgb(self, frame: VideoFrame) -> np.ndarray:
        """A frame as uint8 [height, width, 3], RGB."""
        orientation, inner = self._place(frame, even=False)
        pixels = orientation.apply(_rgb(frame, *orientation.size(*inner)))
        return np.ascontiguousarray(pixels) if inner == self.size else _centred(pixels, self.size)

    def planar(self, frame: VideoFrame) -> VideoFrame:
        """A frame in 4:2:0, limited range; without the way through RGB, which costs time and half a grey level."""
        orientation, inner = self._place(frame, even=True)
        width, height = orientation.size(*inner)
        if frame.color_trc in (PQ, HLG):
            coloured = VideoFrame.from_ndarray(_rgb(frame, width, height), format="rgb24")
            scaled = coloured.reformat(
                format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG, threads=1
            )
        else:
            scaled = frame.reformat(
                width=width, height=height, format="yuv420p", dst_color_range=ColorRange.MPEG, interpolation="AREA", threads=1
            )
        if inner == self.size and orientation == Orientation():
            return scaled
        flat = scaled.to_ndarray().reshape(-1)
        luma, chroma = flat[: width * height], flat[width * height :].reshape(2, height // 2, width // 2)
        planes = [orientation.apply(p) for p in (luma.reshape(height, width), *chroma)]
        if inner != self.size:
            sizes = (self.size, *[(self.size[0] // 2, self.size[1] // 2)] * 2)
            planes = [_centred(p, size, black) for p, size, black in zip(planes, sizes, _BLACK, strict=True)]
        joined = np.concatenate([p.reshape(-1) for p in planes])
        return VideoFrame.from_ndarray(joined.reshape(-1, self.size[0]), format="yuv420p")

    def _place(self, frame: VideoFrame, *, even: bool) -> tuple[Orientation, tuple[int, int]]:
        """How a frame is turned, and the upright width and height that it takes up of `size`."""
        orientation = orientation_of(frame)
        width, height = orientation.size(max(1, round(frame.width * self.pixel_aspect)), frame.height)
        if (width, height) == (self.width, self.height):
            return orientation, self.size
        scale = min(self.width / width, self.height / height)
        unit = 2 if even else 1
        inner = (
            max(unit, round(width * scale * self.size[0] / self.width / unit) * unit),
            max(unit, round(height * scale * self.size[1] / self.height / unit) * unit),
        )
        return orientation, (min(inner[0], self.size[0]), min(inner[1], self.size[1]))


def _rgb(frame: VideoFrame, width: int, height: int) -> np.ndarray:
    form = "rgb48le" if frame.color_trc in (PQ, HLG) else "rgb24"
    pixels: np.ndarray = frame.to_ndarray(format=form, width=width, height=height, interpolation="AREA", threads=1)
    return to_standard_range(pixels, frame.color_trc) if form == "rgb48le" else pixels


def _centred(pixels: np.ndarray, size: tuple[int, int], black: int = 0) -> np.ndarray:
    canvas = np.full((size[1], size[0], *pixels.shape[2:]), black, np.uint8)
    top, left = (size[1] - pixels.shape[0]) // 2, (size[0] - pixels.shape[1]) // 2
    canvas[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return canvas

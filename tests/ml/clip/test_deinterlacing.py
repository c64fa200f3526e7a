"""Interlaced video: whole frames, as many and at the same times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ml.clip import open_clip
from tests.ml.clip.generated_media import encode

SIZE = (160, 120)


def bar(moment: float) -> np.ndarray:
    """A bright bar on grey that moves five pixels from one moment to the next."""
    image = np.full((SIZE[1], SIZE[0], 3), 60, np.uint8)
    left = round(10 + 5 * moment)
    image[:, left : left + 20] = 200
    return image


def interlaced(path: Path, count: int, **options: str) -> Path:
    images = []
    for index in range(count):
        image = bar(index)
        # MPEG-2's encoder puts the odd lines first.
        image[::2] = bar(index + 0.5)[::2]
        images.append(image)
    return encode(path, images, codec="mpeg2video", encoder={"flags": "+ildct+ilme", "qmax": "2", **options})


def combing(image: np.ndarray) -> float:
    """How far a line is from the mean of its neighbours, in grey levels."""
    grey = image[..., 0].astype(float)
    return float(np.abs(grey[1:-1] - (grey[:-2] + grey[2:]) / 2).mean())


@pytest.mark.parametrize("suffix", [".ts", ".mpg", ".mxf", ".avi"])
def test_interlaced_frames_are_made_whole(tmp_path, suffix):
    clip = open_clip(interlaced(tmp_path / f"a{suffix}", 20))
    assert (clip.fps, clip.frame_count) == (25.0, 20)
    frames = list(clip.frames())
    assert len(frames) == 20
    for index, frame in enumerate(frames[1:-1], 1):
        assert combing(frame) < 2
        columns = np.flatnonzero(frame[60, :, 0] > 130)
        assert columns.mean() == pytest.approx(10 + 5 * index + 9.5, abs=2)


def test_reading_from_the_middle_gives_the_same_whole_frames(tmp_path):
    clip = open_clip(interlaced(tmp_path / "a.ts", 24, g="6", bf="0"))
    whole = [frame.copy() for frame in clip.frames()]
    for start in range(1, 24):
        assert np.array_equal(next(iter(clip.frames(start=start))), whole[start]), start


def test_progressive_frames_are_left_as_they_are(tmp_path):
    path = encode(tmp_path / "a.mkv", [bar(k) for k in range(10)], encoder={"crf": "0"})
    for index, frame in enumerate(open_clip(path).frames()):
        assert np.abs(frame.astype(int) - bar(index)).max() <= 3

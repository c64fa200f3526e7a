"""Display matrices and EXIF tags turn and mirror frames as they say."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.clip import open_clip
from ml.clip.orientation import UPRIGHT, Orientation, orientation_of_matrix
from tests.ml.clip.generated_media import SIZE, numbered, save, write_video

ONE = 1 << 16
MATRICES = {
    "upright": (ONE, 0, 0, ONE),
    "half turn": (-ONE, 0, 0, -ONE),
    "quarter turn clockwise": (0, ONE, -ONE, 0),
    "quarter turn counter-clockwise": (0, -ONE, ONE, 0),
    "left and right": (-ONE, 0, 0, ONE),
    "top and bottom": (ONE, 0, 0, -ONE),
    "transposed": (0, ONE, ONE, 0),
    "transposed the other way": (0, -ONE, -ONE, 0),
    "zeros": (0, 0, 0, 0),
    "a line": (ONE, ONE, ONE, ONE),
    "a scaled mirror": (-3 * ONE, 0, 0, 2 * ONE),
}
EXPECTED = {
    "upright": lambda image: image,
    "half turn": lambda image: np.rot90(image, 2),
    "quarter turn clockwise": lambda image: np.rot90(image, -1),
    "quarter turn counter-clockwise": lambda image: np.rot90(image, 1),
    "left and right": np.fliplr,
    "top and bottom": np.flipud,
    "transposed": lambda image: image.swapaxes(0, 1),
    "transposed the other way": lambda image: np.rot90(image.swapaxes(0, 1), 2),
    "zeros": lambda image: image,
    "a line": lambda image: image,
}


def with_matrix(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Write a display matrix into a video's track header (ISO/IEC 14496-12, 8.3.2)."""
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd") + 4 + 40
    a, b, c, d = matrix
    data[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", EXPECTED)
def test_a_display_matrix_turns_and_mirrors(tmp_path, name):
    clip = open_clip(with_matrix(write_video(tmp_path / "a.mp4", [0, 1 / 30]), MATRICES[name]))
    expected = EXPECTED[name](numbered(0))
    assert (clip.height, clip.width) == expected.shape[:2]
    first = next(iter(clip.frames())).astype(int)
    assert np.abs(first - expected).mean() < 2
    planar = next(iter(clip.planar_frames((clip.width, clip.height)))).to_ndarray(format="rgb24").astype(int)
    assert np.abs(planar - expected).mean() < 3


def test_rotation_and_mirrored_describe_the_applied_transform():
    image = np.arange(6).reshape(2, 3)
    for bits in range(8):
        orientation = Orientation(bool(bits & 4), bool(bits & 2), bool(bits & 1))
        turned = np.rot90(np.fliplr(image) if orientation.mirrored else image, orientation.rotation // 90)
        assert np.array_equal(orientation.apply(image), turned)
        assert orientation.size(3, 2) == turned.shape[::-1]


@pytest.mark.parametrize("name", MATRICES)
def test_a_negative_determinant_means_mirrored(name):
    a, b, c, d = MATRICES[name]
    orientation = orientation_of_matrix(np.array([[a, b, 0], [c, d, 0], [0, 0, 1 << 30]], np.int32))
    assert orientation.mirrored == (a * d - b * c < 0)
    assert (a * d - b * c != 0) or orientation == UPRIGHT


@pytest.mark.parametrize("tag", range(10))
@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_exif_orientation_is_what_pillow_makes_of_it(tmp_path, tag, suffix):
    exif = Image.Exif()
    exif[0x0112] = tag
    path = save(tmp_path / f"a{suffix}", numbered(1), exif=exif)
    with Image.open(path) as image:
        expected = np.asarray(image)
    expected = Image.fromarray(expected)
    methods = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
    if tag in methods:
        expected = expected.transpose(Image.Transpose(methods[tag]))
    clip = open_clip(path)
    assert (clip.width, clip.height) == expected.size
    assert np.array_equal(next(iter(clip.frames())), np.asarray(expected))
    assert expected.size in (SIZE, SIZE[::-1])

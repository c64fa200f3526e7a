"""The focal length in pixels, from EXIF and from a video's metadata; nonsense is ignored."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from ml.clip import open_clip
from ml.clip.focal_length import focal_from_exif, focal_from_metadata
from tests.ml.clip.generated_media import encode, numbered, save

EQUIVALENT, FOCAL, RESOLUTION, UNIT, WIDTH, HEIGHT = 0xA405, 0x920A, 0xA20E, 0xA210, 0xA002, 0xA003
QUICKTIME = "com.apple.quicktime.camera.focal_length.35mm_equivalent"
SENSOR = {FOCAL: IFDRational(50, 1), RESOLUTION: IFDRational(6000, 36), UNIT: 4, WIDTH: 6000, HEIGHT: 4000}
"""A 50 mm lens before a sensor 36 mm and 6000 pixels wide: 8333 pixels."""


def test_the_35_mm_equivalent_gives_the_focal_length():
    """26 mm on film whose diagonal is 43.27 mm; the image's is 5000 pixels."""
    assert focal_from_exif({EQUIVALENT: 26}, 4000, 3000) == pytest.approx(26 / 43.2666 * 5000, rel=1e-4)
    assert focal_from_exif({EQUIVALENT: 26}, 3000, 4000) == pytest.approx(26 / 43.2666 * 5000, rel=1e-4)


@pytest.mark.parametrize(("unit", "per_unit"), [(2, 25.4), (3, 10.0), (4, 1.0), (5, 0.001), (None, 25.4)])
def test_resolution_of_the_sensor_in_every_unit(unit, per_unit):
    exif = {FOCAL: 50.0, RESOLUTION: 6000 / 36 * per_unit} | ({} if unit is None else {UNIT: unit})
    assert focal_from_exif(exif, 6000, 4000) == pytest.approx(50 * 6000 / 36)


def test_an_image_that_was_scaled_keeps_its_field_of_view():
    assert focal_from_exif(SENSOR, 1500, 1000) == pytest.approx(50 * 1500 / 36)
    assert focal_from_exif(SENSOR, 1000, 1500) == pytest.approx(50 * 1500 / 36)


def test_an_image_cropped_to_another_aspect_ratio_has_no_focal_length():
    assert focal_from_exif(SENSOR, 4000, 4000) is None
    assert focal_from_exif({EQUIVALENT: 26, WIDTH: 4000, HEIGHT: 3000}, 3000, 3000) is None


def test_the_sensor_resolution_is_used_only_if_the_35_mm_equivalent_agrees():
    assert focal_from_exif(SENSOR | {EQUIVALENT: 51}, 6000, 4000) == pytest.approx(50 * 6000 / 36)
    equivalent = 75 / math.hypot(36, 24) * math.hypot(6000, 4000)
    assert focal_from_exif(SENSOR | {EQUIVALENT: 75}, 6000, 4000) == pytest.approx(equivalent)


@pytest.mark.parametrize("value", [0, -26, 1e9, math.nan, math.inf, "", "wide", None, IFDRational(0, 0), IFDRational(26, 0)])
def test_nonsense_is_ignored(value):
    assert focal_from_exif({EQUIVALENT: value}, 4000, 3000) is None
    assert focal_from_exif(SENSOR | {FOCAL: value}, 6000, 4000) is None
    assert focal_from_exif(SENSOR | {RESOLUTION: value}, 6000, 4000) is None
    assert focal_from_exif(SENSOR | {EQUIVALENT: value}, 6000, 4000) == pytest.approx(50 * 6000 / 36)
    assert focal_from_metadata({QUICKTIME: str(value)}, 1920, 1080) is None


@pytest.mark.parametrize("unit", [0, 1, 9, -2])
def test_an_unknown_unit_is_ignored(unit):
    assert focal_from_exif(SENSOR | {UNIT: unit}, 6000, 4000) is None


def photograph(path, equivalent):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[EQUIVALENT] = equivalent
    return save(path, numbered(0), exif=exif)


def test_the_focal_length_is_read_from_a_photographs_exif(tmp_path):
    clip = open_clip(photograph(tmp_path / "a.jpg", 26))
    assert clip.focal_px == pytest.approx(26 / 43.2666 * 80, rel=1e-4)


@pytest.mark.parametrize(("equivalents", "said"), [((26, 26), True), ((26, 52), False), ((26, 0), False)])
def test_images_of_a_set_must_agree(tmp_path, equivalents, said):
    for index, equivalent in enumerate(equivalents):
        photograph(tmp_path / f"{index}.jpg", equivalent)
    assert (open_clip(tmp_path).focal_px is not None) == said


def test_the_focal_length_is_read_from_the_metadata_of_a_video(tmp_path):
    path = encode(tmp_path / "a.mov", [np.zeros((48, 64, 3), np.uint8)] * 3, metadata={QUICKTIME: "26"})
    assert open_clip(path).focal_px == pytest.approx(26 / 43.2666 * 80, rel=1e-4)
    assert open_clip(encode(tmp_path / "b.mov", [np.zeros((48, 64, 3), np.uint8)] * 3)).focal_px is None

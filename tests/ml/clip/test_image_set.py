"""Sets of images: order, orientation, canvas."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from ml.clip import open_clip
from tests.ml.clip.generated_media import SIZE, numbered, numbers, save


def test_images_come_in_name_order_whatever_their_kind(tmp_path):
    for index, name in enumerate(["img1.png", "img2.jpg", "img10.webp"]):
        save(tmp_path / name, numbered(10 * index))
    (tmp_path / "notes.txt").write_text("no image")
    clip = open_clip(tmp_path)
    assert (clip.kind, clip.frame_count, clip.width, clip.height) == ("images", 3, *SIZE)
    assert numbers(clip) == [0, 10, 20]
    assert numbers(clip, start=1, stop=2) == [10]


def test_image_with_the_wrong_ending(tmp_path):
    save(tmp_path / "a.png", numbered(3)).rename(tmp_path / "a.jpg")
    assert numbers(open_clip(tmp_path / "a.jpg")) == [3]


def test_exif_rotation_is_honoured(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / "a.jpg", numbered(1), exif=exif, quality=95)
    clip = open_clip(tmp_path)
    assert (clip.width, clip.height) == SIZE[::-1]
    assert next(clip.frames())[0, -1].min() > 200


def test_images_of_other_sizes_are_fitted_on_one_canvas(tmp_path):
    save(tmp_path / "1.png", np.full((40, 80, 3), 200, np.uint8))
    save(tmp_path / "2.png", np.full((80, 40, 3), 100, np.uint8))
    clip = open_clip(tmp_path)
    wide, high = clip.frames()
    assert wide.shape == high.shape == (80, 80, 3)
    assert (wide[20:60] == 200).all()
    assert not wide[:20].any()
    assert (high[:, 20:60] == 100).all()
    assert not high[:, :20].any()


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_any_mode_of_image_becomes_rgb(tmp_path, mode):
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    Image.new(mode, SIZE).save(path)
    assert next(open_clip(path).frames()).shape == (SIZE[1], SIZE[0], 3)

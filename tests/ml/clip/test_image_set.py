"""Sets of images: order, orientation, canvas."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.clip import open_clip
from tests.ml.clip.generated_media import SIZE, numbered, numbers, save, write_video


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


def deep_grey(path: Path, level: int) -> Path:
    Image.fromarray(np.full((SIZE[1], SIZE[0]), level, np.uint16)).save(path)
    return path


@pytest.mark.parametrize(("level", "expected"), [(0, 0), (257, 1), (32_896, 128), (65_535, 255)])
def test_sixteen_bit_grey_keeps_its_upper_bits(tmp_path, level, expected):
    image = next(iter(open_clip(deep_grey(tmp_path / "a.png", level)).frames()))
    assert image.shape == (*SIZE[::-1], 3)
    assert (image == expected).all()


def test_a_set_of_sixteen_bit_grey_images_alone_is_read(tmp_path):
    for index in range(3):
        deep_grey(tmp_path / f"{index}.png", 257 * (10 + 4 * index))
    assert numbers(open_clip(tmp_path)) == [0, 1, 2]


@pytest.mark.parametrize("names", ["aligned_depth_to_color_{}.png", "{}.depth.png", "segmentation-{}.png", "{}_z16.png"])
def test_depth_maps_and_masks_beside_images_are_left_out(tmp_path, names):
    """The folders of DexYCB, HO3D and their kind; depth in 16 bits is known by that alone."""
    for index in range(3):
        save(tmp_path / f"color_{index:06d}.jpg", numbered(index), quality=95)
        deep_grey(tmp_path / names.format(index), 900)
        (tmp_path / f"labels_{index:06d}.npz").write_bytes(b"PK\x03\x04 labels")
    clip = open_clip(tmp_path)
    assert numbers(clip) == [0, 1, 2]
    first, last = names.format(0), names.format(2)
    assert clip.notes == (f"Depth maps or masks left out (3): {first}, {names.format(1)}, {last}.",)


def test_a_set_whose_names_all_say_mask_is_read(tmp_path):
    for index in range(3):
        save(tmp_path / f"with_mask_{index}.png", numbered(index))
    assert numbers(open_clip(tmp_path)) == [0, 1, 2]


def test_notes_list_files_that_were_left_out(tmp_path):
    save(tmp_path / "IMG_1.jpg", numbered(0))
    (tmp_path / "IMG_2.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    (tmp_path / "IMG_3.HEIC").write_bytes(b"\0\0\0\x18ftypmif1" + bytes(100))
    write_video(tmp_path / "IMG_4.MOV", [0, 1 / 30])
    save(tmp_path / "IMG_5.gif", numbered(0))
    (tmp_path / "notes.txt").write_text("no image")
    assert open_clip(tmp_path).notes == (
        "HEIF or AVIF images left out (2): IMG_2.HEIC, IMG_3.HEIC; export them as JPEG.",
        "Videos left out (1): IMG_4.MOV; upload each by itself.",
        "GIF images left out (1): IMG_5.gif; export them as JPEG or PNG.",
    )


def test_images_in_subfolders_are_read_if_there_are_no_others(tmp_path):
    for name in ("b/2.png", "b/10.png", "a/1/3.png", ".hidden/4.png", "b/.5.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        save(tmp_path / name, numbered({"3": 0, "2": 1, "10": 2}.get((tmp_path / name).stem, 9)))
    clip = open_clip(tmp_path)
    assert numbers(clip) == [0, 1, 2]
    assert clip.notes == ("Images of 2 folders are taken one after the other: a/1, b.",)


def test_subfolders_are_ignored_if_there_are_images_beside_them(tmp_path):
    save(tmp_path / "1.png", numbered(1))
    (tmp_path / "old").mkdir()
    save(tmp_path / "old" / "2.png", numbered(2))
    assert numbers(open_clip(tmp_path)) == [1]


def test_a_large_image_is_scaled_to_the_canvas(tmp_path):
    """Scaling by whole factors first must not move the image."""
    ramp = np.broadcast_to(np.linspace(0, 255, 1600)[None, :, None], (1200, 1600, 3)).astype(np.uint8)
    save(tmp_path / "a.png", ramp)
    image = next(iter(open_clip(tmp_path).frames(size=(160, 120))))
    assert np.abs(image[60, :, 0] - np.linspace(0, 255, 160)).max() < 2

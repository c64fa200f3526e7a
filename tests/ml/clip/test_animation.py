"""Animated images are videos: every frame, at its own time."""

from __future__ import annotations

import pytest
from PIL import Image

from ml.clip import ClipError, Limits, open_clip
from tests.ml.clip.generated_media import SIZE, number_of, numbered, numbers, save

FORMATS = {"a.webp": {"lossless": True}, "a.png": {}}


def animate(path, count, duration, **options):
    first, *rest = (Image.fromarray(numbered(k)) for k in range(count))
    first.save(path, save_all=True, append_images=rest, duration=duration, **options)
    return path


@pytest.mark.parametrize("name", FORMATS)
def test_every_frame_of_an_animation_is_read(tmp_path, name):
    clip = open_clip(animate(tmp_path / name, 20, 40, **FORMATS[name]))
    assert (clip.kind, clip.fps, clip.frame_count, clip.width, clip.height) == ("video", 25.0, 20, *SIZE)
    assert numbers(clip) == list(range(20))
    assert numbers(clip, start=7, stop=9) == [7, 8]
    planar = [number_of(frame.to_ndarray(format="rgb24")) for frame in clip.planar_frames(SIZE)]
    assert planar == list(range(20))


@pytest.mark.parametrize("name", FORMATS)
def test_frames_of_an_animation_stay_as_long_as_they_say(tmp_path, name):
    clip = open_clip(animate(tmp_path / name, 6, [100, 100, 300, 100, 100, 100], **FORMATS[name]))
    assert (clip.fps, clip.frame_count) == (10.0, 8)
    assert numbers(clip) == [0, 1, 2, 2, 3, 3, 4, 5]


@pytest.mark.parametrize("name", FORMATS)
def test_frames_of_duration_zero_get_the_default_of_browsers(tmp_path, name):
    assert open_clip(animate(tmp_path / name, 5, 0, **FORMATS[name])).fps == 10


def test_a_still_image_before_an_animation_is_not_part_of_it(tmp_path):
    first, *rest = (Image.fromarray(numbered(k)) for k in range(6))
    first.save(tmp_path / "a.png", save_all=True, append_images=rest, duration=40, default_image=True)
    assert numbers(open_clip(tmp_path / "a.png")) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", FORMATS)
def test_an_image_of_one_frame_is_an_image(tmp_path, name):
    assert open_clip(animate(tmp_path / name, 1, 40, **FORMATS[name])).kind == "images"


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(max_frames=5), "has 6 frames; at most 5"),
        (Limits(max_pixels=1000), "64 × 48 pixels"),
        (Limits(max_total_image_pixels=10_000), "holds 6 images"),
    ],
)
def test_limits_of_animations(tmp_path, name, limits, sentence):
    with pytest.raises(ClipError, match=sentence):
        open_clip(animate(tmp_path / name, 6, 40, **FORMATS[name]), limits)


@pytest.mark.parametrize("name", FORMATS)
def test_an_animation_that_was_cut_off(tmp_path, name):
    path = animate(tmp_path / name, 6, 40, **FORMATS[name])
    path.write_bytes(path.read_bytes()[:-90])
    with pytest.raises(ClipError, match="cannot be decoded"):
        list(open_clip(path).frames())


def test_only_the_first_frame_of_an_animation_among_images_is_used_and_a_note_says_so(tmp_path):
    animate(tmp_path / "1.webp", 6, 40, lossless=True)
    save(tmp_path / "2.png", numbered(9))
    clip = open_clip(tmp_path)
    assert numbers(clip) == [0, 9]
    assert clip.notes == ("Only the first image was taken of 1.webp; upload an animation by itself to have all its frames.",)

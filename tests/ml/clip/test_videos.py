"""Videos: exact frame counts, constant rates, upright frames."""

from __future__ import annotations

import tracemalloc

import pytest

from ml.clip import open_clip
from tests.ml.clip.generated_media import SIZE, numbers, write_video


def test_video_gives_every_frame_once(tmp_path):
    clip = open_clip(write_video(tmp_path / "a.mp4", [k / 30 for k in range(40)]))
    assert (clip.kind, clip.fps, clip.frame_count, clip.width, clip.height) == ("video", 30.0, 40, *SIZE)
    assert numbers(clip) == list(range(40))


@pytest.mark.parametrize(
    ("suffix", "codec"), [(".mkv", "libx264"), (".webm", "libvpx-vp9"), (".avi", "mpeg4"), (".mov", "libx264")]
)
def test_other_containers(tmp_path, suffix, codec):
    clip = open_clip(write_video(tmp_path / f"a{suffix}", [k / 30 for k in range(20)], codec=codec))
    assert clip.frame_count == 20
    assert clip.fps == pytest.approx(30)
    assert numbers(clip) == pytest.approx(range(20), abs=1)


def test_content_counts_not_the_name(tmp_path):
    path = write_video(tmp_path / "a.mp4", [0, 1 / 30, 2 / 30])
    assert open_clip(path.rename(tmp_path / "a.txt")).frame_count == 3


def test_reading_a_range_gives_that_range_of_all_frames(tmp_path):
    clip = open_clip(write_video(tmp_path / "a.mp4", [k / 30 for k in range(50)]))
    for start, stop in ((0, 5), (1, 2), (13, 29), (49, 60), (20, 20)):
        assert numbers(clip, start=start, stop=stop) == list(range(50))[start:stop]


def test_variable_rate_becomes_constant(tmp_path):
    times = [0, 1 / 30, 2 / 30, 3 / 30, 6 / 30, 7 / 30, 8 / 30, 8.3 / 30, 9 / 30, 10 / 30]
    clip = open_clip(write_video(tmp_path / "a.mp4", times))
    assert clip.fps == 30
    assert clip.frame_count == 11
    # Frame 3 stays until 4 (shown at 6/30) is nearer; frame 7 falls between two places of the grid.
    assert numbers(clip) == [0, 1, 2, 3, 3, 4, 4, 5, 6, 8, 9]


def test_start_later_than_zero(tmp_path):
    clip = open_clip(write_video(tmp_path / "a.mkv", [5 + k / 25 for k in range(20)]))
    assert (clip.fps, clip.frame_count) == (25.0, 20)
    assert numbers(clip) == list(range(20))
    assert numbers(clip, start=9, stop=12) == [9, 10, 11]


@pytest.mark.parametrize(("rotation", "corner"), [(90, (-1, 0)), (-90, (0, -1)), (180, (-1, -1))])
def test_rotation_is_honoured(tmp_path, rotation, corner):
    clip = open_clip(write_video(tmp_path / "a.mp4", [0, 1 / 30], rotation=rotation))
    assert (clip.width, clip.height) == (SIZE if rotation == 180 else SIZE[::-1])
    for image in clip.frames():
        assert image.shape == (clip.height, clip.width, 3)
        assert image[corner].min() > 200
    for frame in clip.planar_frames((clip.width, clip.height)):
        assert frame.to_ndarray(format="rgb24")[corner].min() > 200


def test_memory_does_not_grow_with_the_length(tmp_path):
    clip = open_clip(write_video(tmp_path / "a.mp4", [k / 30 for k in range(100)]))
    tracemalloc.start()
    for _ in clip.frames(size=(640, 480)):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 640 * 480 * 3

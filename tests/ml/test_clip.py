"""Reading clips: exact counts, constant rates, upright pictures, and a sentence for every bad file."""

from __future__ import annotations

import struct
import tracemalloc
import zipfile
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from ml.clip import Clip, ClipError, Limits, open_clip
from ml.clip.encode import web_video
from ml.clip.timing import constant_rate, grid_length, nearest_sources

SIZE = (64, 48)


def numbered(index: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """A picture whose grey tells its number, with a bright top left corner."""
    picture = np.full((size[1], size[0], 3), (10 + 4 * index) % 256, np.uint8)
    picture[: size[1] // 4, : size[0] // 4] = 250
    return picture


def number_of(picture: np.ndarray) -> int:
    return round((float(np.median(picture)) - 10) / 4)


def write_video(path: Path, times: list[float], *, rotation: int = 0, audio: bool = False, codec: str = "libx264") -> Path:
    """A video whose frame k is shown at `times[k]` seconds."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=30)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        unit = Fraction(1, 30) if path.suffix == ".avi" else Fraction(1, 90_000)
        stream.codec_context.time_base = unit
        if codec == "libx264":
            stream.codec_context.options = {"crf": "5"}
        if rotation:
            stream.set_display_rotation(rotation)
        sound = container.add_stream("aac", rate=8000) if audio else None
        for index, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(numbered(index), format="rgb24")
            frame.pts, frame.time_base = round(time / unit), unit
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound is not None:
            container.mux(sound.encode(silence()))
            container.mux(sound.encode(None))
    return path


def silence() -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
    frame.sample_rate, frame.pts = 8000, 0
    return frame


def numbers(clip: Clip, **span: int) -> list[int]:
    return [number_of(p) for p in clip.frames(**span)]


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


def test_a_part_is_the_part_of_the_whole(tmp_path):
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
    for picture in clip.frames():
        assert picture.shape == (clip.height, clip.width, 3)
        assert picture[corner].min() > 200
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


def test_web_video_is_what_browsers_want(tmp_path):
    path = tmp_path / "web.mp4"
    with web_video(path, Fraction(30000, 1001), SIZE) as writer:
        for index in range(40):
            writer.write(numbered(index))
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        packets = [p for p in container.demux(stream) if p.size]
        context = stream.codec_context
        assert (context.name, context.pix_fmt, context.has_b_frames) == ("h264", "yuv420p", False)
    assert [p.pts for p in packets] == [p.dts for p in packets]
    assert packets[0].pts == 0
    assert len({b.pts - a.pts for a, b in pairwise(packets)}) == 1
    keys = [i for i, p in enumerate(packets) if p.is_keyframe]
    assert max(np.diff([*keys, 40])) <= 15
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert b"elst" not in data
    clip = open_clip(path)
    assert clip.fps == pytest.approx(30000 / 1001)
    assert numbers(clip) == list(range(40))


def test_web_video_refuses_odd_sizes(tmp_path):
    with pytest.raises(ValueError, match="must be even"), web_video(tmp_path / "a.mp4", Fraction(30), (63, 48)):
        pass


@given(st.sampled_from([24, 25, 30, 50, 60, 30000 / 1001, 23.7, 14.21]), st.integers(2, 4000))
@settings(max_examples=40, derandomize=True, deadline=None)
def test_even_timestamps_keep_every_frame(fps, count):
    times = np.round(7 + np.arange(count) / fps, 3)
    rate, one_to_one = constant_rate(times)
    assert one_to_one
    assert float(rate) == pytest.approx(fps, rel=0.02)
    assert np.array_equal(nearest_sources(times, rate, count), np.arange(count))


@given(st.lists(st.floats(0.002, 0.5), min_size=1, max_size=200))
@settings(max_examples=40, derandomize=True, deadline=None)
def test_any_timestamps_fall_on_a_grid(steps):
    times = np.cumsum([0.0, *steps])
    rate, _ = constant_rate(times)
    count = grid_length(times, rate)
    sources = nearest_sources(times, rate, count)
    assert 1 <= rate <= 240
    assert sources[0] == 0
    assert (np.diff(sources) >= 0).all()
    assert sources.max() < len(times)
    grid = np.arange(count) / float(rate)
    assert (np.abs(times[sources] - grid) <= np.abs(times[None] - grid[:, None]).min(axis=1) + 1e-9).all()


# Sets of pictures


def save(path: Path, picture: np.ndarray, **options: object) -> Path:
    Image.fromarray(picture).save(path, **options)
    return path


def test_pictures_come_in_name_order_whatever_their_kind(tmp_path):
    for index, name in enumerate(["img1.png", "img2.jpg", "img10.webp"]):
        save(tmp_path / name, numbered(10 * index))
    (tmp_path / "notes.txt").write_text("no picture")
    clip = open_clip(tmp_path)
    assert (clip.kind, clip.frame_count, clip.width, clip.height) == ("images", 3, *SIZE)
    assert numbers(clip) == [0, 10, 20]
    assert numbers(clip, start=1, stop=2) == [10]


def test_picture_with_the_wrong_ending(tmp_path):
    save(tmp_path / "a.png", numbered(3)).rename(tmp_path / "a.jpg")
    assert numbers(open_clip(tmp_path / "a.jpg")) == [3]


def test_exif_rotation_is_honoured(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    save(tmp_path / "a.jpg", numbered(1), exif=exif, quality=95)
    clip = open_clip(tmp_path)
    assert (clip.width, clip.height) == SIZE[::-1]
    assert next(clip.frames())[0, -1].min() > 200


def test_pictures_of_other_sizes_are_fitted_on_one_canvas(tmp_path):
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
def test_any_mode_of_picture_becomes_rgb(tmp_path, mode):
    path = tmp_path / ("a.jpg" if mode == "CMYK" else "a.png")
    Image.new(mode, SIZE).save(path)
    assert next(open_clip(path).frames()).shape == (SIZE[1], SIZE[0], 3)


# Bad files


def zero_bytes(path: Path) -> None:
    path.touch()


def text(path: Path) -> None:
    path.write_text("this is not a video " * 100)


def archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as opened:
        opened.writestr("a.txt", "x" * 1000)


def audio_only(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        container.mux(stream.encode(silence()))
        container.mux(stream.encode(None))


def wave(path: Path) -> None:
    path.write_bytes(b"RIFF" + struct.pack("<I", 36) + b"WAVEfmt " + bytes(100))


def truncated(path: Path) -> None:
    data = write_video(path, [k / 30 for k in range(60)]).read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])


def truncated_fast_start(path: Path) -> None:
    with web_video(path, Fraction(30), SIZE) as writer:
        for index in range(60):
            writer.write(numbered(index))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 2 // 3])


def truncated_matroska(path: Path) -> None:
    noise = np.random.default_rng(0)
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for _ in range(240):
            picture = noise.integers(0, 255, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 3])


def no_frames(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        sound = container.add_stream("aac", rate=8000)
        container.start_encoding()
        container.mux(sound.encode(silence()))
        container.mux(sound.encode(None))


def playlist(path: Path) -> None:
    path.write_text("#EXTM3U\n#EXTINF:1\n/etc/passwd\n")


def garbage_with_a_head(path: Path) -> None:
    path.write_bytes(b"\x1a\x45\xdf\xa3" + np.random.default_rng(1).bytes(4000))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (zero_bytes, "is empty"),
        (text, "not a video: it is not a kind of file known here"),
        (archive, "not a video: it is a ZIP archive"),
        (audio_only, "audio only"),
        (wave, "audio only"),
        (truncated, "not complete"),
        (truncated_fast_start, "not complete"),
        (truncated_matroska, "cut off"),
        (no_frames, "no frames|no pictures|audio only"),
        (playlist, "playlist"),
        (garbage_with_a_head, "not a video that can be read"),
    ],
)
def test_bad_file_gets_a_sentence(tmp_path, make, sentence):
    path = tmp_path / "hands.mp4"
    make(path)
    with pytest.raises(ClipError, match=sentence) as caught:
        list(open_clip(path).frames())
    assert "hands.mp4" in str(caught.value)


def test_missing_file(tmp_path):
    with pytest.raises(ClipError, match="there is no file or folder"):
        open_clip(tmp_path / "nowhere.mp4")


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(max_bytes=100), "at most 100 bytes"),
        (Limits(max_seconds=0.5), "minutes long"),
        (Limits(max_frames=20), "at most 20"),
        (Limits(max_pixels=1000), "64 × 48 pixels"),
    ],
)
def test_limits_of_videos(tmp_path, limits, sentence):
    path = write_video(tmp_path / "a.mp4", [k / 30 for k in range(30)])
    with pytest.raises(ClipError, match=sentence):
        open_clip(path, limits)


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(max_pictures=1), "holds 2 pictures"),
        (Limits(max_picture_pixels=100), "64 × 48 pixels"),
        (Limits(max_bytes=50), "at most 50 bytes"),
    ],
)
def test_limits_of_pictures(tmp_path, limits, sentence):
    for name in ("a.png", "b.png"):
        save(tmp_path / name, numbered(0))
    with pytest.raises(ClipError, match=sentence):
        open_clip(tmp_path, limits)


def test_folder_without_pictures(tmp_path):
    with pytest.raises(ClipError, match="it is empty"):
        open_clip(tmp_path)
    write_video(tmp_path / "a.mp4", [0, 1 / 30])
    with pytest.raises(ClipError, match=r"a\.mp4 is a video"):
        open_clip(tmp_path)


def test_picture_that_was_cut_off(tmp_path):
    path = save(tmp_path / "a.jpg", np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(ClipError, match=r"a\.jpg cannot be decoded"):
        list(open_clip(tmp_path).frames())

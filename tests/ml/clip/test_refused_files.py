"""Every refused file gets a message with the reason."""

from __future__ import annotations

import struct
import zipfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from ml.clip import ClipError, Limits, open_clip
from ml.clip.encode import web_video
from tests.ml.clip.generated_media import SIZE, encode, numbered, save, silence, write_video


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
            image = noise.integers(0, 255, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
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
        (no_frames, "no frames|no images|audio only"),
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
        (Limits(max_total_pixels=60_000), "30 frames of 0.1 million pixels together"),
    ],
)
def test_limits_of_videos(tmp_path, limits, sentence):
    path = write_video(tmp_path / "a.mp4", [k / 30 for k in range(30)])
    with pytest.raises(ClipError, match=sentence):
        open_clip(path, limits)


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(max_images=1), "holds 2 images"),
        (Limits(max_image_pixels=100), "64 × 48 pixels"),
        (Limits(max_total_image_pixels=5000), "2 images of"),
        (Limits(max_bytes=50), "at most 50 bytes"),
    ],
)
def test_limits_of_images(tmp_path, limits, sentence):
    for name in ("a.png", "b.png"):
        save(tmp_path / name, numbered(0))
    with pytest.raises(ClipError, match=sentence):
        open_clip(tmp_path, limits)


def test_folder_without_images(tmp_path):
    with pytest.raises(ClipError, match="it is empty"):
        open_clip(tmp_path)
    write_video(tmp_path / "a.mp4", [0, 1 / 30])
    with pytest.raises(ClipError, match=r"a\.mp4 is a video"):
        open_clip(tmp_path)


def test_image_that_was_cut_off(tmp_path):
    path = save(tmp_path / "a.jpg", np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(ClipError, match=r"a\.jpg cannot be decoded"):
        list(open_clip(tmp_path).frames())


@pytest.mark.parametrize("size", [(1280, 2), (2, 1280), (640, 30), (1280, 64)])
@pytest.mark.parametrize("kind", ["video", "image"])
def test_what_is_too_narrow_to_show_a_hand_is_refused(tmp_path, size, kind):
    image = np.full((size[1], size[0], 3), 128, np.uint8)
    path = tmp_path / ("a.mp4" if kind == "video" else "a.png")
    if kind == "video":
        encode(path, [image] * 3)
    else:
        save(path, image)
    with pytest.raises(ClipError, match=rf"^a\.\w+ is {size[0]} × {size[1]} pixels, too narrow to show a hand"):
        open_clip(path)


def test_a_canvas_of_a_wide_and_a_high_image_has_a_limit(tmp_path):
    save(tmp_path / "1.png", np.zeros((64, 640, 3), np.uint8))
    save(tmp_path / "2.png", np.zeros((640, 64, 3), np.uint8))
    with pytest.raises(ClipError, match="640 × 640 pixels"):
        open_clip(tmp_path, Limits(max_image_pixels=50_000))

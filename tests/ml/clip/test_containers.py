"""Which containers are read, from which stream, and that reading may start anywhere in each."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from ml.clip import Clip, ClipError, Limits, open_clip
from ml.clip.media_types import media_type_of
from tests.ml.clip.generated_media import SIZE, encode, number_of, numbered, numbers, write_video

DV_SIZE = (720, 576)
INPUTS = Path(__file__).resolve().parents[4] / "shared" / "inputs"


def textured(level: int, size: tuple[int, int]) -> np.ndarray:
    """Grey with noise: frames of the size that cameras write, so that each has a packet of its own."""
    noise = np.random.default_rng(level).integers(-10, 11, (size[1], size[0], 1))
    return np.clip(level + noise, 0, 255).astype(np.uint8).repeat(3, axis=2)


def assert_seeks(clip: Clip, *, every: int = 1) -> None:
    """Reading from any frame gives what reading all of them gives there."""
    whole = [image.copy() for image in clip.frames(size=SIZE)]
    assert len(whole) == clip.frame_count
    for start in range(1, clip.frame_count, every):
        assert np.array_equal(next(iter(clip.frames(start=start, size=SIZE))), whole[start]), start


@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [
        ("a.wmv", "asf", {"codec": "wmv2"}),
        ("a.asf", "asf", {"codec": "msmpeg4", "container_format": "asf"}),
        ("a.mxf", "mxf", {"codec": "mpeg2video", "encoder": {"qmax": "4"}}),
        ("a.dv", "dv", {"codec": "dvvideo"}),
        ("a.mts", "mpegts", {"container_format": "mpegts", "muxer": {"mpegts_m2ts_mode": "1"}}),
        ("a.ts", "mpegts", {}),
        ("a.mpg", "mpeg", {"codec": "mpeg2video", "encoder": {"qmax": "4"}}),
        ("a.vob", "mpeg", {"codec": "mpeg2video", "encoder": {"qmax": "4"}}),
        ("a.m2v", "mpegvideo", {"codec": "mpeg2video", "container_format": "mpeg2video"}),
        ("a.m1v", "mpegvideo", {"codec": "mpeg1video", "container_format": "mpeg1video", "encoder": {"bf": "2", "qmax": "4"}}),
        ("a.mjpeg", "mjpeg", {"codec": "mjpeg", "pixel_format": "yuvj420p"}),
        ("a.flv", "flv", {"codec": "flv"}),
        ("a.avi", "avi", {"codec": "mpeg4", "encoder": {"bf": "2", "qmax": "4"}}),
        ("a.mkv", "matroska", {}),
        ("a.mp4", "mov", {}),
    ],
)
def test_a_container_gives_every_frame_from_anywhere(tmp_path, name, kind, options):
    size = DV_SIZE if kind == "dv" else SIZE
    levels = np.arange(10, 250, 12)
    path = encode(tmp_path / name, (textured(level, size) for level in levels), **options)
    assert media_type_of(path) == kind
    clip = open_clip(path)
    assert (clip.kind, clip.fps, clip.frame_count, clip.height) == ("video", 25.0, 20, size[1])
    seen = np.array([image.mean() for image in clip.frames(size=SIZE)])
    assert (np.diff(seen) > 0).all()
    assert seen == pytest.approx(levels, abs=12)
    assert_seeks(clip, every=3)


def test_transport_stream_with_checksums_in_its_packets(tmp_path):
    """Packets of 204 bytes, as receivers of broadcasts record them."""
    data = encode(tmp_path / "a.ts", (numbered(k) for k in range(20))).read_bytes()
    (tmp_path / "b.ts").write_bytes(b"".join(data[k : k + 188] + bytes(16) for k in range(0, len(data), 188)))
    assert numbers(open_clip(tmp_path / "b.ts")) == list(range(20))


@pytest.mark.parametrize("suffix", [".ts", ".mpg"])
@pytest.mark.parametrize("interval", [1, 7, 300])
@pytest.mark.parametrize("open_groups", ["closed", "open"])
def test_seeking_where_a_container_has_no_index(tmp_path, suffix, interval, open_groups):
    encoder = {"g": str(interval), "bf": "2" if interval > 1 else "0", "qmax": "10"}
    if suffix == ".ts":
        codec, encoder["x264-params"] = "libx264", f"scenecut=0:open-gop={int(open_groups == 'open')}"
    else:
        codec, encoder["flags"] = "mpeg2video", "+cgop" if open_groups == "closed" else "-cgop"
        encoder["sc_threshold"] = "1000000000"
    images = (textured(10 + 4 * k, (160, 120)) for k in range(60))
    clip = open_clip(encode(tmp_path / f"a{suffix}", images, codec=codec, encoder=encoder))
    assert clip.frame_count == 60
    assert_seeks(clip)


def test_the_stream_flagged_as_default_is_read(tmp_path):
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("libx264", rate=25) for _ in range(2)]
        for stream, size, disposition in zip(streams, ((160, 120), SIZE), (0, av.stream.Disposition.default), strict=True):
            stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
            stream.disposition = disposition
        for index in range(20):
            for stream in streams:
                frame = av.VideoFrame.from_ndarray(numbered(index, (stream.width, stream.height)), format="rgb24")
                frame.pts, frame.time_base = index, Fraction(1, 25)
                container.mux(stream.encode(frame))
        for stream in streams:
            container.mux(stream.encode(None))
    clip = open_clip(path)
    assert (clip.width, clip.height) == SIZE
    assert numbers(clip) == list(range(20))


@pytest.mark.parametrize("tail", [b"Uploaded with a phone. " * 40, bytes(300), b"\xff\xd8\xff\xe1 a preview" * 30, b"123"])
def test_bytes_behind_a_complete_video_are_passed_over(tmp_path, tail):
    path = write_video(tmp_path / "a.mp4", [k / 30 for k in range(20)])
    path.write_bytes(path.read_bytes() + tail)
    assert numbers(open_clip(path)) == list(range(20))


@pytest.mark.parametrize("kind", [b"mdat", b"moof"])
def test_a_box_that_is_cut_is_still_refused(tmp_path, kind):
    path = write_video(tmp_path / "a.mp4", [k / 30 for k in range(20)])
    path.write_bytes(path.read_bytes() + (10_000).to_bytes(4, "big") + kind + bytes(100))
    with pytest.raises(ClipError, match=r"a\.mp4 is not complete: 9\.9 kB are missing"):
        open_clip(path)


@pytest.mark.parametrize("jump", [90_000 * 7200, -90_000 * 3600, -12_000])
def test_a_clock_that_jumps_does_not_lengthen_or_shorten_the_clip(tmp_path, jump):
    """Recordings in parts, one behind the other: the second part's clock is hours ahead, behind, or almost where it should."""
    parts = [(0, jump), (20, 0)] if jump < 0 else [(0, 0), (20, jump)]
    data = b""
    for first, ticks in parts:
        muxer = {"output_ts_offset": str(abs(ticks) / 90_000)}
        path = encode(tmp_path / "part.ts", (numbered(k) for k in range(first, first + 20)), first=first, muxer=muxer)
        data += path.read_bytes()
    (tmp_path / "a.ts").write_bytes(data)
    clip = open_clip(tmp_path / "a.ts")
    assert (clip.fps, clip.frame_count) == (25.0, 40)
    assert numbers(clip) == list(range(40))
    assert_seeks(clip)
    assert "clock of the recording jumps once" in " ".join(clip.notes)


def test_a_clock_that_jumps_in_a_stream_that_was_recorded(tmp_path):
    times = [*(k / 30 for k in range(20)), *(7200 + k / 30 for k in range(20, 40))]
    clip = open_clip(write_video(tmp_path / "a.flv", times, codec="flv"))
    assert (clip.fps, clip.frame_count) == (pytest.approx(30, abs=0.5), 40)
    assert_seeks(clip)


def test_a_pause_in_a_recording_stays_a_pause(tmp_path):
    clip = open_clip(write_video(tmp_path / "a.ts", [*(k / 30 for k in range(10)), *(5 + k / 30 for k in range(10))]))
    assert clip.frame_count == (5 * 30) + 10
    assert clip.notes == ()


def test_a_frame_of_another_shape_is_fitted_on_the_canvas(tmp_path):
    """A phone that is turned while it records: the frames become 48 × 64, shown 36 pixels wide in the middle of 64 × 48."""
    white = np.full((64, 48, 3), 235, np.uint8)
    data = encode(tmp_path / "a.ts", [np.full((48, 64, 3), 128, np.uint8)] * 10).read_bytes()
    data += encode(tmp_path / "b.ts", [white] * 10, first=10).read_bytes()
    (tmp_path / "turned.ts").write_bytes(data)
    clip = open_clip(tmp_path / "turned.ts")
    assert (clip.width, clip.height, clip.frame_count) == (64, 48, 20)
    planar = [frame.to_ndarray(format="rgb24") for frame in clip.planar_frames(SIZE)]
    for frames in (list(clip.frames()), planar):
        assert frames[9].mean() == pytest.approx(128, abs=3)
        assert frames[10][:, 16:48].mean() == pytest.approx(235, abs=3)
        assert max(frames[10][:, :12].max(), frames[10][:, 52:].max()) <= 3
    assert_seeks(clip)


@pytest.mark.parametrize("later", [(1024, 1024), (320, 256)])
def test_frames_that_grow_beyond_the_limit_are_refused(tmp_path, later):
    data = b""
    for first, (width, height) in ((0, SIZE), (10, later)):
        image = np.full((height, width, 3), 90, np.uint8)
        data += encode(tmp_path / "part.ts", [image] * 10, first=first).read_bytes()
    (tmp_path / "a.ts").write_bytes(data)
    with pytest.raises(ClipError, match=r"a\.ts (is 320 × 256 pixels at|cannot be decoded .*larger than 0\.1 megapixels)"):
        list(open_clip(tmp_path / "a.ts", Limits(max_pixels=80_000)).frames(size=SIZE))


def test_a_photograph_with_a_second_view_or_preview_is_no_video(tmp_path):
    jpeg = {"codec": "mjpeg", "pixel_format": "yuvj420p"}
    frames = [encode(tmp_path / f"{k}.mjpeg", [numbered(k)], **jpeg).read_bytes() for k in (1, 2)]
    mpf = b"\xff\xe2\x00\x08MPF\x00\x00\x00"
    small = encode(tmp_path / "s.mjpeg", [numbered(0, (32, 32))], **jpeg).read_bytes()
    for name, data in (
        ("views.jpg", frames[0][:2] + mpf + frames[0][2:] + frames[1]),
        ("preview.jpg", frames[0] + small),
        ("plain.jpg", frames[0]),
        ("padded.jpg", frames[0] + bytes(100)),
    ):
        (tmp_path / name).write_bytes(data)
        assert media_type_of(tmp_path / name) == "JPEG"
        assert open_clip(tmp_path / name).kind == "images"
    for fill in (b"", bytes(100), b"\xff" * 7):
        (tmp_path / "video.jpg").write_bytes(fill.join(frames))
        assert open_clip(tmp_path / "video.jpg").frame_count == 2


@pytest.mark.media
@pytest.mark.parametrize(
    ("name", "count", "size"),
    [
        ("avchd.mts", 30, (620, 1080)),
        ("cam.mjpeg", 30, (620, 1080)),
        ("gap.mp4", 100, (620, 1080)),
        ("gap.ts", 100, (620, 1080)),
        ("jump.ts", 30, (620, 1080)),
        ("orientchange.ts", 30, (620, 1080)),
        ("trailer_text.mp4", 30, (620, 1080)),
        ("two_streams_default2.mkv", 30, (620, 1080)),
        ("zero_matrix.mp4", 30, (620, 1080)),
        ("hflip_matrix.mp4", 30, (620, 1080)),
        ("pq10.mov", 30, (620, 1080)),
        ("dexycb", 3, (720, 382)),
        ("gray16.png", 1, (720, 382)),
    ],
)
def test_real_files_of_users_are_read(name, count, size):
    path = INPUTS / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    clip = open_clip(path)
    assert (clip.frame_count, clip.width, clip.height) == (count, *size)
    if clip.kind == "video":
        assert_seeks(clip, every=11)


@pytest.mark.media
def test_a_transport_stream_has_the_same_black_frames_as_the_mp4_version():
    if not (INPUTS / "gap.ts").exists():
        pytest.skip(f"{INPUTS / 'gap.ts'} is not there")
    for name in ("gap.ts", "gap.mp4"):
        clip = open_clip(INPUTS / name)
        for start in (0, 29, 38, 50):
            dark = [start + k for k, image in enumerate(clip.frames(start=start, size=SIZE)) if number_of(image) < 0]
            assert dark == [k for k in range(30, 46) if k >= start], name

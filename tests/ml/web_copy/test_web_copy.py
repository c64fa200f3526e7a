"""Ingestion: what is stored of a file, and that hostile or broken files leave no files behind."""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tracemalloc
import zipfile
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from ml.clip import ClipError, Limits, open_clip
from ml.clip.encode import web_video
from ml.web_copy import FACTS, FILMSTRIP, POSTER, TIMESTAMPS, WEB_VIDEO, make_web_copy, web_size
from ml.web_copy.image_archive import unpack_images

SIZE = (64, 48)
MEDIA = Path(__file__).resolve().parents[4] / "shared" / "media"


def silent(stage: str, fraction: float) -> None:
    pass


def grey(level: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    return np.full((size[1], size[0], 3), level, np.uint8)


def png(level: int, size: tuple[int, int] = SIZE) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(grey(level, size)).save(stream, "PNG")
    return stream.getvalue()


@pytest.fixture
def video(tmp_path: Path) -> Path:
    path = tmp_path / "hands.mp4"
    with web_video(path, Fraction(25), SIZE) as writer:
        for index in range(40):
            writer.write(grey(10 + 4 * index))
    return path


def archive(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in members.items():
            opened.writestr(name, data)
    return path


def levels(path: Path) -> list[int]:
    return [int(np.median(p)) for p in open_clip(path).frames()]


def test_a_video_is_kept_as_web_copy_thumbnails_and_facts(video, tmp_path):
    stages = []
    target = tmp_path / "kept" / "7"
    ingested = make_web_copy(video, target, progress=lambda *told: stages.append(told))
    assert sorted(p.name for p in target.iterdir()) == sorted([WEB_VIDEO, POSTER, FILMSTRIP, TIMESTAMPS, FACTS])
    assert (ingested.kind, ingested.fps, ingested.frame_count, ingested.duration) == ("video", 25.0, 40, 1.6)
    assert (ingested.width, ingested.height, ingested.codec, ingested.rotation) == (*SIZE, "h264", 0)
    assert (ingested.duplicates, ingested.drops, ingested.variable_rate) == (0, 0, False)
    assert (ingested.sha256, ingested.size) == (hashlib.sha256(video.read_bytes()).hexdigest(), video.stat().st_size)
    assert json.loads((target / FACTS).read_text()) == ingested.facts()
    assert levels(target / WEB_VIDEO) == pytest.approx([10 + 4 * k for k in range(40)], abs=2)
    with Image.open(target / FILMSTRIP) as strip:
        assert strip.size == (ingested.thumbnails * 120, 90)
    with Image.open(target / POSTER) as poster:
        assert poster.size == SIZE
    with np.load(target / TIMESTAMPS) as table:
        assert table["source_seconds"] == pytest.approx(np.arange(40) / 25)
        assert np.array_equal(table["source_index"], np.arange(40))
    assert stages[0][0] == "checking"
    assert stages[-1] == ("ready", 1.0)
    assert list((tmp_path / "kept").iterdir()) == [target]


def test_the_web_copy_is_seekable(video, tmp_path):
    make_web_copy(video, tmp_path / "kept", progress=silent)
    with av.open(str(tmp_path / "kept" / WEB_VIDEO)) as container:
        packets = [p for p in container.demux(container.streams.video[0]) if p.size]
    assert [p.pts for p in packets] == [p.dts for p in packets]
    assert packets[0].pts == 0
    assert max(np.diff([i for i, p in enumerate(packets) if p.is_keyframe])) <= 15
    data = (tmp_path / "kept" / WEB_VIDEO).read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert b"elst" not in data


@pytest.mark.media
@pytest.mark.parametrize("name", ["asl_hand_25fps.mp4", "hands_pan.mp4"])
def test_the_web_copy_is_at_most_twice_as_large_and_looks_the_same(tmp_path, name):
    """Both sources are coded with B-frames and hundreds of frames between keyframes, which the copy may not have."""
    source = MEDIA / name
    if not source.exists():
        pytest.skip(f"{source} is not there")
    made = make_web_copy(source, tmp_path / "kept", progress=silent)
    copy = tmp_path / "kept" / WEB_VIDEO
    assert copy.stat().st_size < 2 * source.stat().st_size
    pairs = zip(open_clip(source).frames(), open_clip(copy).frames(), strict=True)
    errors = [np.abs(one[::4, ::4].astype(int) - other[::4, ::4]).mean() for one, other in pairs]
    assert len(errors) == made.frame_count
    assert max(errors) < 3


def test_variable_rate_is_counted(tmp_path):
    path = tmp_path / "phone.mkv"
    times = [k / 30 for k in range(60) if k not in (20, 21)]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for time in times:
            frame = av.VideoFrame.from_ndarray(grey(100), format="rgb24")
            frame.pts, frame.time_base = round(time * 1000), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    ingested = make_web_copy(path, tmp_path / "kept", progress=silent)
    assert (ingested.variable_rate, ingested.fps, ingested.frame_count, ingested.source_frame_count) == (True, 30.0, 60, 58)
    assert (ingested.duplicates, ingested.drops) == (2, 0)
    assert open_clip(tmp_path / "kept" / WEB_VIDEO).frame_count == 60


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((640, 480), (640, 480)),
        ((641, 481), (640, 480)),
        ((1920, 1080), (1280, 720)),
        ((1080, 1920), (720, 1280)),
        ((9, 1), (8, 2)),
    ],
)
def test_size_of_the_web_copy(size, expected):
    assert web_size(*size) == expected


@pytest.mark.parametrize("form", ["folder", "archive"])
def test_images_become_a_video_of_keyframes(tmp_path, form):
    members = {"set/img10.png": png(200), "set/img2.png": png(100, (48, 64)), "set/notes.txt": b"hello"}
    if form == "archive":
        source = archive(tmp_path / "set.zip", {**members, "__MACOSX/._img2.png": b"x"})
    else:
        source = tmp_path / "set"
        source.mkdir()
        for name, data in members.items():
            (tmp_path / name).write_bytes(data)
    ingested = make_web_copy(source, tmp_path / "kept", progress=silent)
    assert (ingested.kind, ingested.frame_count, ingested.codec) == ("images", 2, "images")
    assert (ingested.width, ingested.height) == (64, 64)
    assert ingested.left_out == (1 if form == "archive" else 0)
    assert levels(tmp_path / "kept" / WEB_VIDEO) == pytest.approx([100, 200], abs=2)
    with av.open(str(tmp_path / "kept" / WEB_VIDEO)) as container:
        assert all(p.is_keyframe for p in container.demux(container.streams.video[0]) if p.size)


def test_a_second_web_copy_replaces_the_first(video, tmp_path):
    for _ in range(2):
        make_web_copy(video, tmp_path / "kept", progress=silent)
    assert {p.name for p in tmp_path.iterdir()} == {"hands.mp4", "kept"}


class CancelledError(Exception):
    pass


def test_cancelling_leaves_nothing(video, tmp_path):
    def progress(stage: str, fraction: float) -> None:
        if stage == "web copy":
            raise CancelledError

    with pytest.raises(CancelledError):
        make_web_copy(video, tmp_path / "kept", progress=progress)
    assert list(tmp_path.iterdir()) == [video]


def test_an_error_leaves_nothing_and_names_the_file_as_its_owner_does(tmp_path):
    source = tmp_path / "0a1b2c"
    source.write_bytes(b"no video " * 100)
    with pytest.raises(ClipError, match=r"^My hands\.mp4 is not a video"):
        make_web_copy(source, tmp_path / "kept", progress=silent, name="My hands.mp4")
    assert list(tmp_path.iterdir()) == [source]


def test_a_zip_renamed_mp4_is_refused(tmp_path):
    source = archive(tmp_path / "hands.mp4", {"a.png": png(1)})
    with pytest.raises(ClipError, match=r"hands\.mp4 is a ZIP archive, not a video"):
        make_web_copy(source, tmp_path / "kept", progress=silent)


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"../evil.png": png(1)}, "outside the archive"),
        ({"/evil.png": png(1)}, "outside the archive"),
        ({"a\\..\\..\\evil.png": png(1)}, "outside the archive"),
        ({"C:/evil.png": png(1)}, "outside the archive"),
        ({"bomb.png": bytes(2_000_000)}, "100-fold"),
        ({"a.txt": b"hello"}, "without JPEG, PNG or WebP"),
        ({}, "without JPEG, PNG or WebP"),
    ],
)
def test_hostile_archives(tmp_path, members, sentence):
    source = archive(tmp_path / "set.zip", members)
    with pytest.raises(ClipError, match=sentence):
        make_web_copy(source, tmp_path / "kept", progress=silent)
    assert list(tmp_path.iterdir()) == [source]


def test_a_link_in_an_archive_is_refused(tmp_path):
    source = tmp_path / "set.zip"
    with zipfile.ZipFile(source, "w") as opened:
        link = zipfile.ZipInfo("a.png")
        link.external_attr = 0o120777 << 16
        opened.writestr(link, "/etc/passwd")
    with pytest.raises(ClipError, match="symbolic link"):
        make_web_copy(source, tmp_path / "kept", progress=silent)


def test_limits_of_archives(tmp_path):
    source = archive(tmp_path / "set.zip", {f"{k}.png": png(k) for k in range(5)})
    with pytest.raises(ClipError, match="at most 2 images"):
        make_web_copy(source, tmp_path / "kept", progress=silent, limits=Limits(max_images=2))
    with pytest.raises(ClipError, match="at most 100 bytes"):
        make_web_copy(source, tmp_path / "kept", progress=silent, limits=Limits(max_unpacked_bytes=100))


def test_an_archive_whose_header_understates_the_size_is_refused(tmp_path):
    data = bytearray(archive(tmp_path / "set.zip", {"a.png": np.random.default_rng(0).bytes(50_000)}).read_bytes())
    size = (50_000).to_bytes(4, "little")
    for start in (data.index(b"PK\x03\x04") + 22, data.index(b"PK\x01\x02") + 24):
        assert data[start : start + 4] == size
        data[start : start + 4] = (10).to_bytes(4, "little")
    (tmp_path / "lie.zip").write_bytes(data)
    (tmp_path / "out").mkdir()
    with pytest.raises(ClipError):
        unpack_images(tmp_path / "lie.zip", tmp_path / "out", Limits(max_unpacked_bytes=1000))
    assert sum(p.stat().st_size for p in (tmp_path / "out").iterdir()) <= 1000 + 10


def test_a_damaged_archive(tmp_path):
    source = tmp_path / "set.zip"
    source.write_bytes(archive(tmp_path / "whole.zip", {"a.png": png(1)}).read_bytes()[:60])
    with pytest.raises(ClipError, match="cannot be unpacked"):
        make_web_copy(source, tmp_path / "kept", progress=silent)


def test_files_beside_images_in_an_archive_are_named(tmp_path):
    deep = io.BytesIO()
    Image.fromarray(np.full(SIZE[::-1], 900, np.uint16)).save(deep, "PNG")
    source = archive(
        tmp_path / "set.zip",
        {
            "take/rgb/10.png": png(200),
            "take/rgb/2.png": png(100),
            "take/depth/2.png": png(255),
            "take/other/raw.png": deep.getvalue(),
            "take/IMG_1.HEIC": b"\0\0\0\x18ftypheic" + bytes(100),
            "take/meta.json": b"{}",
        },
    )
    made = make_web_copy(source, tmp_path / "kept", progress=silent)
    assert levels(tmp_path / "kept" / WEB_VIDEO) == pytest.approx([100, 200], abs=2)
    assert made.left_out == 4
    assert made.notes == [
        "Images of 2 folders are taken one after the other: take/other, take/rgb.",
        "HEIF or AVIF images left out (1): IMG_1.HEIC; export them as JPEG.",
        "Depth maps or masks left out (1): 2.png.",
        "Depth maps or masks left out (1): raw.png.",
    ]


def test_an_image_that_is_refused_has_the_name_it_has_in_the_archive(tmp_path):
    source = archive(tmp_path / "set.zip", {"a.png": png(1), "my hand.png": png(1, (200, 100))[:-60]})
    with pytest.raises(ClipError, match=r"^my hand\.png cannot be decoded"):
        make_web_copy(source, tmp_path / "kept", progress=silent)


def test_a_table_of_contents_that_is_too_long_is_not_read(tmp_path):
    """Over a million entries in 60 MB: counting the entries alone would take minutes."""
    source = tmp_path / "set.zip"
    entry = b"PK\x01\x02" + bytes(24) + (1).to_bytes(2, "little") + bytes(16) + b"a"
    count = 120_000
    directory = entry * count
    end = b"PK\x05\x06" + bytes(4) + struct.pack("<HHIIH", 65_535, 65_535, len(directory), 0, 0)
    source.write_bytes(b"PK\x03\x04" + bytes(26) + directory + end)
    tracemalloc.start()
    with pytest.raises(ClipError, match="a table of contents of 5640000 bytes; expected at most 4194304"):
        make_web_copy(source, tmp_path / "kept", progress=silent)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2_000_000


def test_images_that_take_too_long_to_decode_are_refused_before_they_are(tmp_path):
    source = archive(tmp_path / "set.zip", {f"{k}.png": png(k, (400, 300))[:-60] for k in range(5)})
    stages = []
    with pytest.raises(ClipError, match=r"^set\.zip holds 5 images of 0\.6 million pixels together; at most 0\.5 million"):
        make_web_copy(
            source,
            tmp_path / "kept",
            progress=lambda stage, _: stages.append(stage),
            limits=Limits(max_total_image_pixels=500_000),
        )
    assert set(stages) == {"checking"}


def test_a_mirrored_video_keeps_its_side_and_says_so(tmp_path, video):
    data = bytearray(video.read_bytes())
    place = data.index(b"tkhd") + 4 + 40
    data[place : place + 4] = (-1 << 16).to_bytes(4, "big", signed=True)
    source = tmp_path / "mirror.mp4"
    source.write_bytes(data)
    made = make_web_copy(source, tmp_path / "kept", progress=silent)
    assert (made.mirrored, made.rotation, made.width, made.height) == (True, 0, *SIZE)

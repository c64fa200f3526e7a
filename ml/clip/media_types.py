"""What a file is by its content; names and their endings are not believed."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO, Final

VIDEO_FORMATS: Final = (*("mov", "matroska", "avi", "mpegts", "mpeg", "mpegvideo", "ogg", "flv", "asf", "mxf", "dv", "mjpeg"),)
"""Containers that are opened, by FFmpeg's names. Playlists (HLS, concat) are not among them: they name other files."""

IMAGE_FORMATS: Final = ("JPEG", "PNG", "WEBP")
"""Images that are opened, by Pillow's names."""

ANIMATED_FORMATS: Final = {"animated PNG": "PNG", "animated WEBP": "WEBP"}
"""Images of several frames, with the format that Pillow opens them as."""

MAX_CHUNKS: Final = 100_000
"""Chunks of an image that are read in search of a second frame."""

_PADDING: Final = 4096
"""Bytes that may fill up a frame of an MJPEG stream."""

_ISO_BOXES: Final = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_HEIF_BRANDS: Final = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis")
_TS_PACKETS: Final = ((188, 0), (192, 4), (204, 0))
"""Bytes of an MPEG transport stream's packets and of what precedes the first: broadcast, Blu-ray and AVCHD, with checksums."""

_NAMES: Final = {
    "zip": "a ZIP archive",
    "HEIF": "a HEIF or AVIF image (export it as JPEG)",
    "audio": "audio only",
    "gif": "a GIF",
    "pdf": "a PDF",
    "rar": "a RAR archive",
    "7z": "a 7z archive",
    "gzip": "a gzip archive",
    "html": "a web page",
    "playlist": "a playlist, which names other files",
}

_PREFIXES: Final = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\x1a\x45\xdf\xa3", "matroska"),
    (b"OggS", "ogg"),
    (b"FLV\x01", "flv"),
    (b"\x00\x00\x01\xba", "mpeg"),
    (b"\x00\x00\x01\xb3", "mpegvideo"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "asf"),
    (b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01", "mxf"),
    (b"\x1f\x07\x00\x3f", "dv"),
    (b"\x1f\x07\x00\xbf", "dv"),
    (b"PK\x03\x04", "zip"),
    (b"PK\x05\x06", "zip"),
    (b"GIF8", "gif"),
    (b"%PDF", "pdf"),
    (b"Rar!", "rar"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x1f\x8b", "gzip"),
    (b"ID3", "audio"),
    (b"fLaC", "audio"),
    (b"\xff\xfb", "audio"),
    (b"\xff\xf3", "audio"),
    (b"\xff\xf1", "audio"),
    (b"\xff\xf9", "audio"),
    (b"#EXTM3U", "playlist"),
    (b"ffconcat", "playlist"),
)


def media_type_of(path: Path) -> str:
    """Name of what a file holds: one of the formats above, another known name, or `unknown`."""
    with path.open("rb") as stream:
        kind = _kind_of(stream.read(1024))
        if kind == "JPEG" and _is_jpeg_stream(stream):
            return "mjpeg"
        if (kind == "PNG" and _is_animated_png(stream)) or (kind == "WEBP" and _is_animated_webp(stream)):
            return f"animated {kind}"
    return kind


def described(content: str) -> str:
    """What a person would call a content that is not accepted here."""
    return _NAMES.get(content, "not a kind of file known here")


def _kind_of(head: bytes) -> str:
    for prefix, name in _PREFIXES:
        if head.startswith(prefix):
            return name
    if head[:4] == b"RIFF":
        return {b"AVI ": "avi", b"WEBP": "WEBP", b"WAVE": "audio"}.get(head[8:12], "unknown")
    if head[4:8] in _ISO_BOXES:
        return "HEIF" if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS else "mov"
    for size, first in _TS_PACKETS:
        if len(head) > first + 2 * size and head[first] == head[first + size] == head[first + 2 * size] == 0x47:
            return "mpegts"
    if head.lstrip()[:9].lower() in (b"<!doctype", b"<html>") or head.lstrip()[:5].lower() == b"<html":
        return "html"
    return "unknown"


def _is_jpeg_stream(stream: BinaryIO) -> bool:
    """Whether a JPEG of the same size follows the first: then these are the frames of a raw MJPEG video.

    Cameras append previews, gain maps and second views to photographs; those are smaller, or listed in an MPF segment.
    """
    stream.seek(0)
    first = _jpeg_size(stream)
    if first is None or not _to_end_of_jpeg(stream):
        return False
    following = stream.read(_PADDING)
    begin = following.find(b"\xff\xd8")
    if begin < 0 or following[:begin].strip(b"\x00\xff"):
        return False
    stream.seek(begin + 2 - len(following), 1)
    return _jpeg_size(stream, inside=True) == first


def _jpeg_size(stream: BinaryIO, *, inside: bool = False) -> bytes | None:
    """Height and width as the header says, with the stream left at the compressed data; None where several are declared."""
    size = None
    if not inside:
        stream.seek(2, 1)
    for _ in range(MAX_CHUNKS):
        mark = stream.read(4)
        if len(mark) < 4 or mark[0] != 0xFF:
            return None
        length = int.from_bytes(mark[2:], "big")
        body = stream.read(max(0, length - 2))
        if mark[1] in (0xC0, 0xC1, 0xC2):
            size = body[1:5]
        if mark[1] == 0xE2 and body.startswith(b"MPF\0"):
            return None
        if mark[1] == 0xDA:
            return size
    return None


def _to_end_of_jpeg(stream: BinaryIO) -> bool:
    """Move behind the end-of-image marker; within compressed data it occurs only as itself."""
    last = b""
    while chunk := stream.read(1 << 16):
        place = (last + chunk).find(b"\xff\xd9")
        if place >= 0:
            stream.seek(place + 2 - len(last) - len(chunk), 1)
            return True
        last = chunk[-1:]
    return False


def _is_animated_png(stream: BinaryIO) -> bool:
    """Whether an animation control chunk of several frames precedes the image data (PNG, third edition, 11.3.6)."""
    stream.seek(8)
    for _ in range(MAX_CHUNKS):
        head = stream.read(8)
        length, kind = int.from_bytes(head[:4], "big"), head[4:]
        if len(head) < 8 or kind == b"IDAT":
            return False
        if kind == b"acTL":
            return int.from_bytes(stream.read(4), "big") > 1
        stream.seek(length + 4, 1)
    return False


def _is_animated_webp(stream: BinaryIO) -> bool:
    """Whether an extended WebP file holds more than one frame chunk (RFC 9649, 2.7.1)."""
    stream.seek(12)
    frames = 0
    for _ in range(MAX_CHUNKS):
        head = stream.read(8)
        if len(head) < 8:
            return False
        frames += head[:4] == b"ANMF"
        if frames > 1:
            return True
        length = int.from_bytes(head[4:], "little")
        stream.seek(length + length % 2, 1)
    return False

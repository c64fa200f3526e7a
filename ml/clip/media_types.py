"""What a file is by its first bytes; names and their endings are not believed."""

from __future__ import annotations

from pathlib import Path
from typing import Final

VIDEO_FORMATS: Final = ("mov", "matroska", "avi", "mpegts", "mpeg", "ogg", "flv")
"""Containers that are opened, by FFmpeg's names. Playlists (HLS, concat) are not among them: they name other files."""

IMAGE_FORMATS: Final = ("JPEG", "PNG", "WEBP")
"""Images that are opened, by Pillow's names."""

_ISO_BOXES: Final = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_HEIF_BRANDS: Final = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis")

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
    (b"\x00\x00\x01\xb3", "mpeg"),
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
    """Name of what a file holds: one of `VIDEO_FORMATS`, `IMAGE_FORMATS`, another known name, or `unknown`."""
    with path.open("rb") as stream:
        head = stream.read(1024)
    for prefix, name in _PREFIXES:
        if head.startswith(prefix):
            return name
    if head[:4] == b"RIFF":
        return {b"AVI ": "avi", b"WEBP": "WEBP", b"WAVE": "audio"}.get(head[8:12], "unknown")
    if head[4:8] in _ISO_BOXES:
        return "HEIF" if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS else "mov"
    if len(head) >= 377 and head[0] == head[188] == head[376] == 0x47:
        return "mpegts"
    if head.lstrip()[:9].lower() in (b"<!doctype", b"<html>") or head.lstrip()[:5].lower() == b"<html":
        return "html"
    return "unknown"


def described(content: str) -> str:
    """What a person would call a content that is not accepted here."""
    return _NAMES.get(content, "not a kind of file known here")

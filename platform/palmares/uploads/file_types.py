"""What a file is by its first bytes, checked before anything is stored; workers decode the rest."""

from __future__ import annotations

from typing import Final

from palmares.api.problems import UnsupportedContentError

HEAD_BYTES: Final = 4096
"""Bytes at the beginning of a file that are looked at."""

_EXTENSIONS: Final = {
    "MP4 or QuickTime video": ".mp4",
    "Matroska or WebM video": ".mkv",
    "AVI video": ".avi",
    "MPEG transport stream": ".ts",
    "MPEG video": ".mpg",
    "Ogg video": ".ogv",
    "Flash video": ".flv",
    "Windows Media video": ".wmv",
    "MXF video": ".mxf",
    "DV video": ".dv",
    "JPEG image": ".jpg",
    "PNG image": ".png",
    "WebP image": ".webp",
    "ZIP archive": ".zip",
}
"""What is accepted, and the ending it is stored under; the ending of the person's own name never reaches the disk."""

_PREFIXES: Final = (
    (b"\x1a\x45\xdf\xa3", "Matroska or WebM video"),
    (b"OggS", "Ogg video"),
    (b"FLV\x01", "Flash video"),
    (b"\x00\x00\x01\xba", "MPEG video"),
    (b"\x00\x00\x01\xb3", "MPEG video"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media video"),
    (b"\x06\x0e\x2b\x34\x02\x05\x01\x01\x0d\x01\x02\x01\x01", "MXF video"),
    (b"\x1f\x07\x00\x3f", "DV video"),
    (b"\x1f\x07\x00\xbf", "DV video"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"\x89PNG\r\n\x1a\n", "PNG image"),
    (b"PK\x03\x04", "ZIP archive"),
    (b"PK\x05\x06", "ZIP archive"),
    (b"GIF8", "GIF image"),
    (b"%PDF", "PDF document"),
    (b"ID3", "sound file"),
    (b"fLaC", "sound file"),
    (b"Rar!", "RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "7z archive"),
    (b"\x1f\x8b", "gzip archive"),
    (b"#EXTM3U", "playlist"),
)
_RIFF: Final = {b"AVI ": "AVI video", b"WEBP": "WebP image", b"WAVE": "sound file"}
_ISO_BOXES: Final = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_HEIF_BRANDS: Final = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis")
_VIDEO_ENDINGS: Final = (
    *(".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".3gp", ".wmv", ".mxf", ".dv"),
)
_TS_PACKETS: Final = ((188, 0), (192, 4), (204, 0))
"""Bytes of a transport stream's packets and of what precedes the first: broadcast, Blu-ray and AVCHD, with checksums."""


def media_type_of(head: bytes) -> str:
    """Type of a file in words, from its first bytes; `unknown kind of file` where they match nothing."""
    for prefix, words in _PREFIXES:
        if head.startswith(prefix):
            return words
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], "unknown kind of file")
    if head[4:8] in _ISO_BOXES:
        return "HEIF image" if head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS else "MP4 or QuickTime video"
    for size, first in _TS_PACKETS:
        if len(head) > first + 2 * size and head[first] == head[first + size] == head[first + 2 * size] == 0x47:
            return "MPEG transport stream"
    return "unknown kind of file"


def checked_extension(*, head: bytes, name: str) -> str:
    """The ending under which a file is stored.

    Args:
        head: the first `HEAD_BYTES` bytes, or all there are.
        name: the file's name on the disk it came from; for the sentence only.

    Raises:
        UnsupportedContentError: neither a video, an image nor an archive of images.
    """
    words = media_type_of(head)
    if words == "ZIP archive" and name.lower().endswith(_VIDEO_ENDINGS):
        raise UnsupportedContentError(
            f'"{name}" is named like a video but is a ZIP archive; upload the video itself, or a .zip of images.',
            field="file",
        )
    if words not in _EXTENSIONS:
        kind = "file of an unknown kind" if words == "unknown kind of file" else words
        raise UnsupportedContentError(
            f'"{name}" is not a video: it is a {kind}; accepted are videos (MP4, MOV, WebM, MKV, AVI, MPEG, '
            "AVCHD, WMV, MXF, DV), images (JPEG, PNG, WebP) and a ZIP of images.",
            field="file",
        )
    return _EXTENSIONS[words]


def is_images(extension: str) -> bool:
    """Whether files stored under this ending hold images."""
    return extension in (".jpg", ".png", ".webp", ".zip")

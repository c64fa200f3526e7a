"""Errors about files that cannot be read: what is wrong, where, and what would be right."""

from __future__ import annotations

from pathlib import Path

_SIGNATURES = (
    (b"PK", "a zip archive"),
    (b"\x80", "a pickle, which is never loaded"),
    (b"\x93NUMPY", "a single .npy array"),
    (b"\x1f\x8b", "gzip"),
    (b"\x89HDF", "HDF5"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"%PDF", "a PDF"),
    (b"<", "HTML or XML"),
    (b"\xef\xbb\xbf", "text with a byte-order mark"),
    (b"\xff\xfe", "text in UTF-16"),
    (b"\xfe\xff", "text in UTF-16"),
)


class FormatError(ValueError):
    """A file is not what its format asks for. The message is one sentence for the file's author."""


def kind_of(path: Path) -> str:
    """What a file is, by its first bytes: a few words for a message."""
    with path.open("rb") as stream:
        head = stream.read(16)
    if not head:
        return "an empty file"
    return next(
        (kind for signature, kind in _SIGNATURES if head.startswith(signature)), f"a file that begins with {head[:8]!r}"
    )

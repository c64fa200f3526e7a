"""Checks of command-line arguments, made before the work begins. The functions for numbers are types for `argparse`."""

from __future__ import annotations

import math
import os
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Final

MAX_FOCAL_PX: Final = 1e6


def positive_int(text: str) -> int:
    """A whole number above 0."""
    if not (text.isascii() and text.isdecimal()) or int(text) < 1:
        raise ArgumentTypeError(f"{text!r}, expected a whole number above 0")
    return int(text)


def focal_length(text: str) -> float:
    """A focal length in pixels, above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= MAX_FOCAL_PX:
        raise ArgumentTypeError(f"{text!r}, expected a focal length in pixels above 0, such as 1200")
    return value


def check_writable(path: Path, *inputs: Path) -> None:
    """Refuse an output file that cannot be written or is one of the inputs; create the folders that it lies in.

    Raises:
        OSError: the message is a sentence.
    """
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder, expected the name of a file in it")
    if any(path.exists() and given.exists() and path.samefile(given) for given in inputs):
        raise FileExistsError(f"{path} is the input and would be overwritten, expected another file")
    ancestor = next(parent for parent in path.absolute().parents if parent.exists())
    if not ancestor.is_dir():
        raise NotADirectoryError(f"{path} cannot be written: {ancestor} is a file, expected a folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        is_new = not os.path.lexists(path)
        with path.open("ab"):
            pass
    except OSError as error:
        raise OSError(f"{path} cannot be written: {error.strerror or error}") from error
    if is_new:
        path.unlink()

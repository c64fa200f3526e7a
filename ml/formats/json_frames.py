"""Lists of frames of points in JSON files of any length, read piece by piece.

A prediction of FreiHAND or HO3D is one JSON text of a gigabyte, `[xyz, verts]`; as Python objects it would take ten. So the
file is walked once to find where each frame begins and ends, and frames are parsed as they are needed. Every byte is
still checked: what lies between frames by the walk; within, values by simdjson, and which brackets hold them by what is left
of the text without its numbers.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

import numpy as np
import orjson
import simdjson

from ml.formats.faults import FormatError, kind_of
from ml.formats.frames import FARTHEST, out_of_reach

MAX_FRAMES: Final = 1_000_000
MAX_FRAME_BYTES: Final = 4 << 20
"""Longest frame: about 60 000 vertices of 64 bytes. Also the longest run of white space."""
_READ: Final = 16 << 20

_SPACE = re.compile(rb"[ \t\r\n]*+")
_HEAD = re.compile(rb"\[[ \t\r\n]*+(\[[ \t\r\n]*+)?")
"""How a frame begins: its own bracket, and that of its first point."""
_NEST = re.compile(rb"\[[^\[\]]*+\[")
"""A list within a list; after a frame's own bracket, one level too many."""
_EMPTY_FRAME = re.compile(rb"\[[ \t\r\n]*+\]")
_NUMBERS: Final = b"0123456789+-.eE \t\r\n"
"""What numbers and the space between them consist of; a frame without it is `[[,,],[,,],…]`."""


@dataclass(frozen=True)
class JsonFrames:
    """N frames of points within a JSON file.

    Attributes:
        path: the file.
        label: how messages call the list: `` `xyz` of pred.json ``.
        starts, stops: int64 [N], bytes that each frame takes up.
    """

    path: Path
    label: str
    starts: np.ndarray
    stops: np.ndarray

    def __len__(self) -> int:
        return len(self.starts)

    def read(self, first: int, last: int, points: int) -> np.ndarray:
        """Frames from `first` up to `last` as float64 [last − first, points, 3].

        Raises:
            FormatError: a frame is not a list of so many [x, y, z] of finite numbers; the message says which and why.
        """
        if last <= first:
            return np.empty((0, points, 3))
        offset = int(self.starts[first])
        with self.path.open("rb") as file:
            text = _read_at(file, offset, int(self.stops[last - 1]) - offset)
        parse = simdjson.Parser().parse
        brackets = b"[" + b",".join([b"[,,]"] * points) + b"]"
        frames = []
        for frame in range(first, last):
            piece = text[self.starts[frame] - offset : self.stops[frame] - offset]
            try:
                if piece.translate(None, _NUMBERS) != brackets:
                    raise ValueError
                frames.append(cast("simdjson.Array", parse(piece)).as_buffer(of_type="d"))
            except (ValueError, TypeError, RuntimeError):  # the last for an integer of more than 64 bits
                raise FormatError(self._fault(frame, piece, points)) from None
        values = np.frombuffer(b"".join(frames)).reshape(last - first, points, 3)
        if (wrong := out_of_reach(values)).any():
            frame, point = np.argwhere(wrong)[0]
            found = ", ".join(f"{v:.3g}" for v in values[frame, point])
            raise FormatError(
                f"frame {first + frame} of {self.label}: point {point} is [{found}], expected coordinates of a hand"
            )
        return values

    def count_points(self, frame: int) -> int:
        """How many points a frame holds, without asking what they are."""
        with self.path.open("rb") as file:
            piece = _read_at(file, int(self.starts[frame]), int(self.stops[frame] - self.starts[frame]))
        try:
            rows = orjson.loads(piece)
        except ValueError:
            raise FormatError(self._fault(frame, piece, None)) from None
        return len(rows)

    def _fault(self, frame: int, piece: bytes, points: int | None) -> str:
        """What is wrong with a frame that could not be taken."""
        where = f"frame {frame} of {self.label}"
        if b"NaN" in piece or b"Infinity" in piece:
            word = "NaN" if b"NaN" in piece else "Infinity"
            return f"{where}: {word}, expected finite numbers"
        try:
            rows = orjson.loads(piece)
        except ValueError as error:
            return f"{where}: {str(error).split(':')[0]}, expected a list of [x, y, z]"
        if points is not None and len(rows) != points:
            thing = "joints" if points == 21 else "points"
            return f"{where}: {len(rows)} {thing}, expected {points}"
        faults = (f"point {index} {fault}" for index, row in enumerate(rows) if (fault := _fault_of_point(row)))
        return f"{where}: {next(faults, 'expected a list of [x, y, z]')}"


def _fault_of_point(row: Any) -> str | None:
    if not isinstance(row, list):
        return f"is {_shown(row)}, expected [x, y, z]"
    if len(row) != 3:
        return f"has {len(row)} coordinates, expected 3"
    for value in row:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return f"holds {_shown(value)}, expected finite numbers"
        if abs(value) > FARTHEST:
            return f"holds {_shown(value)}, expected coordinates of a hand"
    return None


def _shown(value: Any) -> str:
    try:
        text = orjson.dumps(value).decode()
    except TypeError:  # nested too deep
        return "a nest of lists and objects"
    return text if len(text) <= 40 else f"{text[:40]}…"


def index_frames(path: Path, names: Sequence[str], *, wrapped: bool, name: str | None = None) -> list[JsonFrames]:
    """Find the frames of the lists that a JSON file consists of.

    Args:
        path: the file.
        names: of the lists, in order.
        wrapped: the lists are the elements of one outer list; otherwise there is one list alone.
        name: how messages call the file; its own name if not given.

    Raises:
        FormatError: the file is not such lists, or is longer or more spread out than the limits above.
    """
    called = name or path.name
    if path.stat().st_size == 0:
        raise FormatError(f"{called} is empty, expected JSON")
    with path.open("rb") as file:
        walk = _Walk(file, called, path, names if wrapped else ())
        if wrapped:
            walk.take(b"[", f"expected a list of {len(names)} lists, {' and '.join(names)}")
        lists = []
        for number, list_name in enumerate(names):
            if number:
                walk.take(b",", f"expected `{list_name}` after `{names[number - 1]}`: a list of {len(names)} lists")
            starts, stops = walk.list_of_frames(list_name)
            lists.append(JsonFrames(path, f"`{list_name}` of {called}" if wrapped else called, starts, stops))
        if wrapped:
            walk.take(b"]", f"expected the end after {len(names)} lists, {' and '.join(names)}")
        walk.end()
    return lists


class _Walk:
    """A place in a file, with at least `MAX_FRAME_BYTES` of what follows at hand."""

    def __init__(self, file: BinaryIO, called: str, path: Path, wrapped: Sequence[str]) -> None:
        self.wrapped = wrapped  # names of the lists, where they are the elements of one outer list
        self.file, self.called, self.path = file, called, path
        self.window, self.offset, self.at, self.done = b"", 0, 0, False
        self.frame: int | None = None  # the byte where the last frame begins
        self.ends: Iterator[tuple[int, int]] = iter(())

    def fill(self) -> None:
        while not self.done and len(self.window) - self.at < MAX_FRAME_BYTES:
            more = _read_at(self.file, self.offset + len(self.window), _READ)
            self.done = not more
            self.window, self.offset, self.at = self.window[self.at :] + more, self.offset + self.at, 0
            self.ends = _double_ends(self.window)

    def peek(self) -> bytes:
        """The next byte that is not white space; empty at the end."""
        self.fill()
        found = _SPACE.match(self.window, self.at)
        self.at = found.end() if found else self.at
        if self.at == len(self.window) and not self.done:
            place = self.offset + self.at
            raise FormatError(f"{self.called}: {MAX_FRAME_BYTES >> 20} MB of white space before byte {place}, expected JSON")
        return self.window[self.at : self.at + 1]

    def take(self, byte: bytes, expected: str) -> None:
        if self.peek() != byte:
            raise self.fault(expected)
        self.at += 1

    def fault(self, expected: str) -> FormatError:
        if nest := self.nest(self.offset + self.at + 1):
            return nest
        rest = self.window[self.at : self.at + 12]
        place = self.offset + self.at
        if not rest:
            return FormatError(f"{self.called} ends at byte {place}, {expected}: the file is truncated")
        if place == 0:
            return FormatError(f"{self.called} is {kind_of(self.path)}, {expected}")
        return FormatError(f"byte {place} of {self.called} begins {rest.decode('latin-1')!r}, {expected}")

    def not_nested(self, frame: int, name: str) -> FormatError:
        """That a frame holds numbers instead of points."""
        end = self.window.find(b"]", self.at)
        if self.wrapped and self.window.count(b",", self.at, end) == 2:
            what = f"{self.called} is one list of frames, expected a list of {' and '.join(self.wrapped)}"
            return FormatError(f"{what}: is `{self.wrapped[-1]}` missing?")
        return FormatError(f"frame {frame} of `{name}` of {self.called} is no list of [x, y, z]: is it flat?")

    def nest(self, stop: int) -> FormatError | None:
        """That the last frame is nested too deep, if it is so before the byte `stop`. Looked for where something is wrong."""
        if self.frame is None:
            return None
        text = _read_at(self.file, self.frame, min(stop - self.frame, MAX_FRAME_BYTES))
        if not (found := _NEST.search(text, 1)):
            return None
        place = f"{self.called} is nested too deep from byte {self.frame + found.end() - 1} on"
        return FormatError(f"{place}, expected a list of frames, each a list of [x, y, z]")

    def list_of_frames(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Walk over `[frame, …]`; where the frames begin and end."""
        self.take(b"[", f"expected `{name}`, a list of frames")
        starts: list[int] = []
        stops: list[int] = []
        if self.peek() == b"]":
            self.at += 1
            return np.empty(0, np.int64), np.empty(0, np.int64)
        while True:
            if self.peek() != b"[":
                raise self.fault(f"expected frame {len(starts)} of `{name}`, a list of [x, y, z]")
            self.fill()  # white space may have been long
            self.frame = self.offset + self.at
            head = cast("re.Match[bytes]", _HEAD.match(self.window, self.at))
            inside = self.window[head.end() : head.end() + 1]
            if inside == b"[":
                self.at = head.end()
                raise self.fault("expected a number")
            if not head[1] and inside not in (b"]", b""):
                raise self.not_nested(len(starts), name)
            limit = self.at + MAX_FRAME_BYTES
            empty = _EMPTY_FRAME.match(self.window, self.at, limit)
            end = empty.end() if empty else next((end for begin, end in self.ends if begin >= self.at), limit + 1)
            if end > limit:
                if nest := self.nest(self.offset + limit):
                    raise nest
                whole = self.done and len(self.window) < limit
                why = "the file is truncated" if whole else f"longer than {MAX_FRAME_BYTES >> 20} MB"
                raise FormatError(f"frame {len(starts)} of `{name}` of {self.called} does not end: {why}")
            starts.append(self.offset + self.at)
            stops.append(self.offset + end)
            self.at = end
            following = self.peek()
            if following == b"]":
                self.at += 1
                return np.array(starts), np.array(stops)
            if following != b",":
                raise self.fault(f"expected `,` or `]` after frame {len(starts) - 1} of `{name}`")
            if len(starts) >= MAX_FRAMES:
                raise FormatError(f"`{name}` of {self.called} has more than {MAX_FRAMES} frames")
            self.at += 1

    def end(self) -> None:
        if self.peek():
            raise self.fault("expected the end of the file")


def _read_at(file: BinaryIO, offset: int, size: int) -> bytes:
    """Up to `size` bytes from `offset` on; fewer only at the end of the file. (`os.pread` does not exist on Windows.)"""
    file.seek(offset)
    return file.read(size)


def _double_ends(window: bytes) -> Iterator[tuple[int, int]]:
    """Where two `]` follow each other with nothing but white space between: first byte, and the one after the second.

    NumPy looks for them: a pattern would look at every byte by itself, which is slower than to read the numbers.
    """
    text = np.frombuffer(window, np.uint8)
    brackets = np.flatnonzero(text[:-1] == ord("]"))
    following = text[brackets + 1]
    for begin in brackets[(following == ord("]")) | (following <= ord(" "))].tolist():
        found = _SPACE.match(window, begin + 1)
        end = found.end() if found else begin + 1
        if window[end : end + 1] == b"]":
            yield begin, end + 1

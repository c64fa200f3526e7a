"""Progress bars on standard error: of an upload, and of the wait for a score."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm


class UploadBar:
    """Bytes sent; it starts where the upload continues, and goes back when a part is sent again."""

    def __init__(self, name: str, *, quiet: bool) -> None:
        self._bar = tqdm(desc=name, unit="B", unit_scale=True, unit_divisor=1024, disable=quiet or not sys.stderr.isatty())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.close()

    def on_upload(self, done: int, total: int) -> None:
        """Show `done` of `total` bytes."""
        if self._bar.total is None:
            self._bar.n = self._bar.last_print_n = self._bar.initial = done  # earlier bytes do not count for the speed
        self._bar.total = total
        self._bar.update(done - self._bar.n)
        if total and done == total:
            self._bar.set_postfix_str("the server is checking the file")


class WaitBar:
    """The stage and progress of a submission: a bar on a terminal, elsewhere a line whenever the stage changes."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet, self._last = quiet, ""
        layout = "{desc} {percentage:3.0f}%|{bar}| {elapsed}{postfix}"
        self._bar = tqdm(desc="queued", total=1.0, bar_format=layout, disable=quiet or not sys.stderr.isatty())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.close()

    def on_status(self, data: dict[str, Any]) -> None:
        """Show the data of a submission."""
        stage, left = stage_text(data), time_left(data)
        if self._bar.disable:
            if stage != self._last and not self._quiet:
                print(stage, file=sys.stderr, flush=True)
            self._last = stage
            return
        done = 1.0 if data["status"] == "succeeded" else float(data.get("progress") or 0.0)
        self._bar.set_description_str(stage, refresh=False)
        self._bar.set_postfix_str(left, refresh=False)
        self._bar.n = min(max(done, 0.0), 1.0)
        self._bar.refresh()


def stage_text(data: dict[str, Any]) -> str:
    """The status in words: "queued, place 3", "running: scoring"."""
    if data["status"] == "queued" and data.get("place"):
        return f"queued, place {data['place']}"
    if data["status"] == "running" and data.get("stage"):
        return f"running: {data['stage']}"
    return str(data["status"])


def time_left(data: dict[str, Any]) -> str:
    """The estimated time left in words; empty when it is unknown."""
    left = data.get("seconds_left")
    if left is None:
        return ""
    return f"about {left / 60:.0f} min left" if left >= 90 else f"about {left:.0f} s left"

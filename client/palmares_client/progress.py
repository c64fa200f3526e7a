"""Bars on the standard error: of an upload, and of the wait for a score."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import Any, Self

from tqdm import tqdm


class UploadBar:
    """Bytes sent; begins where the file goes on, and goes back when a part of it is sent again."""

    def __init__(self, name: str, *, quiet: bool) -> None:
        self._bar = tqdm(desc=name, unit="B", unit_scale=True, unit_divisor=1024, disable=quiet or not sys.stderr.isatty())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.close()

    def sent(self, done: int, total: int) -> None:
        """So many bytes of all."""
        if self._bar.total is None:
            self._bar.n = self._bar.last_print_n = self._bar.initial = done  # what had arrived before tells no speed
        self._bar.total = total
        self._bar.update(done - self._bar.n)
        if total and done == total:
            self._bar.set_postfix_str("the server checks the file")


class WaitBar:
    """Where a submission is on its way: on a terminal a bar, elsewhere a line whenever its stage changes."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet, self._last = quiet, ""
        layout = "{desc} {percentage:3.0f}%|{bar}| {elapsed}{postfix}"
        self._bar = tqdm(desc="queued", total=1.0, bar_format=layout, disable=quiet or not sys.stderr.isatty())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._bar.close()

    def seen(self, facts: dict[str, Any]) -> None:
        """A submission as it was just looked at."""
        stage, left = where(facts), seconds_left(facts)
        if self._bar.disable:
            if stage != self._last and not self._quiet:
                print(stage, file=sys.stderr, flush=True)
            self._last = stage
            return
        done = 1.0 if facts["status"] == "succeeded" else float(facts.get("progress") or 0.0)
        self._bar.set_description_str(stage, refresh=False)
        self._bar.set_postfix_str(left, refresh=False)
        self._bar.n = min(max(done, 0.0), 1.0)
        self._bar.refresh()


def where(facts: dict[str, Any]) -> str:
    """In words: «queued, place 3», «scoring»."""
    if facts["status"] == "queued" and facts.get("place"):
        return f"queued, place {facts['place']}"
    if facts["status"] == "running" and facts.get("stage"):
        return f"running: {facts['stage']}"
    return str(facts["status"])


def seconds_left(facts: dict[str, Any]) -> str:
    """In words; empty when nobody knows."""
    left = facts.get("seconds_left")
    if left is None:
        return ""
    return f"about {left / 60:.0f} min left" if left >= 90 else f"about {left:.0f} s left"

"""The one type of a progress callback."""

from __future__ import annotations

from collections.abc import Callable

ProgressCallback = Callable[[str, float], None]
"""`progress(stage, fraction)`: what is being done and how much of it, 0 to 1. It may raise to cancel: let it through."""

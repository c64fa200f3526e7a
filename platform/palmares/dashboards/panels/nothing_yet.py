"""The error of panels that have nothing to show yet."""

from __future__ import annotations

from palmares.api.problems import NotFoundError


class NothingYetError(NotFoundError):
    """A panel has no data yet, or nothing was chosen for it; this is not an error."""

"""The error of panels that have nothing to show yet."""

from __future__ import annotations

from palmares.api.problems import NotFoundError


class NothingYetError(NotFoundError):
    """Nothing is wrong: what a panel shows is still to come, or was not chosen."""

"""Title and colour of a method, of the catalogue or external: the same in every mesh, curve and row."""

from __future__ import annotations

import hashlib
from typing import Final

from ml.catalog import METHODS

EXTERNAL_COLOURS: Final = ("#332288", "#44AA99", "#117733", "#999933", "#DDCC77", "#882255", "#AA4499", "#88CCEE")
"""Paul Tol's *muted* scheme, which the catalogue's methods leave free."""


def title_of(method: str) -> str:
    """As people read it; external methods have no other than their name."""
    return METHODS[method].title if method in METHODS else method


def colour_of(method: str) -> str:
    """`#rrggbb`; of an external method it follows from its name, so that it is the same everywhere."""
    if method in METHODS:
        return METHODS[method].colour
    return EXTERNAL_COLOURS[hashlib.sha256(method.encode()).digest()[0] % len(EXTERNAL_COLOURS)]

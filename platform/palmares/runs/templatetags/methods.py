"""A method as pages show it: its colour, its letter and its title, the same everywhere."""

from __future__ import annotations

from typing import Any

from django import template

from ml.catalog import FIRST_METHODS, METHODS, MethodEntry
from palmares.runs.method_names import colour_of, title_of
from palmares.runs.models import Run

register = template.Library()

DARK, LIGHT = "#171614", "#FFFFFF"


@register.inclusion_tag("parts/method_badge.html")
def method_badge(name: str, address: str = "") -> dict[str, Any]:
    """A swatch with the method's letter, and its title; a link where there is an address."""
    return _badge(title_of(name), colour_of(name), address)


@register.inclusion_tag("parts/method_badge.html")
def run_badge(run: Run, address: str = "") -> dict[str, Any]:
    """The badge of a run's method, with the method whose hands it refines."""
    return _badge(run.title, colour_of(run.method), address)


def _badge(title: str, colour: str, address: str) -> dict[str, Any]:
    letter = next((c.upper() for c in title if c.isalnum()), "?")
    return {"title": title, "colour": colour, "ink": ink_on(colour), "letter": letter, "address": address}


@register.simple_tag
def all_methods() -> list[MethodEntry]:
    """The methods of the catalogue."""
    return list(METHODS.values())


@register.simple_tag
def first_methods() -> str:
    """The methods that a video gets unless somebody chooses, in words."""
    return " and ".join(METHODS[name].title for name in FIRST_METHODS)


def ink_on(colour: str) -> str:
    """Whichever of dark and light reads better on `#rrggbb` (WCAG 2.2, contrast of relative luminances)."""
    behind = _luminance(colour)
    return DARK if (behind + 0.05) / (_luminance(DARK) + 0.05) >= 1.05 / (behind + 0.05) else LIGHT


def _luminance(colour: str) -> float:
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue

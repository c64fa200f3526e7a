"""A method as pages show it: its colour, its letter and its title, the same everywhere."""

from __future__ import annotations

from functools import lru_cache

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ml.catalog import FIRST_METHODS, METHODS, MethodEntry
from palmares.runs.method_names import colour_of, title_of
from palmares.runs.models import Run

register = template.Library()

DARK, LIGHT = "#171614", "#FFFFFF"


@register.simple_tag
def method_badge(name: str, address: str = "") -> SafeString:
    """A swatch with the method's letter, and its title; a link where there is an address."""
    return _badge(title_of(name), colour_of(name), address)


@register.simple_tag
def run_badge(run: Run, address: str = "") -> SafeString:
    """The badge of a run's method, with the method whose hands it refines."""
    return _badge(run.title, colour_of(run.method), address)


def _badge(title: str, colour: str, address: str) -> SafeString:
    content = _swatch_and_title(title, colour)
    if not address:
        return format_html('<span class="badge">{}</span>', content)
    return format_html('<a class="badge" href="{}">{}</a>', address, content)


@lru_cache(maxsize=256)
def _swatch_and_title(title: str, colour: str) -> SafeString:
    """Kept, since tables have one a row."""
    letter = next((c.upper() for c in title if c.isalnum()), "?")
    return format_html(
        '<span class="swatch" style="background: {}; color: {}" aria-hidden="true">{}</span><span class="name">{}</span>',
        colour, ink_on(colour), letter, title,
    )  # fmt: skip


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

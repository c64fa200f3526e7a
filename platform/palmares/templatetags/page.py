"""What every page is made of: moments, sortable headings, and questions before something is lost."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django import template
from django.template import Context
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString

from palmares.listing import Listing

register = template.Library()


@register.simple_tag
def when(moment: datetime | None) -> str | SafeString:
    """A moment in UTC, which the page's script rewrites as “3 min ago” or in the reader's own time."""
    if moment is None:
        return "–"
    moment = moment.astimezone(UTC)
    return format_html('<time datetime="{}" data-when>{} UTC</time>', moment.isoformat(), f"{moment:%d %b %Y %H:%M}")


@register.filter
def of(table: dict[Any, Any], key: Any) -> Any:
    """What a table has under a key."""
    return table.get(key)


@register.inclusion_tag("parts/sort_header.html")
def sort_header(listing: Listing, name: str, label: str, numeric: bool = False) -> dict[str, Any]:
    """A column heading that sorts the list by `name`, in the other direction when it does already."""
    current = {name: "ascending", f"-{name}": "descending"}.get(listing.sort, "")
    ascending_next = current == "descending" or (not current and not numeric)
    return {
        "label": label,
        "numeric": numeric,
        "current": current,
        "address": listing.address(sort=name if ascending_next else f"-{name}"),
    }


@register.simple_block_tag(takes_context=True)
def confirm(
    context: Context,
    content: str,
    *,
    id: Any,
    action: str,
    label: str,
    what: str = "",
    name: str = "",
    value: str = "",
    keep: str = "Keep it",
) -> SafeString:
    """A button that asks first, naming what will go (the block's content), and then posts. Works without scripts.

    Args:
        context: of the page, for its CSRF token.
        content: the sentences that say what will be lost.
        id: different for every question of a page.
        action: where it posts to.
        label: what both buttons are called.
        what: of what, for those who hear the button without seeing its row.
        name: of a field to post.
        value: of that field.
        keep: what the way out is called.
    """
    own = {"id": f"ask-{id}", "content": content, "action": action, "label": label, "what": what, "name": name}
    return render_to_string("parts/confirm.html", own | {"value": value, "keep": keep}, request=context.get("request"))

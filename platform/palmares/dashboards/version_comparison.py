"""What differs between two versions of a dashboard."""

from __future__ import annotations

from typing import Any, Final

from palmares.dashboards.content import TITLES

_PLACE: Final = ("x", "y", "w", "h")


def compare_versions(old: dict[str, Any], new: dict[str, Any]) -> list[dict[str, str]]:
    """Changes from one content to another: `panel` (its title), `change`, and `old` and `new` of what changed.

    Args:
        old: content, as `clean_content` gives it.
        new: the same.
    """
    before = {panel["id"]: panel for panel in old["panels"]}
    after = {panel["id"]: panel for panel in new["panels"]}
    found = [_change(panel, "removed") for key, panel in before.items() if key not in after]
    found += [_change(panel, "added") for key, panel in after.items() if key not in before]
    for key in before.keys() & after.keys():
        a, b = before[key], after[key]
        if any(a[side] != b[side] for side in _PLACE):
            found.append(_change(b, "moved or resized", _place(a), _place(b)))
        if a["title"] != b["title"]:
            found.append(_change(b, "title", a["title"], b["title"]))
        for name in sorted(a["options"].keys() | b["options"].keys()):
            was, now = a["options"].get(name), b["options"].get(name)
            if was != now:
                found.append(_change(b, name, _text(was), _text(now)))
    for name in sorted(old["filters"].keys() | new["filters"].keys()):
        was, now = old["filters"].get(name), new["filters"].get(name)
        if was != now:
            found.append({"panel": "Filters", "change": name, "old": _text(was), "new": _text(now)})
    return found


def _change(panel: dict[str, Any], change: str, old: str = "", new: str = "") -> dict[str, str]:
    return {"panel": panel["title"] or TITLES.get(panel["kind"], panel["kind"]), "change": change, "old": old, "new": new}


def _place(panel: dict[str, Any]) -> str:
    return f"column {panel['x'] + 1}, row {panel['y'] + 1}, {panel['w']} × {panel['h']}"


def _text(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)

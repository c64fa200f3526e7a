"""What a dashboard consists of, checked before it is saved.

`{"filters": {"subjects": [id], "uploads": [id], "methods": [name], "slice": slug, "alignment": name}, "panels": [{"id", "kind",
"title", "x", "y", "w", "h", "options"}]}`: positions and sizes in cells of a grid of 12 columns; options by kind in `OPTIONS`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID, uuid4

from ml.catalog import METRICS, RUN_SLICES
from palmares.api.problems import InvalidError

COLUMNS: Final = 12
TALLEST: Final = 40
LOWEST: Final = 1000
MOST_PANELS: Final = 40
MOST_SELECTED: Final = 100
LONGEST_TEXT: Final = 20_000
ALIGNMENTS: Final = {
    "none": ("", "As predicted"),
    "root": ("ra_", "Root"),
    "scale-translation": ("st_", "Scale and translation"),
    "procrustes": ("pa_", "Procrustes (PA)"),
    "procrustes-rotation": ("pr_", "Procrustes without reflection"),
}
"""Name of an alignment → prefix of its metrics in the catalogue, and how it is called."""

_METRIC: Final = ("metric", "x", "y")
OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "metrics": {
        "source": "uploads", "benchmark": "", "metric": "reprojection", "differences": False, "reference": "",
    },
    "board": {"benchmark": "", "board": "", "metric": "", "rows": 10},
    "pck": {"benchmark": "", "board": "", "metric": ""},
    "joints": {"benchmark": "", "board": "", "metric": ""},
    "scatter": {"x": "jitter", "y": "reprojection"},
    "significance": {"benchmark": "", "board": "", "metric": ""},
    "smooth": {},
    "slices": {"by": "viewpoint"},
    "failures": {"rows": 12},
    "viewer": {"upload": "", "state": ""},
    "text": {"markdown": ""},
    "image": {"image": "", "alt": ""},
}  # fmt: skip
"""Kinds of panels, and their options with what holds where one is not given."""
TITLES: Final = {
    "metrics": "Metrics table",
    "board": "Board",
    "pck": "PCK curves",
    "joints": "Error by joint",
    "scatter": "Scatter plot",
    "significance": "Significance",
    "smooth": "Smooth or true?",
    "slices": "Errors by slices",
    "failures": "Worst frames",
    "viewer": "Viewer",
    "text": "Text",
    "image": "Image",
}
SIZES: Final = {"text": (12, 3), "viewer": (6, 12), "metrics": (12, 8), "board": (12, 9), "image": (4, 8), "failures": (12, 12)}
"""Columns and rows of a new panel; others get (6, 9)."""
_ID: Final = re.compile(r"[a-z0-9-]{1,36}")


def new_panel(kind: str, options: Mapping[str, Any], *, title: str = "", x: int = 0, y: int = 0) -> dict[str, Any]:
    """A panel with an id of its own, as large as its kind usually is."""
    w, h = SIZES.get(kind, (6, 9))
    return {"id": uuid4().hex[:12], "kind": kind, "title": title, "x": x, "y": y, "w": w, "h": h, "options": dict(options)}


def below(panels: list[dict[str, Any]]) -> int:
    """The first row below all panels."""
    return max((panel["y"] + panel["h"] for panel in panels), default=0)


def clean_content(content: Any) -> dict[str, Any]:
    """The content with every option present and nothing else in it.

    Raises:
        InvalidError: the first thing that is wrong: where, and what would be right.
    """
    if not isinstance(content, dict):
        raise InvalidError("The content of a dashboard is an object with `filters` and `panels`.", field="content")
    panels = content.get("panels", [])
    if not isinstance(panels, list) or len(panels) > MOST_PANELS:
        raise InvalidError(f"`panels` is a list of at most {MOST_PANELS} panels.", field="panels")
    cleaned = [_panel(panel, number) for number, panel in enumerate(panels, start=1)]
    if len({panel["id"] for panel in cleaned}) < len(cleaned):
        raise InvalidError("Two panels have the same `id`.", field="panels")
    return {"filters": clean_filters(content.get("filters") or {}), "panels": cleaned}


def clean_filters(filters: Any) -> dict[str, Any]:
    """The filters of a dashboard with all their names.

    Raises:
        InvalidError: one is not of its form.
    """
    if not isinstance(filters, dict):
        raise InvalidError("`filters` is an object.", field="filters")
    found: dict[str, Any] = {}
    for name in ("subjects", "uploads", "methods"):
        values = filters.get(name) or []
        if not isinstance(values, list) or len(values) > MOST_SELECTED or not all(map(_is_text, values)):
            raise InvalidError(f"`{name}` is a list of at most {MOST_SELECTED} texts.", field="filters")
        if name != "methods" and not all(map(is_id, values)):
            raise InvalidError(f"`{name}` is a list of ids.", field="filters")
        found[name] = [value[:80] for value in values]
    alignment = filters.get("alignment") or ""
    if alignment and alignment not in ALIGNMENTS:
        raise InvalidError(f"`alignment` is one of {', '.join(ALIGNMENTS)}.", field="filters")
    return {**found, "alignment": alignment, "slice": _text(filters.get("slice") or "", "slice", 40)}


def is_id(text: str) -> bool:
    """Whether a text is the id of a row."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def _panel(panel: Any, number: int) -> dict[str, Any]:
    where = f"Panel {number}"
    if not isinstance(panel, dict):
        raise InvalidError(f"{where} is no object.", field="panels")
    kind = panel.get("kind")
    if not isinstance(kind, str) or kind not in OPTIONS:
        raise InvalidError(f"{where}: `kind` is one of {', '.join(OPTIONS)}.", field="panels")
    name = panel.get("id") or uuid4().hex[:12]
    if not isinstance(name, str) or not _ID.fullmatch(name):
        raise InvalidError(f"{where}: `id` has 1 to 36 of a–z, 0–9 and -.", field="panels")
    w, h = (_whole(panel, side, where, 1, most) for side, most in (("w", COLUMNS), ("h", TALLEST)))
    x, y = _whole(panel, "x", where, 0, COLUMNS - w), _whole(panel, "y", where, 0, LOWEST)
    title = _text(panel.get("title", ""), f"{where}: `title`", 120)
    options = panel.get("options") or {}
    if not isinstance(options, dict):
        raise InvalidError(f"{where}: `options` is an object.", field="panels")
    unknown = set(options) - set(OPTIONS[kind])
    if unknown:
        raise InvalidError(f"{where}: a panel of kind {kind} has no option {sorted(unknown)[0]!r}.", field="panels")
    cleaned = {name: _option(kind, name, options.get(name, usual), usual, where) for name, usual in OPTIONS[kind].items()}
    return {"id": name, "kind": kind, "title": title, "x": x, "y": y, "w": w, "h": h, "options": cleaned}


def _option(kind: str, name: str, value: Any, usual: Any, where: str) -> Any:
    if isinstance(usual, bool):
        if not isinstance(value, bool):
            raise InvalidError(f"{where}: `{name}` is true or false.", field="panels")
        return value
    if isinstance(usual, int):
        return _whole({name: value}, name, where, 1, 50)
    text = _text(value, f"{where}: `{name}`", {"markdown": LONGEST_TEXT, "state": 4000, "alt": 500}.get(name, 80))
    if name in _METRIC and text and text.partition("@")[0] not in METRICS:
        raise InvalidError(f"{where}: there is no metric {text!r}.", field="panels")
    if name == "source" and text not in ("uploads", "benchmark"):
        raise InvalidError(f"{where}: `source` is `uploads` or `benchmark`.", field="panels")
    if name == "by" and text not in RUN_SLICES:
        raise InvalidError(f"{where}: `by` is one of {', '.join(RUN_SLICES)}.", field="panels")
    if name in ("upload", "image") and text and not is_id(text):
        raise InvalidError(f"{where}: `{name}` is an id.", field="panels")
    return text


def _whole(table: Mapping[str, Any], name: str, where: str, low: int, high: int) -> int:
    value = table.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise InvalidError(f"{where}: `{name}` is a whole number from {low} to {high}.", field="panels")
    return value


def _is_text(value: Any) -> bool:
    """Whether it is a text that the database can keep: no NUL, no half of a character (a lone surrogate)."""
    return isinstance(value, str) and not any(c == "\x00" or "\ud800" <= c <= "\udfff" for c in value)


def _text(value: Any, what: str, limit: int) -> str:
    if not _is_text(value) or len(value) > limit:
        raise InvalidError(f"{what} is a text of at most {limit} characters.", field="panels")
    return str(value)

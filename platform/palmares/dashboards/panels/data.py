"""The data of one panel, whichever its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from palmares.api.problems import DomainError
from palmares.dashboards.content import TITLES
from palmares.dashboards.panels import benchmark_panels, failure_panels, free_panels, run_panels
from palmares.dashboards.panels.nothing_yet import NothingYetError
from palmares.dashboards.visibility import Access


@dataclass(frozen=True)
class PanelData:
    """What a panel shows.

    Attributes:
        kind: of `palmares.dashboards.content.OPTIONS`.
        title: its own, else that of its content.
        problem: why it shows nothing, in a sentence; else empty.
        is_empty: whether `problem` is none: what it shows is still to come, or was not chosen.
        data: by kind, ready for JSON.
    """

    kind: str
    title: str
    problem: str = ""
    is_empty: bool = False
    data: dict[str, Any] = field(default_factory=dict)


Builder = Callable[[Access, Mapping[str, Any]], dict[str, Any]]
_BUILDERS: Final[dict[str, Builder]] = {
    "metrics": run_panels.metrics_table,
    "scatter": run_panels.scatter,
    "smooth": run_panels.smooth_or_true,
    "board": benchmark_panels.board,
    "pck": benchmark_panels.pck,
    "joints": run_panels.joints,
    "significance": benchmark_panels.significance,
    "slices": failure_panels.slices,
    "failures": failure_panels.failures,
    "viewer": free_panels.viewer,
    "text": free_panels.text,
    "image": free_panels.image,
}


def panel_data(access: Access, panel: Mapping[str, Any]) -> PanelData:
    """What a panel shows to somebody; a problem where what it names is gone or may not be shown."""
    kind = panel["kind"]
    try:
        data = _BUILDERS[kind](access, panel["options"])
    except DomainError as error:
        is_empty = isinstance(error, NothingYetError)
        return PanelData(kind, panel["title"] or TITLES[kind], problem=error.detail, is_empty=is_empty)
    title = panel["title"] or data.pop("title", "") or ("" if kind == "text" else TITLES[kind])
    data.pop("title", None)
    return PanelData(kind, title, data=data)

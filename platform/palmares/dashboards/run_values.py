"""Values of runs by metric, from what workers have stored: one query for all runs of a panel."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from ml.catalog import METHODS, METRICS
from palmares.dashboards.content import ALIGNMENTS
from palmares.dashboards.visibility import Access
from palmares.queue.models import Status
from palmares.runs.method_names import colour_of, title_of
from palmares.runs.scores import JOINTS

MOST_RUNS: Final = 2000
_MEASURES: Final = {"auc": "auc_joints", "acceleration": "acceleration_error"}
"""Names of measures in scores of runs that are others in the catalogue."""
FEWEST_CLIPS: Final = 6
"""Of which an interval is given, as on boards."""
_T_975: Final = (2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093)
"""Student's t, 97.5%, for 5 to 19 degrees of freedom."""


@dataclass(frozen=True)
class RunValues:
    """A finished run and its values over the clip.

    Attributes:
        run, upload: ids.
        clip: how the upload is called.
        method: name.
        values: by metric of the catalogue; those that need ground truth are of the hands that were found.
        joints: alignment → error of each of `JOINTS` in mm; empty without ground truth.
        part: of the score's content, as it was asked for; None where there is none.
    """

    run: UUID
    upload: UUID
    clip: str
    method: str
    values: dict[str, float]
    joints: dict[str, list[float | None]]
    part: Any = None


@dataclass(frozen=True)
class MethodColumn:
    """A method as panels name it."""

    name: str
    title: str
    colour: str


def method_facts(name: str) -> MethodColumn:
    """Title and colour of a method, of the catalogue or external."""
    return MethodColumn(name, title_of(name), colour_of(name))


def run_values(access: Access, *, part: str = "motion") -> list[RunValues]:
    """The newest finished run of each method on each upload, by upload and method, with a `part` of its score's content.

    Only parts of the content are read: of hundreds of runs, the whole would take long.
    """
    newest = (
        access.runs()
        .filter(status=Status.SUCCEEDED, prediction__isnull=False)
        .order_by("upload_id", "method", "-finished_at", "-id")
        .distinct("upload_id", "method")
    )
    rows = newest.values_list(
        "pk", "upload_id", "upload__name", "upload__created_at", "method", "prediction__summary",
        "score__content__alignments", "score__content__joints", f"score__content__{part}",
    )  # fmt: skip
    found = sorted(rows[:MOST_RUNS], key=lambda row: (row[3], str(row[1]), _place(row[4])))
    names = access.upload_names({row[1]: row[2] for row in found})
    return [
        RunValues(pk, upload, names[upload], method, {**_numbers(summary), **_scored(errors)}, _joints(joints), asked)
        for pk, upload, _, _, method, summary, errors, joints, asked in found
    ]


def metrics_of(runs: Iterable[RunValues]) -> list[str]:
    """Metrics that some run has, as the catalogue orders them."""
    present = {name for run in runs for name in run.values}
    return [name for name in METRICS if name in present]


def methods_of(runs: Iterable[RunValues]) -> list[MethodColumn]:
    """Methods of runs, as the catalogue orders them, each once."""
    return [method_facts(name) for name in sorted({run.method for run in runs}, key=_place)]


def interval(values: Sequence[float]) -> tuple[float, float] | None:
    """95% interval of a mean over clips by Student's t; None for fewer than `FEWEST_CLIPS`."""
    n = len(values)
    if n < FEWEST_CLIPS:
        return None
    mean = sum(values) / n
    spread = math.sqrt(sum((value - mean) ** 2 for value in values) / (n - 1) / n)
    t = _T_975[n - FEWEST_CLIPS] if n - FEWEST_CLIPS < len(_T_975) else 1.96 + 2.5 / (n - 1)
    return mean - t * spread, mean + t * spread


def _numbers(summary: Any) -> dict[str, float]:
    table = summary if isinstance(summary, dict) else {}
    return {
        name: float(value)
        for name, value in table.items()
        if name in METRICS and isinstance(value, int | float) and math.isfinite(value)
    }


def _scored(alignments: Any) -> dict[str, float]:
    """Metrics of the catalogue in a run's errors by alignment against the ground truth of its upload."""
    found: dict[str, Any] = {}
    for alignment, measures in _table(alignments).items():
        prefix = ALIGNMENTS[alignment][0] if alignment in ALIGNMENTS else None
        for measure, value in measures.items() if prefix is not None and isinstance(measures, dict) else ():
            found[f"{prefix}{_MEASURES.get(measure, measure)}"] = value
    return _numbers(found)


def _joints(joints: Any) -> dict[str, list[float | None]]:
    tables = _table(joints)
    return {name: [table.get(joint) for joint in JOINTS] for name, table in tables.items() if isinstance(table, dict)}


def _table(found: Any) -> dict[str, Any]:
    return found if isinstance(found, dict) else {}


def _place(method: str) -> tuple[int, str]:
    order = list(METHODS)
    return (order.index(method) if method in METHODS else len(order), method)

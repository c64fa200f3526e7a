"""The page of a run's errors by slices: where does it fail, and in which frames."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from ml.catalog import RUN_ALIGNMENTS, RUN_MEASURES, RUN_SLICES
from palmares.api.problems import NotFoundError
from palmares.runs.models import Run, RunScore
from palmares.runs.score_tables import ALIGNMENT_TITLES, TITLES, heading, shown_value
from palmares.runs.slice_views import sliced
from palmares.teams.pages import person

WORST = 5
"""Frames that a row links to."""


@login_required
@require_GET
def slices(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One measure of a run by one or two attributes; what is chosen is in the query."""
    runs = Run.objects.visible_to(person(request)).select_related("upload__subject", "score")
    run = get_object_or_404(runs, pk=pk)
    score: RunScore | None = getattr(run, "score", None)
    alignment = _chosen(request, "alignment", RUN_ALIGNMENTS, "procrustes")
    metric = _chosen(request, "metric", tuple(RUN_MEASURES), "mpjpe")
    by = [_chosen(request, "by", tuple(RUN_SLICES), "viewpoint")]
    crossed = _chosen(request, "and", tuple(RUN_SLICES), "")
    by += [crossed] if crossed and crossed != by[0] else []
    context: dict[str, Any] = {
        "run": run,
        "title": run.title,
        "chosen": {"alignment": alignment, "metric": metric, "by": by[0], "and": by[1] if len(by) > 1 else ""},
        "alignments": ALIGNMENT_TITLES,
        "metrics": TITLES,
        "attributes": list(RUN_SLICES),
        "heading": heading(TITLES[metric], metric),
        "by": by,
        "problem": "",
    }
    try:
        if score is None or not score.folder:
            raise NotFoundError("This run is not scored (yet).")
        context["rows"] = [_row(cell, metric) for cell in sliced(score, alignment, metric, by)]
        context["occlusion"] = score.content.get("occlusion", "")
    except NotFoundError as error:
        context["problem"] = f"This cannot be shown: {error.detail}"
    return render(request, "runs/slices.html", context)


def _chosen(request: HttpRequest, name: str, known: tuple[str, ...], default: str) -> str:
    value = request.GET.get(name, default)
    return value if value in known else default


def _row(cell: dict[str, Any], metric: str) -> dict[str, Any]:
    interval = "" if cell["low"] is None else f"{shown_value(cell['low'], metric)} to {shown_value(cell['high'], metric)}"
    return cell | {
        "mean": shown_value(cell["mean"], metric),
        "interval": interval,
        "frames": [frame | {"value": shown_value(frame["value"], metric)} for frame in cell["frames"][:WORST]],
    }

"""The help page, and the prediction templates that it offers."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from ml.catalog import METRICS, PROTOCOLS
from palmares.help.prediction_templates import template

CONTENT_TYPES = {"zip": "application/zip", "txt": "text/plain", "json": "application/json", "npz": "application/zip"}


@require_GET
def help_page(request: HttpRequest) -> HttpResponse:
    """Prediction formats, metrics and keyboard shortcuts."""
    return render(request, "help/help.html", {"protocols": PROTOCOLS.values(), "metrics": METRICS.values()})


@require_GET
def prediction_template(request: HttpRequest, protocol: str) -> HttpResponse:
    """A small valid prediction file of a protocol."""
    try:
        name, content = template(protocol)
    except KeyError as error:
        raise Http404(f"there is no protocol {protocol!r}") from error
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=CONTENT_TYPES[name.rsplit(".", 1)[-1]], headers=headers)

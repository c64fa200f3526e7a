"""What the viewer's page is given of a shared clip: no more than it draws."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from django.urls import reverse
from rest_framework.renderers import JSONRenderer

from palmares.runs.models import Run
from palmares.runs.pages import viewer_data
from palmares.runs.serializers import RunSerializer
from palmares.shares.models import ShareLink
from palmares.uploads.models import GroundTruth, Upload
from palmares.uploads.serializers import MEDIA, UploadSerializer

_SHOWN_OF_UPLOAD: Final = (
    "id", "kind", "status", "stage", "progress", "seconds_left", "error", "fps", "width", "height", "frame_count", "place",
)  # fmt: skip
_SHOWN_OF_RUN: Final = (
    "id", "upload", "method", "method_version", "method_title", "colour", "status", "stage", "progress", "seconds_left",
    "error", "hand_model", "shape_used", "created_at", "prediction", "place",
)  # fmt: skip


def viewer_context(
    link: ShareLink, token: str, upload: Upload, runs: Sequence[Run], state: str, *, missing: int
) -> dict[str, Any]:
    """The context of `shares/viewer.html`.

    Args:
        link: that opens it.
        token: of the link.
        upload: the clip.
        runs: that the link opens.
        state: query string of the viewer.
        missing: how many runs of the link have been deleted.
    """
    shown = _upload(upload, link, token)
    page = {
        **viewer_data(shown, [_run(run) for run in runs]),
        "api": f"/api/v1{reverse('shared', args=[token])}".rstrip("/"),
        "query": state,
        "sites": link.allowed_sites,
    }
    return {
        "viewer": json.loads(JSONRenderer().render(page)),
        "title": shown["name"],
        "missing": missing,
        "has_runs": bool(runs),
    }


def _upload(upload: Upload, link: ShareLink, token: str) -> dict[str, Any]:
    shown = UploadSerializer(upload).data
    media = {name: reverse("shared-media", args=[token, upload.pk, file]) for name, file in MEDIA.items()}
    return {
        **{name: shown[name] for name in _SHOWN_OF_UPLOAD},
        "name": upload.name if link.names else "Shared clip",
        "media": media if link.media and upload.folder else dict.fromkeys(media),
        "truth": _truth(upload, link, token),
    }


def _truth(upload: Upload, link: ShareLink, token: str) -> dict[str, Any] | None:
    """The ground truth as the viewer draws it: only of links that show it, once it can be shown."""
    truth: GroundTruth | None = getattr(upload, "ground_truth", None)
    if truth is None or not link.truth or not truth.folder:
        return None
    shown = {name: getattr(truth, name) for name in ("status", "stage", "progress", "error")}
    return {**shown, "links": {"track": reverse("shared-truth-track", args=[token, upload.pk])}}


def _run(run: Run) -> dict[str, Any]:
    shown = RunSerializer(run).data
    return {name: shown[name] for name in _SHOWN_OF_RUN}

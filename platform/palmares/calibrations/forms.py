"""What a person wrote on the page that calibrates a hand. Refusals name the page's fields by what is written beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

from django.http import HttpRequest

from palmares.api.problems import InvalidError
from palmares.calibrations import services
from palmares.uploads.models import Upload

LABELS: Final = {
    "length_mm": "Measured hand length",
    "object_mm": "Object of known size beside the hand",
    "object_px": "Size of the object in the image",
    "distance_mm": "Distance from the camera to the hand",
    "scale_frame": "Frame",
    "max_images": "Maximum number of images",
}
"""As the page has them."""
SOLVERS: Final = {
    "": "default (best measured)",
    "joint-bundle": "joint bundle: fits all images together to their 2D joints",
    "shrinkage": "shrinkage: mean of the estimates, corrected for what one image cannot show",
    "poster": "poster: the paper’s median of the estimated meshes",
    "mean": "mean: average of the estimates, as in the released code",
}
WEIGHTS: Final = {
    "confidence": "by confidence",
    "uniform": "uniform, for comparison",
}


def asked(request: HttpRequest, uploads: Sequence[Upload]) -> dict[str, Any]:
    """What the form asks of `start_calibration`, beside subject and uploads.

    Args:
        request: with the form.
        uploads: those that are selected.

    Raises:
        InvalidError: what is wrong, and what would be right.
    """
    most = _whole(request, "max_images")
    return {
        "side": request.POST.get("side") or "both",
        "max_images": services.MAX_IMAGES if most is None else most,
        "solver": request.POST.get("solver", ""),
        "weights": request.POST.get("weights") or "confidence",
        "scale": _scale(request, uploads),
    }


def _scale(request: HttpRequest, uploads: Sequence[Upload]) -> dict[str, Any]:
    """The sources of scale that were filled in."""
    sources: dict[str, Any] = {}
    if (length_mm := _size(request, "length_mm")) is not None:
        sources["length_mm"] = length_mm
    if (size_mm := _size(request, "object_mm")) is not None:
        size_px = _size(request, "object_px")
        if size_px is None:
            raise InvalidError("Measure the size of the object in the image, in pixels.", field="object_px")
        sources["object"] = {"size_mm": size_mm, "size_px": size_px}
    if (distance_mm := _size(request, "distance_mm")) is not None:
        sources["distance"] = {"distance_mm": distance_mm}
    if "object" in sources or "distance" in sources:
        where = _where(request, uploads)
        for name in sources.keys() & {"object", "distance"}:
            sources[name] |= where
    return sources


def _where(request: HttpRequest, uploads: Sequence[Upload]) -> dict[str, Any]:
    """The image that shows the card or the measured hand."""
    chosen = request.POST.get("scale_upload", "")
    upload = next((upload for upload in uploads if str(upload.pk) == chosen), None)
    if upload is None:
        raise InvalidError(
            "“Image that shows the object” is of a video that is not selected under “Videos”; select it, or choose another.",
            field="scale_upload",
        )
    frame = _whole(request, "scale_frame") or 0
    if not 0 <= frame < (upload.frame_count or math.inf):
        last = (upload.frame_count or 0) - 1
        raise InvalidError(f"Frame: {frame} is not in “{upload}”, expected 0 to {last}.", field="scale_frame")
    return {"upload": str(upload.pk), "frame": frame}


def _size(request: HttpRequest, name: str) -> float | None:
    value = _number(request, name)
    if value is not None and not 0 < value < services.MOST_MM:
        expected = f"expected a number above 0 and below {services.MOST_MM}"
        raise InvalidError(f"{LABELS[name]}: “{_written(request, name)}” cannot be right, {expected}.", field=name)
    return value


def _whole(request: HttpRequest, name: str) -> int | None:
    value = _number(request, name)
    if value is None:
        return None
    if value != int(value) or abs(value) > 1e9:
        raise InvalidError(f"{LABELS[name]}: “{_written(request, name)}”, expected a whole number.", field=name)
    return int(value)


def _number(request: HttpRequest, name: str) -> float | None:
    """A number as people write it, with a point or a comma; None where the field is empty."""
    text = request.POST.get(name, "").strip()
    if not text:
        return None
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidError(f"{LABELS[name]}: “{_written(request, name)}” is no number.", field=name)
    return value


def _written(request: HttpRequest, name: str) -> str:
    return request.POST.get(name, "").strip()[:20]

"""The focal length in pixels, where a photograph's EXIF data or a video's metadata say it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

FILM_DIAGONAL: Final = math.hypot(36, 24)
"""Millimetres across a frame of 35 mm film, to which equivalent focal lengths refer (CIPA DCG-001)."""

_EQUIVALENT, _FOCAL_LENGTH = 0xA405, 0x920A
_PLANE_RESOLUTION, _PLANE_UNIT = 0xA20E, 0xA210
_PIXEL_WIDTH, _PIXEL_HEIGHT = 0xA002, 0xA003
_UNITS: Final = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
"""Millimetres of EXIF's units of resolution: inch, centimetre, millimetre, micrometre."""

_QUICKTIME: Final = "com.apple.quicktime.camera.focal_length.35mm_equivalent"
_PLAUSIBLE: Final = (0.2, 20.0)
"""Focal lengths over the longer side that cameras have: from a fisheye's to a long telephoto lens's."""

_SAME: Final = 0.2
"""Relative difference at which an equivalent, which is rounded to millimetres, still confirms the sensor's resolution."""


def focal_from_exif(exif: Mapping[int, Any], width: int, height: int) -> float | None:
    """Focal length of a photograph, pixels; None where EXIF does not say it, or says what no camera has.

    From the sensor's resolution where that agrees with the 35 mm equivalent or stands alone, else from the equivalent.
    A photograph that was scaled keeps its focal length in proportion; of one that was cut to another shape, none is given.

    Args:
        exif: tags of EXIF's own directory (`Image.getexif().get_ifd(0x8769)`).
        width: pixels of the image as it is stored.
        height: likewise.
    """
    taken = sorted(_number(exif.get(tag)) or 0.0 for tag in (_PIXEL_WIDTH, _PIXEL_HEIGHT))
    stored = sorted((width, height))
    if min(taken) <= 0:
        taken = [float(side) for side in stored]
    if abs(taken[1] / taken[0] * stored[0] / stored[1] - 1) > 0.02:
        return None
    equivalent = focal_from_equivalent(exif.get(_EQUIVALENT), width, height)
    length, resolution = _number(exif.get(_FOCAL_LENGTH)), _number(exif.get(_PLANE_RESOLUTION))
    unit = _UNITS.get(int(_number(exif.get(_PLANE_UNIT)) or 2))
    measured = None
    if length and resolution and unit:
        measured = _plausible(length * resolution / unit * stored[1] / taken[1], width, height)
    if measured and equivalent and abs(measured / equivalent - 1) > _SAME:
        return equivalent
    return measured or equivalent


def focal_from_metadata(metadata: Mapping[str, str], width: int, height: int) -> float | None:
    """Focal length of a video of this upright width and height, pixels, from its container's metadata; None without it."""
    return focal_from_equivalent(metadata.get(_QUICKTIME), width, height)


def focal_from_equivalent(millimetres: object, width: int, height: int) -> float | None:
    """Pixels of a focal length equivalent to this one on 35 mm film, by the image's diagonal; None if it is nonsense."""
    length = _number(millimetres)
    return None if length is None else _plausible(length / FILM_DIAGONAL * math.hypot(width, height), width, height)


def _number(value: object) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def _plausible(focal: float, width: int, height: int) -> float | None:
    return focal if _PLAUSIBLE[0] <= focal / max(width, height) <= _PLAUSIBLE[1] else None

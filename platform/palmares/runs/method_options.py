"""Options of a run, and the run that it refines: what the catalogue allows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ml.catalog import METHODS, MethodOption
from palmares.api.problems import ConflictError, InvalidError
from palmares.queue.models import Status
from palmares.runs.models import Run
from palmares.uploads.models import Upload


def checked_options(method: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a run of a method, as they are kept.

    Raises:
        InvalidError: the method has no such option, or it cannot have this value.
    """
    known = {option.name: option for option in METHODS[method].options}
    for name, value in options.items():
        if name not in known:
            what = f"it has {', '.join(known)}" if known else "it has none"
            raise InvalidError(f"{METHODS[method].title} has no option {name[:80]!r}; {what}.", field="options")
        _require_value(known[name], value)
    return dict(options)


def _require_value(option: MethodOption, value: Any) -> None:
    if option.choices:
        if not any(value == choice and type(value) is type(choice) for choice in option.choices):
            choices = ", ".join(str(choice).lower() if isinstance(choice, bool) else str(choice) for choice in option.choices)
            raise InvalidError(f"The option {option.name!r} is one of {choices}.", field="options")
        return
    number = not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)
    if not number or not option.least <= value <= option.most:
        raise InvalidError(f"The option {option.name!r} is a number from {option.least:g} to {option.most:g}.", field="options")


def require_refinable(*, method: str, upload: Upload, start: Run) -> None:
    """Let a method start from the hands that another run found.

    Raises:
        InvalidError: the method finds its own start, or the run is of another upload.
        ConflictError: the run has not found anything yet.
    """
    if not METHODS[method].refines:
        refining = ", ".join(name for name, entry in METHODS.items() if entry.refines)
        raise InvalidError(f"{METHODS[method].title} refines no other run; {refining} does.", field="start")
    if start.upload_id != upload.pk:
        raise InvalidError("The run to refine is of another upload.", field="start")
    if start.status != Status.SUCCEEDED or start.prediction_id is None:
        raise ConflictError("The run to refine has no prediction yet; wait until it has finished.", field="start")

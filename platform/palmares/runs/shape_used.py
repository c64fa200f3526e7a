"""Which hand shape a run was given, and what became of it: kept on the run, whatever happens to the shape's own row.

`Run.shape` holds `given` (none where the run was given no shape): `side`, `words`, `betas` and `hand_model`; and, once there is
a prediction, `sides`: for each side that was found, `given`, `calibrated` (from the clip itself) or `estimated`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any, Final

from ml.catalog import METHODS
from palmares.subjects.models import HandShape

SIDES: Final = ("left", "right")
OLD_SHAPE: Final = (
    "This hand shape belongs to the open hand of version 0.1, which another one has replaced. Calibrate the subject again and "
    "take the new shape."
)
WORDS: Final = {"calibrated": "calibrated from this clip", "estimated": "estimated"}


def kept(shape: HandShape | None) -> dict[str, Any]:
    """What a run keeps of the shape that it is given."""
    if shape is None:
        return {}
    size = f", {shape.length_mm:.0f} mm long" if shape.length_mm else ""
    words = f"{shape.source} on {shape.created_at:%-d %b %Y}{size}"
    return {"given": {"side": str(shape.side), "words": words, "betas": list(shape.betas), "hand_model": shape.hand_model}}


def choice(shape: HandShape) -> str:
    """A shape in a list to choose from, told from the subject's others by what comes first: narrow lists cut the end."""
    hands = "both hands" if shape.side == HandShape.Side.BOTH else f"{shape.side} hand"
    length = f"{shape.length_mm:.1f} mm" if shape.length_mm else "length not known"
    scale = shape.details.get("scale")
    facts = [] if not scale else ["scale assumed" if scale == "assumed" else f"scale from {scale}"]
    facts += ["MANO"] if shape.hand_model == "mano" else []
    when = f"{shape.created_at.astimezone(UTC):%-d %b %Y %H:%M} UTC"
    return ", ".join((hands, length, when, shape.source, *facts))


def by_side(*, method: str, meta: Mapping[str, Any], found: Iterable[str], independent: bool) -> dict[str, str]:
    """Where the shape of each side that was found came from.

    Args:
        method: that made the prediction.
        meta: of the prediction.
        found: sides with at least one hand.
        independent: the images are no sequence, so that no method calibrates from them.
    """
    told = meta.get("shape")
    told = told if isinstance(told, dict) else {}
    own = "estimated" if independent else _own(method)
    return {side: "given" if told.get(side) == "given" else own for side in sorted(set(found))}


def in_words(*, method: str, shape: Mapping[str, Any]) -> str:
    """Where the hand's shape comes from, as people read it."""
    given, sides = shape.get("given"), shape.get("sides")
    words = WORDS | ({"given": given["words"]} if given else {})
    if sides is None:  # not begun, or not over
        return _of(given) if given else WORDS[_own(method)]
    if not sides:
        return f"not used, as no hand was found: {_of(given)}" if given else WORDS[_own(method)]
    if len(set(sides.values())) > 1:
        return "; ".join(f"{words[origin]}, for the {side} hand" for side, origin in sides.items())
    side, origin = next(iter(sides.items()))
    if given and origin != "given" and given["side"] in SIDES and given["side"] not in sides:
        return f"{words[origin]} for the {side} hand; no {given['side']} hand was found, whose shape was {given['words']}"
    return str(words[origin])


def _of(given: Mapping[str, str]) -> str:
    return given["words"] if given["side"] not in SIDES else f"{given['words']}, for the {given['side']} hand"


def _own(method: str) -> str:
    """How a method comes by a shape that it is not given."""
    entry = METHODS.get(method)
    return entry.shape if entry else "estimated"

"""Strips on a run's page: where the keypoints of each hand came from over time, and how far they were trusted."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from ml.catalog import KEYPOINT_SOURCES
from palmares.runs.models import Run
from palmares.stored_object import read_object

COLOURS: Final = {"d": "#009988", "p": "#EE7733", "m": "#BBBBBB"}
"""By source; no method has them (Paul Tol's *vibrant* scheme), and the viewer has the same."""
FAILURE, JUMP = "#CC3311", "#0077BB"
LISTED: Final = 20
"""Frames of a kind that are listed; the viewer's timeline marks all."""
_MOST: Final = 9


@dataclass(frozen=True)
class KeypointStrip:
    """Of one hand: `words` say what is drawn, `marks` are kinds of wrong frames with their colour and the first frames."""

    title: str
    drawing: SafeString
    words: str
    marks: list[tuple[str, str, list[int]]]


def keypoint_strips(run: Run) -> list[KeypointStrip]:
    """One a hand, of methods that keep records of their keypoints (`ml/hmp/keypoint_record.py`); none of others."""
    if run.prediction is None or run.is_external:
        return []
    try:
        series = json.loads(read_object(f"{run.prediction.storage_prefix}/series.json"))
    except FileNotFoundError:
        return []
    return [_strip(record) for record in series.get("keypoints", [])]


def source_legend(strips: Sequence[KeypointStrip]) -> list[tuple[str, str]]:
    """Colour and name of every source; none where there is no strip."""
    return [(COLOURS[key], name) for key, name in KEYPOINT_SOURCES.items()] if strips else []


def _strip(record: Mapping[str, Any]) -> KeypointStrip:
    sources, confidence = record["sources"], [int(digit) for digit in record["confidence"]]
    first, last = record["first"], record["first"] + len(sources) - 1
    seen = [trust for source, trust in zip(sources, confidence, strict=True) if source != "m"]
    counts = Counter(sources)
    parts = [f"{name} in {counts[key]}" for key, name in KEYPOINT_SOURCES.items() if counts[key]]
    trust = f"; mean confidence {sum(seen) / len(seen) / _MOST:.2f}" if seen else ""
    words = f"Of {len(sources)} frames: {', '.join(parts)}{trust}."
    wrong = (("Detector failures", FAILURE, record["failures"]), ("The box jumps", JUMP, record["jumps"]))
    title = f"{record['side'].capitalize()} hand, frames {first} to {last}"
    marks = [(f"{name}{_which(frames)}:", colour, frames[:LISTED]) for name, colour, frames in wrong if frames]
    return KeypointStrip(title, _drawing(record, f"{title}. {words}"), words, marks)


def _which(frames: Sequence[int]) -> str:
    return f", the first {LISTED} of {len(frames)} frames" if len(frames) > LISTED else " at frame" + "s" * (len(frames) > 1)


def _drawing(record: Mapping[str, Any], label: str) -> SafeString:
    """One unit a frame; what has the same source and confidence is one element."""
    stretches: dict[tuple[str, str], list[str]] = {}
    at = record["first"]
    for key, group in groupby(zip(record["sources"], record["confidence"], strict=True)):
        count = len(list(group))
        stretches.setdefault(key, []).append(f"M{at} 0h{count}v1h-{count}z")
        at += count
    bars = format_html_join(
        "",
        '<path d="{}" fill="{}" opacity="{}"/>',
        (
            ("".join(paths), COLOURS[source], 0.4 if source == "m" else round(0.25 + 0.75 * int(digit) / _MOST, 2))
            for (source, digit), paths in stretches.items()
        ),
    )
    lines = format_html_join(
        "",
        '<path d="{}" stroke="{}" stroke-width="2" vector-effect="non-scaling-stroke"/>',
        (
            ("".join(f"M{frame + 0.5} 0v1" for frame in record[kind]), colour)
            for kind, colour in (("failures", FAILURE), ("jumps", JUMP))
            if record[kind]
        ),
    )
    return format_html(
        '<svg class="strip" viewBox="{} 0 {} 1" preserveAspectRatio="none" role="img" aria-label="{}">{}{}</svg>',
        record["first"],
        max(1, len(record["sources"])),
        label,
        bars,
        lines,
    )

"""The report of `ml.training.survey_tables`: tables in Markdown with published values."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ml.catalog import RUN_SLICES
from ml.training.next_steps import HIDDEN

PUBLISHED: Final = Path(__file__).resolve().parents[2] / "platform/palmares/benchmarks/data/published_results.csv"
PAPERS: Final = {"boukhayma2019": "Boukhayma et al. 2019", "zhou2020": "Zhou et al. 2020"}
SYSTEMS: Final = ("zimmermann2017", "cai2018", "boukhayma2019", "ge2019", "zhou2020")
_INTRODUCTION: Final = """\
# The survey, remade

Written by `make tables SEED={seed}` (`python -m ml.training.survey_tables`). {clips} rendered clips of test people, one hand
each, every second pair with things passing before the hand: {frames} frames in which MediaPipe found it. The people and the
motions were in no training. Every row is measured on the same frames. PA is without reflection; RA and AUC (PCK over 20–50 mm)
are after root alignment; px is the distance of the projected joints from the true ones at 640 × 480 (MediaPipe: its own 2D
joints). Frames/s are of one hand after detection by processor time, with everything that a user gets, meshes included.
`NAME` is a method as it is run on users' videos, `NAME/unfitted` its network alone, without the fit to the 2D joints,
`NAME/INPUT` the network alone with that input.
"""
_PRIORS: Final = """\
## Other priors: the motion prior on top of each method

HMP (`hmp2024`) starts from the method's hands, on {clips} of the clips. PA-MPJPE and RA-MPJPE before and after, in mm.
"""
_TWO_HANDS: Final = """\
## Two hands in one image

Rendered clips of both hands of a person, with the camera known. MRRPE is the mean error of the vector from the right to the
left wrist. No method here sees both hands at once: it is the difference of two placements, so its error is mostly depth.
"""
_OCCLUSION: Final = """\
## Occlusion: the error against the share of the hand that is hidden

PA-MPJPE in mm by the share of the 21 joints that are hidden in the frame.
"""


def report(found: dict[str, Any]) -> str:
    """Markdown of what was measured."""
    methods = found["methods"]
    parts = [
        _INTRODUCTION.format(**found),
        _main_table(methods),
        "![PA-MPJPE against frames/s](survey.svg)\n",
        *(_slice_table(methods, name) for name in ("occlusion", "viewpoint", "pose")),
        _real_tables(found["real"]),
        "# What's next\n\nThe questions of the survey's last slide, as far as measurements answer them.\n",
        _TWO_HANDS,
        _two_hands(found["two_hands"]),
        _OCCLUSION,
        _table(("", *HIDDEN), [(f"`{n}`", *_cells(row["hidden"], HIDDEN)) for n, row in methods.items()]),
        _PRIORS.format(clips=found["refined_clips"]),
        _refined(found["refined"]),
        "# As published\n\nOn other data, so only orders and ratios can be compared. Mean 3D distances in mm, 2D in px.\n",
        *(_published(paper) for paper in PAPERS),
    ]
    return "\n".join(parts)


def _main_table(methods: dict[str, Any]) -> str:
    head = (
        "",
        "PA-MPJPE (mm)",
        "RA-MPJPE (mm)",
        "AUC 20–50",
        "px",
        "frames/s on a core",
        "parameters (million)",
        "training (min)",
    )
    rows = []
    for name, row in sorted(methods.items(), key=lambda item: item[1]["pa_mpjpe"]):
        rows.append(
            (
                f"`{name}`",
                f"{row['pa_mpjpe']:.2f}",
                f"{row['ra_mpjpe']:.2f}",
                f"{row['auc_20_50']:.3f}",
                f"{row['px']:.2f}",
                f"{row['fps']:.0f}" if "fps" in row else "–",
                f"{row['parameters'] / 1e6:.2f}" if "parameters" in row else "–",
                f"{row['training_seconds'] / 60:.0f}" if "training_seconds" in row else "–",
            )
        )
    return _table(head, rows)


def _slice_table(methods: dict[str, Any], name: str) -> str:
    names = tuple(n for n in RUN_SLICES[name] if any(n in row["slices"][name] for row in methods.values()))
    counts = next(iter(methods.values()))["slices"][name]
    head = ("", *(f"{n} ({counts[n]['frames']})" for n in names))
    rows = [(f"`{method}`", *_cells(row["slices"][name], names)) for method, row in methods.items()]
    return f"## By {name}\n\nPA-MPJPE in mm (number of frames).\n\n{_table(head, rows)}"


def _cells(values: dict[str, Any], names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{values[name]['pa_mpjpe']:.1f}" if name in values else "–" for name in names)


def _real_tables(real: dict[str, Any]) -> str:
    if not real:
        return "# Real hands\n\nNot measured: the clips were absent.\n"
    names = list(real)
    rows = []
    for method in dict.fromkeys(name for own in real.values() for name in own):
        cells = []
        for clip in names:
            row = real[clip].get(method, {})
            accuracy = f"{row['pa_mpjpe']:.1f} mm" if "pa_mpjpe" in row else ""
            image = f"{row['distance_2d_percent']:.1f}%, {row['broken']} broken" if "broken" in row else ""
            cells.append(", ".join(part for part in (accuracy, image) if part) or "–")
        rows.append((f"`{method}`", *cells))
    text = (
        "# Real hands\n\nPA-MPJPE against joints triangulated from two cameras (the first two clips), mean 2D distance "
        "from the detector's joints in % of the hand's box, and broken meshes. No training saw real images; the triangulated "
        "joints are the detector's, so they favour methods that follow it.\n\n"
    )
    return text + _table(("", *(f"`{name}`" for name in names)), rows)


def _two_hands(found: dict[str, Any]) -> str:
    rows = [
        (f"`{name}`", "–" if row["mrrpe"] is None else f"{row['mrrpe']:.1f}", str(row["frames"])) for name, row in found.items()
    ]
    return _table(("", "MRRPE (mm)", "frames"), rows)


def _refined(found: dict[str, Any]) -> str:
    rows = []
    for name, pair in found.items():
        before, after = pair["before"], pair["after"]
        rows.append(
            (
                f"`{name}`",
                f"{before['pa_mpjpe']:.2f} → {after['pa_mpjpe']:.2f}",
                f"{before['ra_mpjpe']:.2f} → {after['ra_mpjpe']:.2f}",
                f"{after['pa_mpjpe'] / before['pa_mpjpe']:.2f}, {after['ra_mpjpe'] / before['ra_mpjpe']:.2f}",
            )
        )
    return _table(("", "PA-MPJPE", "RA-MPJPE", "ratios"), rows)


def _published(paper: str) -> str:
    """The tables of one paper, one row a method and variant, one column a data set."""
    with PUBLISHED.open() as file:
        rows = [row for row in csv.DictReader(file) if row["paper"] == paper]
    sections = []
    for table in dict.fromkeys(row["table"] for row in rows):
        own = [row for row in rows if row["table"] == table]
        sets = list(dict.fromkeys(row["dataset"] for row in own))
        lines = []
        for name in dict.fromkeys((row["method"], row["variant"]) for row in own):
            values = {row["dataset"]: row for row in own if (row["method"], row["variant"]) == name}
            title = name[0] if not name[1] or name[1] == name[0] else f"{name[0]}, {name[1]}"
            cells = (values[s]["value"] + ("*" if "trained" in values[s]["note"] else "") if s in values else "–" for s in sets)
            lines.append((title, *cells))
        sections.append(f"## {PAPERS[paper]}, table {table}: {own[0]['metric']}\n\n{_table(('', *sets), lines)}")
    return "\n".join(sections) + "\n\\* trained on that data set.\n"


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows)]
    return "\n".join(lines) + "\n"

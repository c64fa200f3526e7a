"""What a board and a submission show beside their figures: PCK curves, errors by joint, histograms, worst frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

import numpy as np
from django.contrib.auth.models import AnonymousUser
from django.utils.safestring import SafeString

from ml.catalog import METHODS, is_distance
from palmares.benchmarks import ranking_rules
from palmares.benchmarks.models import Board
from palmares.submissions.frame_file import frame_values
from palmares.submissions.models import Score
from palmares.submissions.serializers import content_of_board
from palmares.svg_charts import COLOURS, Axis, Bar, Line, bars, curves, round_up
from palmares.teams.models import User
from palmares.uploads.models import Upload

WORST: Final = 12
_FINGERS: Final = ("thumb", "index", "middle", "ring", "pinky")
_JOINTS: Final = (
    Bar("W", "wrist"),
    *(Bar(str(n) if n > 1 else finger[0].upper(), f"{finger} {n}") for finger in _FINGERS for n in range(1, 5)),
)


@dataclass(frozen=True)
class Plot:
    """A plot with its title and legend: (name, colour) of each series."""

    title: str
    drawn: SafeString
    legend: list[tuple[str, str]]


@dataclass(frozen=True)
class Series:
    """A submission in a plot, and what there is to draw of it."""

    name: str
    colour: str
    content: dict[str, Any]


@dataclass(frozen=True)
class WorstFrame:
    """A frame that a submission gets most wrong, and the upload that shows it, where there is one."""

    sequence: str
    row: int
    value: float
    upload: str | None
    frame: int
    run: str | None = None
    """Of the platform, where the submission was made of runs."""


def plots(scores: Sequence[Score], metric: str, board: Board, user: User | AnonymousUser) -> list[Plot]:
    """Of several submissions together on a board, under the alignment of `metric`, as far as a person may see them."""
    prefix = metric.partition("_")[0] + "_" if metric.partition("_")[0] in ("pa", "ra", "st", "pr") else ""
    series = [
        Series(score.submission.method, colour, content_of_board(score, board, user))
        for score, colour in zip(scores, colours_of(scores).values(), strict=True)
    ]
    found = [
        _pck(series, f"{prefix}auc_joints"),
        _by_joint(series, f"{prefix}mpjpe"),
        _histogram(series, f"{prefix}mpjpe"),
    ]
    return [plot for plot in found if plot is not None]


def colours_of(scores: Sequence[Score]) -> dict[UUID, str]:
    """The colour of each submission: its method's own where the platform has that method, else one of its own."""
    own = {entry.title: entry.colour for entry in METHODS.values()}
    of_baselines = {s.submission_id: own.get(s.submission.method) for s in scores if s.submission.is_baseline}
    free = [colour for colour in COLOURS if colour not in of_baselines.values()] or list(COLOURS)
    found: dict[UUID, str] = {}
    for score in scores:
        others = len(found) - sum(pk in of_baselines for pk in found)
        found[score.submission_id] = of_baselines.get(score.submission_id) or free[others % len(free)]
    return found


def by_sequence(scores: Sequence[Score], metric: str, board: Board, user: User | AnonymousUser) -> list[dict[str, Any]]:
    """For each sequence the figures of all submissions, in their order; on a board of a subset of its frames alone."""
    tables = [{row["name"]: row for row in content_of_board(score, board, user).get("by_sequence", [])} for score in scores]
    names = dict.fromkeys(name for table in tables for name in table)
    uploads = _visible_uploads((row.get("upload") for table in tables for row in table.values()), user)
    return [
        {
            "name": name,
            "rows": next(table[name]["rows"] for table in tables if name in table),
            "upload": next((row["upload"] for t in tables if (row := t.get(name)) and row.get("upload") in uploads), None),
            "figures": [table.get(name, {}).get("figures", {}).get(metric) for table in tables],
        }
        for name in names
    ]


def worst_frames(score: Score, metric: str, user: User | AnonymousUser) -> list[WorstFrame]:
    """The frames with the largest errors; only for benchmarks that show errors by frame."""
    frames = frame_values(score)
    if metric not in frames.metrics or not is_distance(metric):
        return []
    values, sequence = np.nan_to_num(frames.metrics[metric].astype(np.float64), nan=-1.0), frames.sequence
    sequences = score.revision.truth.sequences
    found = []
    for row in np.argsort(-values)[:WORST].tolist():
        number = int(sequence[row])
        entry = sequences[number] if sequences else {"name": "", "upload": None}
        frame = row if frames.frame is None else int(frames.frame[row])
        upload = None if frames.frame is None else entry.get("upload")  # an older scorer did not keep the frame's number
        found.append(WorstFrame(str(entry["name"]), row, float(values[row]), upload, frame))
    uploads = _visible_uploads((frame.upload for frame in found), user)
    runs = {str(upload): str(pk) for pk, upload in score.submission.runs.values_list("pk", "upload")}
    shown = [replace(f, upload=f.upload if f.upload in uploads else None) for f in found if f.value >= 0]
    return [replace(frame, run=runs.get(frame.upload) if frame.upload else None) for frame in shown]


def _visible_uploads(ids: Iterable[str | None], user: User | AnonymousUser) -> set[str]:
    """Those of some uploads that a person may open."""
    found = Upload.objects.visible_to(user).filter(pk__in={pk for pk in ids if pk}).values_list("pk", flat=True)
    return {str(pk) for pk in found}


def _pck(series: Sequence[Series], name: str) -> Plot | None:
    lines = []
    for each in series:
        entry = next((c for c in each.content.get("pck", []) if c["metric"] == name), None)
        if entry:
            points = list(zip(entry["thresholds_mm"], entry["share"], strict=True))
            lines.append(Line(each.name, points, each.colour))
    if not lines:
        return None
    x_max = max(x for line in lines for x, _ in line.points)
    x, y = Axis("threshold (mm)", 0.0, x_max), Axis("share of joints", 0.0, 1.0)
    drawn = curves(lines, x=x, y=y, label=f"PCK curves: {ranking_rules.title(name)}")
    return Plot(f"PCK · {ranking_rules.title(name)}", drawn, _legend(series))


def _by_joint(series: Sequence[Series], name: str) -> Plot | None:
    tables = [each.content.get("by_joint_mm", {}).get(name) for each in series]
    if not any(tables):
        return None
    joints = [(joint, [table[i] if table else None for table in tables]) for i, joint in enumerate(_JOINTS)]
    title = f"{ranking_rules.title(name)} by joint"
    colours = [each.colour for each in series]
    drawn = bars(joints, colours, x="wrist, then each finger from its base to its tip", y="mm", label=title)
    return Plot(title, drawn, _legend(series))


def _histogram(series: Sequence[Series], name: str) -> Plot | None:
    lines = []
    for each in series:
        histogram = each.content.get("histogram", {})
        if name in histogram and (total := sum(histogram[name])):
            edges = histogram["edges_mm"]
            points = [(e, n / total) for e, n in zip(edges[:-1], histogram[name], strict=True)]
            lines.append(Line(each.name, points, each.colour))
    if not lines:
        return None
    top = max(y for line in lines for _, y in line.points)
    x_max = max((x for line in lines for x, y in line.points if y > 0), default=50) + 2
    title = f"Frames by {ranking_rules.title(name)}"
    x, y = Axis("mm", 0.0, x_max), Axis("share of frames", 0.0, round_up(top))
    drawn = curves(lines, x=x, y=y, label=title)
    return Plot(title, drawn, _legend(series))


def _legend(series: Sequence[Series]) -> list[tuple[str, str]]:
    return [(each.name, each.colour) for each in series]

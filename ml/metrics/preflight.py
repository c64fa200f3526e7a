"""Is this file what its author thinks it is? Units, axes, joint order, handedness, root and coverage, told from geometry, and,
where a truth is at hand, from error.

The same code serves command, client and server. Without a truth it looks only at the prediction and so may be shown to anyone;
findings that rest on a truth tell of it, and stay where the truth may be seen.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np

from ml.formats.frames import FrameSet
from ml.formats.orders import TO_INSIDE
from ml.hand.skeleton import BONES
from ml.metrics.alignment import procrustes_align, root_align
from ml.metrics.errors import distances
from ml.metrics.pairing import Pair
from ml.metrics.protocol import Protocol

Level = Literal["error", "warning", "note"]

SAMPLE: Final = 256
"""Frames looked at, evenly spread."""
SPAN_MM: Final = (60.0, 260.0)
"""Largest distance between two joints of one hand; wide enough for a child's fist and for the largest open hand."""
_UNITS: Final = {"metres": 1000.0, "centimetres": 10.0, "millimetres": 1.0, "micrometres": 0.001}
_CLEARLY: Final = 0.75
"""Another order is named when it shortens the bones, or cuts the error, to less than this share."""


@dataclass(frozen=True)
class Finding:
    """One thing worth saying.

    Attributes:
        level: `error`: must not be scored so; `warning`: probably a mistake; `note`: good to know.
        message: one sentence, with what would be right.
        place: file, and frame where it is one.
    """

    level: Level
    message: str
    place: str

    def as_json(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def check_prediction(
    protocol: Protocol, prediction: FrameSet, *, count: int | None = None, sides: np.ndarray | None = None
) -> list[Finding]:
    """Findings from geometry alone.

    Raises:
        FormatError: a frame looked at is not as the format asks.
    """
    rows = _sample(prediction, len(prediction) if count is None else count)
    if not len(rows):
        return [Finding("error", "no hand at all, expected at least one", prediction.name)]
    joints = _joints(prediction, rows)
    unit = _check_unit(protocol, joints, None, prediction.name)
    findings = [
        *unit,
        *_check_content(joints, rows, prediction.name),
        *_check_axes(protocol, joints, prediction.name),
        *_check_root(protocol, joints, prediction.name),
        *_check_order(protocol, joints, prediction.name),
    ]
    if prediction.vertex_count is not None:
        findings += _check_meshes(prediction, rows, joints)
    if sides is not None and not unit:
        findings += _check_chirality(protocol, joints, sides[rows], prediction.name)
    return findings


def check_pair(protocol: Protocol, pair: Pair) -> list[Finding]:
    """Findings from geometry and from the error against the truth. They tell of the truth: not for a private benchmark.

    Raises:
        FormatError: a frame looked at is not as the format asks.
    """
    prediction, name = pair.prediction, pair.prediction.name
    rows = _sample(prediction, pair.count)
    findings = []
    covered = pair.count if prediction.found is None else int(prediction.found[: pair.count].sum())
    if covered < pair.count:
        findings.append(Finding("warning", f"{covered} of {pair.count} hands of the truth are answered", name))
    findings += [Finding("warning", note, name) for note in pair.notes]
    if not len(rows):
        return [*findings, Finding("error", "no hand of the truth is answered: check frames and sides", name)]
    joints, truth = _joints(prediction, rows), _joints(pair.truth, rows)
    whole = np.isfinite(truth).all((1, 2))
    unit = _check_unit(protocol, joints[whole], truth[whole], name) if whole.any() else []
    findings += [*unit, *_check_content(joints, rows, name), *_check_root(protocol, joints, name, truth=truth)]
    if whole.any() and not unit:
        findings += _check_against(protocol, joints[whole], truth[whole], name)
    return findings


def _sample(frames: FrameSet, count: int) -> np.ndarray:
    there = np.arange(count) if frames.found is None else np.flatnonzero(frames.found[:count])
    return there if len(there) <= SAMPLE else there[np.linspace(0, len(there) - 1, SAMPLE).astype(int)]


def _joints(frames: FrameSet, rows: np.ndarray) -> np.ndarray:
    return np.concatenate([frames.joints(row, row + 1) for row in rows.tolist()])


def _span(joints: np.ndarray) -> float:
    """Median over frames of the largest distance between two joints, in the file's unit."""
    return float(np.median(np.linalg.norm(joints[:, :, None] - joints[:, None], axis=-1).max((1, 2))))


def _check_unit(protocol: Protocol, joints: np.ndarray, truth: np.ndarray | None, name: str) -> list[Finding]:
    expected = "metres" if protocol.unit == "m" else "millimetres"
    span_mm = _span(joints) * protocol.unit_mm
    if truth is None:
        low, high = SPAN_MM
    else:
        real = _span(truth) * protocol.unit_mm
        low, high = real / 3, real * 3
    if low <= span_mm <= high or span_mm == 0:
        return []
    for unit, in_mm in _UNITS.items():
        if unit != expected and low <= span_mm / protocol.unit_mm * in_mm <= high:
            message = f"the hands would be {span_mm:.4g} mm across: the file is in {unit}, expected {expected}"
            return [Finding("error", message, name)]
    return [Finding("warning", f"the hands are {span_mm:.4g} mm across, expected about {low:.0f} to {high:.0f} mm", name)]


def _check_content(joints: np.ndarray, rows: np.ndarray, name: str) -> list[Finding]:
    findings = []
    collapsed = np.flatnonzero(np.ptp(joints, axis=1).max(-1) == 0)
    if len(collapsed):
        share = f"{len(collapsed)} of {len(joints)} hands looked at"
        findings.append(
            Finding("warning", f"all joints in one point in {share}, expected a hand", f"{name}, row {rows[collapsed[0]]}")
        )
    if len(joints) > 1 and (joints == joints[0]).all():
        findings.append(Finding("warning", "the same hand in every frame", name))
    return findings


def _check_axes(protocol: Protocol, joints: np.ndarray, name: str) -> list[Finding]:
    depth = joints[..., 2].mean(1)
    ahead = depth < 0 if protocol.axes == "opengl" else depth > 0
    near = np.abs(depth) * protocol.unit_mm < SPAN_MM[0]
    if near.all() or ahead.mean() > 0.5:
        return []
    other = "OpenCV (z forward)" if protocol.axes == "opengl" else "OpenGL (z backward)"
    asked = "OpenGL (x right, y up, z backward)" if protocol.axes == "opengl" else "OpenCV (x right, y down, z forward)"
    return [Finding("warning", f"the hands are behind the camera: the axes look like {other}, expected {asked}", name)]


def _check_root(protocol: Protocol, joints: np.ndarray, name: str, *, truth: np.ndarray | None = None) -> list[Finding]:
    if truth is not None and (truth[:, protocol.root] == 0).all():
        return []
    at_origin = np.flatnonzero((joints == 0).all((0, 2)))
    if not len(at_origin) or len(at_origin) == joints.shape[1]:
        return []
    message = f"joint {at_origin[0]} is the origin in every frame: joints are root-relative, expected camera space"
    return [Finding("warning", f"{message}; errors without alignment will be large", name)]


def _bone_length(joints: np.ndarray, order: str) -> float:
    inside = joints[:, list(TO_INSIDE[order])]
    parents, children = np.array(BONES).T
    return float(np.median(np.linalg.norm(inside[:, children] - inside[:, parents], axis=-1).sum(-1)))


def _check_order(protocol: Protocol, joints: np.ndarray, name: str) -> list[Finding]:
    """The right order is the one whose bones are short: any other jumps between fingers."""
    lengths = {order: _bone_length(joints, order) for order in TO_INSIDE}
    best = min(lengths, key=lengths.__getitem__)
    if best == protocol.order or lengths[best] > _CLEARLY * lengths[protocol.order]:
        return []
    before, after = (protocol.unit_mm * lengths[order] for order in (protocol.order, best))
    message = f"joints look like {best} order: reordering shortens the bones from {before:.0f} to {after:.0f} mm in sum"
    return [Finding("warning", f"{message}; expected {protocol.order} order", name)]


def _check_meshes(prediction: FrameSet, rows: np.ndarray, joints: np.ndarray) -> list[Finding]:
    some = np.linspace(0, len(rows) - 1, min(len(rows), 8)).astype(int)
    meshes = np.concatenate([prediction.vertices(row, row + 1) for row in rows[some].tolist()])
    if not meshes.shape[1]:
        return [Finding("warning", "the meshes have no vertices", prediction.name)]
    gap = np.linalg.norm(joints[some][:, :, None] - meshes[:, None], axis=-1).min(-1).max(-1)
    span = _span(joints)
    if span > 0 and np.median(gap) > 0.5 * span:
        return [
            Finding("warning", "joints and meshes lie apart: they are in different units, frames or roots", prediction.name)
        ]
    return []


def _check_chirality(protocol: Protocol, joints: np.ndarray, sides: np.ndarray, name: str) -> list[Finding]:
    """Fingers bend towards the palm, so bent fingers tell a left hand from a right one."""
    inside = joints[:, list(TO_INSIDE[protocol.order])] * np.array([1, 1, 1] if protocol.axes == "opencv" else [1, -1, -1])
    bend = bend_towards(inside)
    clear = np.abs(bend) > 0.1
    looks_right = bend > 0
    if clear.sum() < 8 or (looks_right == (sides == 1))[clear].mean() >= 0.25:
        return []
    return [Finding("warning", "the hands look mirrored: sides are swapped, or the picture was flipped", name)]


def bend_towards(joints: np.ndarray) -> np.ndarray:
    """How far the fingers bend to the palm's side [n], as a share of the finger's length; above 0 for right hands.

    Joints [n, 21, 3] in inside order, OpenCV camera. The palm's normal is (index MCP − wrist) × (pinky MCP − wrist); it points
    out of the back of a left hand and out of the palm of a right one.
    """
    normal = np.cross(joints[:, 5] - joints[:, 0], joints[:, 17] - joints[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12)
    bases, tips = joints[:, [5, 9, 13, 17]], joints[:, [8, 12, 16, 20]]
    reach = np.maximum(np.linalg.norm(tips - bases, axis=-1).mean(-1), 1e-12)
    return np.asarray(((tips - bases) @ normal[:, :, None])[..., 0].mean(-1) / reach)


def _check_against(protocol: Protocol, joints: np.ndarray, truth: np.ndarray, name: str) -> list[Finding]:
    """What a change of order, axes or side would do to the error."""
    findings = []
    here = _error_mm(protocol, truth, joints)
    to_file = np.argsort(TO_INSIDE[protocol.order])
    reordered = {
        o: _error_mm(protocol, truth, joints[:, list(TO_INSIDE[o])][:, to_file]) for o in TO_INSIDE if o != protocol.order
    }
    best = min(reordered, key=reordered.__getitem__)
    if reordered[best] < _CLEARLY * here:
        message = f"joints look like {best} order: reordering cuts the error from {here:.0f} to {reordered[best]:.0f} mm"
        findings.append(Finding("warning", f"{message} (procrustes); expected {protocol.order} order", name))
    _, found = procrustes_align(truth, joints)
    if found.reflects.mean() > 0.5:
        message = "most hands match the truth best when mirrored: the other side, or a flipped axis"
        findings.append(Finding("warning", message, name))
    relative, expected = root_align(joints, root=protocol.root), root_align(truth, root=protocol.root)
    now = protocol.unit_mm * float(distances(expected, relative).mean())
    flipped = protocol.unit_mm * float(distances(expected, relative * np.array([1, -1, -1])).mean())
    if flipped < _CLEARLY * now:
        other = "OpenCV" if protocol.axes == "opengl" else "OpenGL"
        message = f"axes look like {other}'s: turning y and z cuts the root-aligned error from {now:.0f} to {flipped:.0f} mm"
        findings.append(Finding("warning", message, name))
    return findings


def _error_mm(protocol: Protocol, truth: np.ndarray, joints: np.ndarray) -> float:
    aligned, _ = procrustes_align(truth, joints, reflections=False)
    return protocol.unit_mm * float(distances(truth, aligned).mean())

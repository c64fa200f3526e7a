"""Checks of a file before it is scored: units, axes, joint order, handedness, root and coverage, from geometry and, where a
truth is at hand, from the error.

The same code serves command, client and server. Without a truth it looks only at the prediction and so may be shown to anyone;
findings that rest on a truth reveal something of it, and stay where the truth may be seen.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from itertools import product
from typing import Any, Final, Literal

import numpy as np

from ml.formats.frames import FrameSet
from ml.formats.orders import TO_OPENPOSE
from ml.hand.skeleton import BONES
from ml.metrics.alignment import procrustes_align
from ml.metrics.errors import distances
from ml.metrics.pairing import Pair
from ml.metrics.protocol import Protocol

Level = Literal["error", "warning", "note"]

SAMPLE: Final = 256
"""Frames looked at, evenly spread."""
SPAN_MM: Final = (60.0, 260.0)
"""Largest distance between two joints of one hand; wide enough for a child's fist and for the largest open hand."""
_UNITS: Final = {"m": ("metres", 1000.0), "cm": ("centimetres", 10.0), "mm": ("millimetres", 1.0), "µm": ("micrometres", 0.001)}
"""What units are called, and how many millimetres they are."""
_CLEARLY: Final = 0.75
"""Another order is named when it shortens the bones, or cuts the error, to less than this share."""
_AXES_SHARE: Final = 0.5
"""Other axes are named when they cut the error to less than this share …"""
_AXES_MM: Final = 30.0
"""… and to less than this: methods are that good, axes that fit by chance are not."""
_AS_GOOD: Final = 1.1
"""Of changes of axes whose errors are within this ratio of the least, the likeliest mistake is named."""

Axes = tuple[tuple[int, int, int], tuple[int, int, int]]
"""A change of axes: which of the file's become x, y and z, and their signs then."""

_OTHER_CAMERA: Final[Axes] = (0, 1, 2), (1, -1, -1)
_ORDERS: Final = (0, 1, 2), (1, 0, 2), (0, 2, 1)
_SIGNS: Final = (1, 1, 1), (1, -1, -1), (1, 1, -1), (1, -1, 1), (-1, 1, 1), (-1, -1, 1), (-1, 1, -1), (-1, -1, -1)
_AXES: Final[tuple[Axes, ...]] = tuple(product(_ORDERS, _SIGNS))
"""No change, then those that are tried, the likeliest mistakes first."""


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
    if sides is None and protocol.format == "meshes-json":  # FreiHAND and HO3D hold right hands alone
        sides = np.ones(len(prediction), np.uint8)
    unit, order = _check_unit(protocol, joints, None, prediction), _check_order(protocol, joints, prediction.name)
    mirrored = sides is not None and not unit and not order and _bend_wrongly(protocol, joints, sides[rows])
    findings = [
        *unit,
        *_check_content(joints, rows, prediction.name),
        *_check_axes(protocol, joints, prediction.name, mirrored=mirrored),
        *_check_root(protocol, joints, prediction.name),
        *order,
    ]
    if prediction.vertex_count is not None:
        findings += _check_meshes(prediction, rows, joints)
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
    # Fingertips alone have no span to compare with: there the hand's own must do.
    unit = _check_unit(protocol, joints[whole] if whole.any() else joints, truth[whole] if whole.any() else None, prediction)
    findings += [*unit, *_check_content(joints, rows, name), *_check_root(protocol, joints, name, truth=truth)]
    if not unit:
        findings += _check_against(protocol, joints, truth, name)
    return findings


def _sample(frames: FrameSet, count: int) -> np.ndarray:
    there = np.arange(count) if frames.found is None else np.flatnonzero(frames.found[:count])
    return there if len(there) <= SAMPLE else there[np.linspace(0, len(there) - 1, SAMPLE).astype(int)]


def _joints(frames: FrameSet, rows: np.ndarray) -> np.ndarray:
    return np.concatenate([frames.joints(row, row + 1) for row in rows.tolist()])


def _span(joints: np.ndarray) -> float:
    """Median over frames of the largest distance between two joints, in the file's unit."""
    return float(np.median(np.linalg.norm(joints[:, :, None] - joints[:, None], axis=-1).max((1, 2))))


def _check_unit(protocol: Protocol, joints: np.ndarray, truth: np.ndarray | None, prediction: FrameSet) -> list[Finding]:
    expected = prediction.stated_unit or protocol.unit
    span_mm = _span(joints) * protocol.unit_mm
    if truth is None:
        low, high = SPAN_MM
    else:
        real = _span(truth) * protocol.unit_mm
        low, high = real / 3, real * 3
    if low <= span_mm <= high or span_mm == 0:
        return []
    across, (called, in_mm) = f"{span_mm:.4g} mm across", _UNITS[expected]
    for unit, (name, factor) in _UNITS.items():
        if unit != expected and low <= span_mm / in_mm * factor <= high:
            message = f"the hands would be {across}: the file is in {name}, expected {called}"
            if prediction.stated_unit:
                message = f'`unit` says "{expected}", but the hands are {across}: it looks like "{unit}"'
            return [Finding("error", message, prediction.name)]
    return [Finding("warning", f"the hands are {across}, expected about {low:.0f} to {high:.0f} mm", prediction.name)]


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


def _check_axes(protocol: Protocol, joints: np.ndarray, name: str, *, mirrored: bool) -> list[Finding]:
    depth = joints[..., 2].mean(1)
    ahead = depth < 0 if protocol.axes == "opengl" else depth > 0
    near = np.abs(depth) * protocol.unit_mm < SPAN_MM[0]
    if near.all() or ahead.mean() > 0.5:
        why = "one axis is flipped, sides are swapped, or the image was flipped"
        return [Finding("warning", f"fingers bend to the back of the hand, the hands look mirrored: {why}", name)] * mirrored
    other = "OpenCV (z forward)" if protocol.axes == "opengl" else "OpenGL (z backward)"
    asked = "OpenGL (x right, y up, z backward)" if protocol.axes == "opengl" else "OpenCV (x right, y down, z forward)"
    if mirrored:
        what = "the hands are behind the camera and fingers bend to their back: z alone looks flipped"
    else:
        what = f"the hands are behind the camera: the axes look like {other}"
    return [Finding("warning", f"{what}, expected {asked}", name)]


def _check_root(protocol: Protocol, joints: np.ndarray, name: str, *, truth: np.ndarray | None = None) -> list[Finding]:
    if truth is not None and (truth[:, protocol.root] == 0).all():
        return []
    at_origin = np.flatnonzero((joints == 0).all((0, 2)))
    if not len(at_origin) or len(at_origin) == joints.shape[1]:
        return []
    message = f"joint {at_origin[0]} is the origin in every frame: joints are root-relative, expected camera space"
    return [Finding("warning", f"{message}; errors without alignment will be large", name)]


def _bone_length(joints: np.ndarray, order: str) -> float:
    ordered = joints[:, list(TO_OPENPOSE[order])]
    parents, children = np.array(BONES).T
    return float(np.median(np.linalg.norm(ordered[:, children] - ordered[:, parents], axis=-1).sum(-1)))


def _check_order(protocol: Protocol, joints: np.ndarray, name: str) -> list[Finding]:
    """The right order is the one whose bones are short: any other jumps between fingers."""
    lengths = {order: _bone_length(joints, order) for order in TO_OPENPOSE}
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


def _bend_wrongly(protocol: Protocol, joints: np.ndarray, sides: np.ndarray) -> bool:
    """Fingers bend towards the palm, so bent fingers tell a left hand from a right one."""
    bend = bend_towards(joints[:, list(TO_OPENPOSE[protocol.order])])
    clear = np.abs(bend) > 0.1
    return bool(clear.sum() >= 8 and ((bend > 0) == (sides == 1))[clear].mean() < 0.25)


def bend_towards(joints: np.ndarray) -> np.ndarray:
    """How far the fingers bend to the palm's side [n], as a share of the finger's length; above 0 for right hands.

    Joints [n, 21, 3] in OpenPose order; OpenGL's axes do as well as OpenCV's, for they are turned and not mirrored. The palm's
    normal is (index MCP − wrist) × (pinky MCP − wrist); it points out of the back of a left hand and out of the palm of a
    right one.
    """
    normal = np.cross(joints[:, 5] - joints[:, 0], joints[:, 17] - joints[:, 0])
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12)
    bases, tips = joints[:, [5, 9, 13, 17]], joints[:, [8, 12, 16, 20]]
    reach = np.maximum(np.linalg.norm(tips - bases, axis=-1).mean(-1), 1e-12)
    return np.asarray(((tips - bases) @ normal[:, :, None])[..., 0].mean(-1) / reach)


def _check_against(protocol: Protocol, joints: np.ndarray, truth: np.ndarray, name: str) -> list[Finding]:
    """What a change of order, axes or side would do to the error. Joints of the truth that are not annotated are NaN."""
    whole = np.isfinite(truth).all((1, 2))
    axes = _check_axes_against(protocol, joints, truth, name)
    if not whole.any():  # too few joints to tell orders by: any of them can be laid upon the truth
        return [*_check_order(protocol, joints, name), *axes]
    joints, truth = joints[whole], truth[whole]
    findings = []
    here = _error_mm(protocol, truth, joints)
    to_file = np.argsort(TO_OPENPOSE[protocol.order])
    reordered = {
        o: _error_mm(protocol, truth, joints[:, list(TO_OPENPOSE[o])][:, to_file]) for o in TO_OPENPOSE if o != protocol.order
    }
    best = min(reordered, key=reordered.__getitem__)
    if reordered[best] < _CLEARLY * here:
        message = f"joints look like {best} order: reordering cuts the error from {here:.0f} to {reordered[best]:.0f} mm"
        findings.append(Finding("warning", f"{message} (procrustes); expected {protocol.order} order", name))
    _, found = procrustes_align(truth, joints)
    if found.reflects.mean() > 0.5 and not axes:
        message = "most hands match the truth best when mirrored: the other side, or a flipped axis"
        findings.append(Finding("warning", message, name))
    return [*findings, *axes]


def _check_axes_against(protocol: Protocol, joints: np.ndarray, truth: np.ndarray, name: str) -> list[Finding]:
    """The change of axes that brings the annotated joints to the truth's, both about their own middle."""
    seen = np.isfinite(truth).all(-1)
    enough = seen.sum(1) >= 3
    if not enough.any():
        return []
    seen = seen[enough]
    expected, given = (p[enough] - p[enough].mean(1, keepdims=True, where=seen[..., None]) for p in (truth, joints))

    def error_mm(change: Axes) -> float:
        order, signs = change
        return protocol.unit_mm * float(distances(expected, given[..., list(order)] * np.array(signs))[seen].mean())

    now, *errors = map(error_mm, _AXES)
    least = min(errors)
    if least >= min(_AXES_SHARE * now, _AXES_MM):
        return []
    order, signs = change = next(c for c, error in zip(_AXES[1:], errors, strict=True) if error <= _AS_GOOD * least)
    if np.linalg.det(np.eye(3)[list(order)] * signs) < 0:
        what = "the hands are mirrored, as hands of the other side are"
    elif change == _OTHER_CAMERA:
        what = f"axes look like {'OpenCV' if protocol.axes == 'opengl' else 'OpenGL'}'s"
    else:
        what = "the axes are turned"
    swapped = " and ".join(axis for axis, place in zip("xyz", order, strict=True) if axis != "xyz"[place])
    negated = " and ".join(axis for axis, sign in zip("xyz", signs, strict=True) if sign < 0)
    cure = " and then ".join(f"{verb} {axes}" for verb, axes in (("swapping", swapped), ("negating", negated)) if axes)
    message = f"{what}: {cure} cuts the error of centred hands from {now:.0f} to {error_mm(change):.0f} mm"
    return [Finding("warning", message, name)]


def _error_mm(protocol: Protocol, truth: np.ndarray, joints: np.ndarray) -> float:
    aligned, _ = procrustes_align(truth, joints, reflections=False)
    return protocol.unit_mm * float(distances(truth, aligned).mean())

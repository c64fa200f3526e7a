"""One object with everything that a score says: official names and units, our own, curves, coverage, versions."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from ml.formats.orders import TO_OPENPOSE
from ml.metrics.errors import Curve, counts_of_bins, shares_of_counts, threshold_bins
from ml.metrics.pairing import Pair
from ml.metrics.protocol import PREFIXES, Protocol
from ml.metrics.scoring import PointErrors, Scores

SCORER_VERSION: Final = "4"
"""Changes when a value can."""

_PER_MM: Final = {"mm": 1.0, "cm": 0.1, "1": 1.0}


@dataclass(frozen=True)
class Report:
    """A score.

    Attributes:
        official: the official report's names in its order, in its units; None where a value is not defined.
        metrics: our names, in the units of `ml.catalog.METRICS`; None where a value is not defined.
        content: everything else, ready for JSON.
    """

    official: dict[str, float | None]
    metrics: dict[str, float | None]
    content: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The whole as one object: the official names at its top, everything else beside them."""
        return {**self.official, "metrics": self.metrics, **self.content}


def build_report(protocol: Protocol, pair: Pair, scores: Scores) -> Report:
    """Sum up what was scored."""
    metrics = _metrics(protocol, scores)
    official = {line.name: _scaled(metrics.get(line.metric), _PER_MM[line.unit]) for line in protocol.official}
    found = int(scores.found.sum())
    content: dict[str, Any] = {
        "official_units": {line.name: line.unit for line in protocol.official},
        "protocol": {"name": protocol.name, "version": protocol.version, "sha256": protocol.sha256, "source": protocol.source},
        "truth": {"name": pair.truth.name, "sha256": pair.truth.sha256},
        "prediction": {"name": pair.prediction.name, "sha256": pair.prediction.sha256},
        "scorer": {"version": SCORER_VERSION, "sha256": scorer_sha256()},
        "coverage": found / pair.count,
        "missing_policy": protocol.missing,
        "counts": {
            "rows": pair.count,
            "found": found,
            "missing": pair.count - found,
            "extra": pair.extra,
            "joints": 21,
            "vertices_truth": pair.truth.vertex_count,
            "vertices_prediction": pair.prediction.vertex_count,
        },
        "flags": {
            "reflected": int(scores.reflects.sum()),
            "reflected_rows": np.flatnonzero(scores.reflects)[:1000].tolist(),
            "meshes_aligned_by_joints": scores.same_vertices is False,
            "notes": list(pair.notes),
        },
        "detected": _detected(scores) if found < pair.count else {},
        "fps": pair.fps,
        "pck": _curves(protocol, scores),
        "by_joint_mm": {f"{PREFIXES[a]}mpjpe": _by_joint(protocol, errors) for a, errors in scores.joints.items()},
    }
    return Report(official, metrics, content)


def joints_of_rows(protocol: Protocol, pair: Pair, scores: Scores, rows: np.ndarray) -> dict[str, Any]:
    """`pck` (of joints) and `by_joint_mm`, as a report has them, of some rows alone: bool [N]."""
    curves, by_joint = [], {}
    for alignment, distances in scores.joint_distances.items():
        values = distances[rows]
        counted = np.isfinite(values)
        if protocol.missing == "scored":
            counted = np.ones_like(counted) if pair.truth.seen is None else pair.truth.seen[: len(rows)][rows]
        for number, curve in enumerate(protocol.curves):
            thresholds = curve.thresholds(1.0)
            counts = counts_of_bins(threshold_bins(values, thresholds, strict=curve.strict), len(thresholds))
            curves.append(_curve(curve, number, f"{PREFIXES[alignment]}auc_joints", counts, counted.sum(0)))
        ordered = values[:, list(TO_OPENPOSE[protocol.order])]
        by_joint[f"{PREFIXES[alignment]}mpjpe"] = [
            float(column[np.isfinite(column)].mean()) if np.isfinite(column).any() else None for column in ordered.T
        ]
    return {"pck": curves, "by_joint_mm": by_joint}


def _metrics(protocol: Protocol, scores: Scores) -> dict[str, float | None]:
    """Our names to their values, the most looked-for first."""
    found: dict[str, float] = {}
    for prefix, kind, errors in _each(scores):
        error, point = ("mpjpe", "joints") if kind == "joint" else ("mpvpe", "vertices")
        found[f"{prefix}{error}"] = _mean(errors) * protocol.unit_mm
        for number, curve in enumerate(protocol.curves):
            area = curve.area(shares_of_counts(errors.counts[number], errors.total))
            found[f"{prefix}auc_{point}" + (f"@{curve.name}" if number else "")] = area
    for alignment, values in scores.joint_distances.items():
        found[f"{PREFIXES[alignment]}median_joint_error"] = _median(values)
    for name, values in scores.per_frame.items():
        if name not in found:
            defined = values[np.isfinite(values)]
            found[name] = float(defined.mean()) if len(defined) else math.nan
    found.update(scores.overall)
    return {name: _number(value) for name, value in found.items()}


def _detected(scores: Scores) -> dict[str, float | None]:
    """Means over the hands that were predicted, where others are missing."""
    found = {}
    for name, values in scores.per_frame.items():
        defined = values[scores.found & np.isfinite(values)]
        found[name] = float(defined.mean()) if len(defined) else None
    return found


def _each(scores: Scores) -> list[tuple[str, str, PointErrors]]:
    joints = [(PREFIXES[a], "joint", errors) for a, errors in scores.joints.items()]
    return joints + [(PREFIXES[a], "vertex", errors) for a, errors in scores.vertices.items()]


def _mean(errors: PointErrors) -> float:
    there = errors.found > 0
    return float((errors.sums[there] / errors.found[there]).mean()) if there.any() else math.nan


def _median(values: np.ndarray) -> float:
    """Median over frames for each joint, then the mean over joints that are ever there."""
    medians = [np.median(column[np.isfinite(column)]) for column in values.T if np.isfinite(column).any()]
    return float(np.mean(medians)) if medians else math.nan


def _curves(protocol: Protocol, scores: Scores) -> list[dict[str, Any]]:
    """PCK curves for joints and vertices under every alignment."""
    return [
        _curve(curve, number, f"{prefix}auc_{'joints' if kind == 'joint' else 'vertices'}", errors.counts[number], errors.total)
        for prefix, kind, errors in _each(scores)
        for number, curve in enumerate(protocol.curves)
    ]


def _curve(curve: Curve, number: int, name: str, counts: np.ndarray, total: np.ndarray) -> dict[str, Any]:
    """A PCK curve, thresholds in mm and shares, from counts [P, T] out of `total` [P]; a protocol's first needs no name."""
    return {
        "metric": name + (f"@{curve.name}" if number else ""),
        "curve": curve.name,
        "rule": curve.rule,
        "strict": curve.strict,
        "thresholds_mm": curve.thresholds(1.0).tolist(),
        "share": [_number(share) for share in shares_of_counts(counts, total).tolist()],
    }


def _by_joint(protocol: Protocol, errors: PointErrors) -> list[float | None]:
    """Mean error of each joint, OpenPose order (`ml.hand.skeleton.JOINTS`), mm."""
    ordered = list(TO_OPENPOSE[protocol.order])
    sums, found = errors.sums[ordered].tolist(), errors.found[ordered].tolist()
    return [protocol.unit_mm * s / n if n else None for s, n in zip(sums, found, strict=True)]


def _number(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


@cache
def scorer_sha256() -> str:
    """Hash of the code that scores: every file of `ml.metrics` and `ml.formats`, in name order."""
    here = Path(__file__).resolve().parent
    digest = hashlib.sha256()
    for path in sorted([*here.glob("*.py"), *(here.parent / "formats").glob("*.py")]):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()

"""The metrics: titles, units, directions and sources."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class MetricEntry:
    """A metric.

    Attributes:
        name: as in JSON, URLs and tables.
        title: as people read it.
        unit: `mm`, `mm/frame²`, `px`, or `1` for shares and numbers without a unit.
        direction: what is better.
        definition: one sentence.
        source: who defined it.
        needs_truth: whether there is a ground truth in it; without one it says nothing of accuracy, and is labelled so.
    """

    name: str
    title: str
    unit: str
    direction: Literal["lower", "higher"]
    definition: str
    source: str
    needs_truth: bool = True

    @property
    def decimals(self) -> int:
        """To which values are shown and compared."""
        return {"1": 4, "px": 1}.get(self.unit, 2)


_EVAL_UTIL = "EvalUtil of hand3d (Zimmermann & Brox, ICCV 2017), as in FreiHAND, HO3D and DexYCB"
_ALIGNMENTS = {
    "": ("", "as predicted"),
    "ra_": ("RA-", "after subtracting each hand's own root joint"),
    "st_": ("ST-", "after scaling one bone to the truth's length and moving the root onto the truth's (HO3D)"),
    "pa_": ("PA-", "after the best similarity by Procrustes analysis, reflections allowed"),
    "pr_": ("PA-rot-", "after the best similarity by Procrustes analysis, reflections forbidden"),
}


def _point_metrics(prefix: str, short: str, after: str) -> list[MetricEntry]:
    found = []
    for thing, error, singular in (("joints", "mpjpe", "joint"), ("vertices", "mpvpe", "vertex")):
        mean = f"Mean distance between predicted and true {thing} {after}; over frames for each {singular}, then over {thing}."
        found.append(MetricEntry(f"{prefix}{error}", f"{short}{error.upper()}", "mm", "lower", mean, _EVAL_UTIL))
        area = f"Area under the curve of the share of {thing} within t, {after}, over the protocol's thresholds."
        found.append(MetricEntry(f"{prefix}auc_{thing}", f"{short}AUC ({thing})", "1", "higher", area, _EVAL_UTIL))
    median = f"Median distance of each joint over frames {after}, then the mean over joints."
    found.append(MetricEntry(f"{prefix}median_joint_error", f"{short}median EPE", "mm", "lower", median, _EVAL_UTIL))
    return found


def _f_metrics(prefix: str, short: str, after: str) -> list[MetricEntry]:
    source = "Knapitsch et al., Tanks and Temples, 2017; FreiHAND (Zimmermann et al., ICCV 2019)"
    found = []
    for t in (5, 15):
        shares = f"the shares of true and of predicted vertices that have one of the other closer than {t} mm"
        meaning = f"Harmonic mean of {shares}, {after}."
        found.append(MetricEntry(f"{prefix}f{t}", f"{short}F@{t} mm", "1", "higher", meaning, source))
    return found


METRICS: dict[str, MetricEntry] = {
    entry.name: entry
    for entry in (
        *(entry for prefix, (short, after) in _ALIGNMENTS.items() for entry in _point_metrics(prefix, short, after)),
        *(entry for prefix in _ALIGNMENTS for entry in _f_metrics(prefix, *_ALIGNMENTS[prefix])),
        *(
            MetricEntry(
                f"pa_f{t}_freihand_script",
                f"PA-F@{t} mm (FreiHAND's script, faulty)",
                "1",
                "higher",
                "What FreiHAND's and HO3D's scripts print for meshes whose vertex count is not the truth's: the alignment "
                "forgets the prediction's norm. For comparison with published values only.",
                "github.com/lmb-freiburg/freihand, eval.py, align_by_trafo",
            )
            for t in (5, 15)
        ),
        MetricEntry(
            "ra_acceleration_error",
            "RA-ACC",
            "mm/frame²",
            "lower",
            "Mean distance between the second differences in time of predicted and true root-aligned joints, where a frame and "
            "both its neighbours are there in both.",
            "Duran et al., HMP, WACV 2024",
        ),
        MetricEntry(
            "jitter",
            "Jitter",
            "mm/frame²",
            "lower",
            "Mean length of the second difference in time of root-aligned joints. No ground truth.",
            "HMP's acceleration, without its truth",
            needs_truth=False,
        ),
        MetricEntry(
            "reprojection",
            "Reprojection error",
            "px",
            "lower",
            "Mean distance in the image between projected joints and detected keypoints. No ground truth.",
            "Boukhayma et al., CVPR 2019 (the objective of their 2D fit)",
            needs_truth=False,
        ),
        MetricEntry(
            "bone_length",
            "Bone-length variation",
            "mm",
            "lower",
            "Mean distance of the bone lengths from their median over the clip. No ground truth.",
            "a hand's bones keep their length",
            needs_truth=False,
        ),
        MetricEntry(
            "agreement",
            "Agreement",
            "mm",
            "lower",
            "Mean root-aligned distance between the joints that two methods found. No ground truth.",
            "a comparison of methods with each other",
            needs_truth=False,
        ),
        MetricEntry(
            "shape_mse",
            "MSE (shape)",
            "1",
            "lower",
            "Mean squared difference of the shape coefficients β, of the same hand model.",
            "Kong et al., ECCV 2022 (MSE_mano)",
        ),
        MetricEntry(
            "length_error",
            "L-error",
            "mm",
            "lower",
            "Mean difference of hand lengths, wrist to middle fingertip of the rest pose.",
            "Kong et al., ECCV 2022; landmarks ours, theirs are not published",
        ),
        MetricEntry(
            "width_error",
            "W-error",
            "mm",
            "lower",
            "Mean difference of palm widths, index MCP to pinky MCP of the rest pose.",
            "Kong et al., ECCV 2022; landmarks ours, theirs are not published",
        ),
    )
}
"""What is measured, by name. A protocol's further curves are named `auc_joints@20-50-hand3d` and the like."""

SERIES_METRICS = ("reprojection", "jitter", "bone_length")
"""Metrics that every run has for each frame (`ml.metrics.no_truth.series`), in the order in which pages show them."""

TRUTH_SERIES_METRICS = ("mpjpe", "ra_mpjpe", "st_mpjpe", "pa_mpjpe", "pr_mpjpe", "ra_acceleration_error", "agreement")
"""Metrics that the viewer computes for each frame from joints: against the ground truth, or between two methods."""


def is_distance(metric: str) -> bool:
    """Whether a metric is a mean distance of points, so that a missing hand can count as one that is far off."""
    return metric.endswith(("mpjpe", "mpvpe"))

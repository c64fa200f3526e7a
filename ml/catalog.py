"""Names, units and citations of methods, metrics and protocols. Data only, so that the web may import it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class MethodEntry:
    """A method that can be run here.

    Attributes:
        name: as in URLs, files and commands.
        title: as people read it.
        citation: the paper or project, in one line.
        inputs: what it needs of the upload.
        outputs: which parts of the canonical prediction it fills.
        summary: one sentence.
        implementation: `module:attribute`, imported by workers only.
        version: changes when its numbers do.
        colour: Paul Tol's *bright* and *vibrant* schemes, the same in every mesh, curve and row.
        shape: how it comes by the subject's hand shape when a run gives none.
        is_optimised: whether parameters are optimised at inference time.
        hand_models: those it can pose, and be given a shape of.
        prefers_gpu: its runs go to workers with a GPU while there are any.
    """

    name: str
    title: str
    citation: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    summary: str
    implementation: str
    version: str
    colour: str
    shape: Literal["estimated", "calibrated"] = "estimated"
    is_optimised: bool = False
    hand_models: tuple[str, ...] = ("open", "mano")
    prefers_gpu: bool = False


METHODS: dict[str, MethodEntry] = {
    entry.name: entry
    for entry in (
        MethodEntry(
            name="fused-fit",
            title="Fused fit",
            citation="Palmarès; landmark network of Kong et al., ECCV 2022, on MediaPipe (Zhang et al., CVPR Workshops 2020)",
            inputs=("video or images",),
            outputs=("joints", "vertices", "pose", "betas", "translation"),
            summary="The hand model fitted to 2D joints, world landmarks and a network's pose, each as far as it is trusted.",
            implementation="ml.methods.fused_fit:FusedFit",
            version="2",
            colour="#CC3311",
            is_optimised=True,
        ),
        MethodEntry(
            name="mediapipe-ik",
            title="MediaPipe + IK",
            citation="Zhang et al., MediaPipe Hands: On-device Real-time Hand Tracking, CVPR Workshops 2020",
            inputs=("video or images",),
            outputs=("joints", "vertices", "pose", "betas", "translation"),
            summary="MediaPipe's world landmarks, posed by direct inverse kinematics; scale and translation from the 2D.",
            implementation="ml.methods.mediapipe_ik:MediaPipeIK",
            version="3",
            colour="#4477AA",
        ),
        MethodEntry(
            name="2d-fit",
            title="2D fit",
            citation='Boukhayma et al., 3D Hand Shape and Pose from Images in the Wild, CVPR 2019 (baseline "2D fit")',
            inputs=("video or images",),
            outputs=("joints", "vertices", "pose", "betas", "translation"),
            summary="The hand model fitted to 2D joints under perspective, with pose and shape priors and one shape a clip.",
            implementation="ml.methods.fit2d:Fit2D",
            version="4",
            colour="#EE6677",
            is_optimised=True,
        ),
        *(
            MethodEntry(
                name=name,
                title=title,
                citation="Kong et al., Identity-Aware Hand Mesh Estimation and Personalization from RGB Images, ECCV 2022",
                inputs=inputs,
                outputs=("joints", "vertices", "pose", "betas", "translation"),
                summary=summary,
                implementation=f"ml.methods.kong2022:{attribute}",
                version=version,
                colour=colour,
                shape="calibrated" if "identity" in name else "estimated",
                is_optimised=name.endswith("-opt"),
                hand_models=("open",),
                prefers_gpu=attribute.startswith("image"),
            )
            for name, version, title, attribute, colour, inputs, summary in (
                (
                    "kong2022",
                    "4",
                    "Kong baseline",
                    "baseline",
                    "#228833",
                    ("video or images",),
                    "A network on landmarks that estimates pose and shape of each image by itself.",
                ),
                (
                    "kong2022-opt",
                    "4",
                    "Kong baseline, fitted",
                    "baseline_opt",
                    "#CCBB44",
                    ("video or images",),
                    "Kong baseline, then pose and translation fitted to the 2D joints.",
                ),
                (
                    "kong2022-identity",
                    "5",
                    "Identity-aware",
                    "identity",
                    "#66CCEE",
                    ("video or images", "the subject's hand shape, or the clip calibrates itself"),
                    "A network on landmarks that takes the subject's hand shape as known, so that one hand has one shape.",
                ),
                (
                    "kong2022-identity-opt",
                    "5",
                    "Identity-aware, fitted",
                    "identity_opt",
                    "#AA3377",
                    ("video or images", "the subject's hand shape, or the clip calibrates itself"),
                    "Identity-aware, then pose and translation fitted to the 2D joints; the shape stays.",
                ),
                (
                    "kong2022-image",
                    "3",
                    "Kong baseline on pixels",
                    "image",
                    "#EE7733",
                    ("video or images",),
                    "The network sees the hand's image, too. Trained on renders: far better there, not on real skin.",
                ),
                (
                    "kong2022-image-identity-opt",
                    "4",
                    "Identity-aware on pixels, fitted",
                    "image_identity_opt",
                    "#009988",
                    ("video or images", "the subject's hand shape, or the clip calibrates itself"),
                    "On pixels, with one shape, fitted to the detector's 2D joints. Trained on renders.",
                ),
            )
        ),
    )
}


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


@dataclass(frozen=True)
class ProtocolEntry:
    """A way of scoring, as `ml.metrics.protocol` defines it.

    Attributes:
        name: as in commands and URLs.
        title: as people read it.
        file: what a prediction is, in a few words.
        datasets: names by which papers' tables call the data.
        metrics: what boards show first, the one to rank by at the front.
    """

    name: str
    title: str
    file: str
    datasets: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ("pa_mpjpe", "ra_mpjpe", "pa_auc_joints")


_MESHES_JSON = "pred.zip with pred.json: [joints, vertices], metres"
_JOINTS_JSON = ".json or .npz of 21 joints a frame, with its unit"
_MESH_METRICS = ("pa_mpjpe", "pa_mpvpe", "pa_f5", "pa_f15", "pa_auc_joints")
_RELATIVE = ("ra_mpjpe", "ra_auc_joints", "pa_mpjpe")
_ABSOLUTE = ("mpjpe", "auc_joints")
_DEXYCB_LINE = ".txt: a sample's index and 63 numbers in mm, a line"
_PALMARES = ("pa_mpjpe", "ra_mpjpe", "pa_mpvpe", "ra_acceleration_error", "pa_auc_joints")

PROTOCOLS: dict[str, ProtocolEntry] = {
    entry.name: entry
    for entry in (
        ProtocolEntry("freihand", "FreiHAND", _MESHES_JSON, ("FreiHAND",), _MESH_METRICS),
        ProtocolEntry("ho3d-v2", "HO3D v2", _MESHES_JSON, ("HO3D-v2",), _MESH_METRICS),
        ProtocolEntry("ho3d-v3", "HO3D v3", _MESHES_JSON, ("HO3D-v3",), _MESH_METRICS),
        ProtocolEntry("dexycb", "DexYCB", _DEXYCB_LINE, ("DexYCB",), ("ra_mpjpe", "pa_mpjpe", "mpjpe", "ra_auc_joints")),
        ProtocolEntry("rhd", "RHD", _JOINTS_JSON, ("RHD",), _RELATIVE),
        ProtocolEntry("stb", "STB", _JOINTS_JSON, ("STB",), _RELATIVE),
        ProtocolEntry("do", "Dexter+Object", _JOINTS_JSON, ("Dexter+Object",), _ABSOLUTE),
        ProtocolEntry("ed", "EgoDexter", _JOINTS_JSON, ("EgoDexter",), _ABSOLUTE),
        ProtocolEntry("palmares", "Palmarès", "canonical .npz, or a .zip of one a sequence", (), _PALMARES),
    )
}
"""What can be scored, by name; `ml.metrics.protocol.PROTOCOLS` holds the recipes."""

RUN_SLICES: dict[str, tuple[str, ...]] = {
    "side": ("left", "right"),
    "occlusion": ("visible", "partly hidden", "mostly hidden"),
    "speed": ("still", "slow", "fast"),
    "viewpoint": ("palm", "back", "side", "tips"),
    "pose": ("fist", "flat", "point", "pinch", "other"),
    "size": ("small", "medium", "large"),
    "border": ("inside", "cut"),
}
"""Attributes of true hands by which scores of runs are sliced, and their categories (`ml.metrics.frame_attributes`)."""

TRUTH_FORMATS: dict[str, str] = {
    "palmares": "canonical .npz",
    "dexycb": "DexYCB: .zip of labels_*.npz of one sequence",
    "freihand": "FreiHAND: .zip of *_xyz.json and *_verts.json",
    "ho3d": "HO3D: .zip of *_xyz.json and *_verts.json",
}
"""Files that are accepted as the ground truth of an upload, by name; `ml.intake.reading.READERS` reads them."""

RUN_ALIGNMENTS = ("none", "root", "scale-translation", "procrustes", "procrustes-rotation")
"""Alignments under which runs are scored against the ground truth of their upload (`ml.metrics.alignment`)."""

RUN_MEASURES: dict[str, str] = {
    **dict.fromkeys(("mpjpe", "mpvpe"), "mm"),
    **dict.fromkeys(("auc", "auc_vertices", "f5", "f15"), "1"),
    "acceleration": "mm/frame²",
}
"""What is measured then, under each alignment, and its unit; `acceleration` under `root` alone."""

PREDICTION_FORMATS: dict[str, str] = {
    "palmares": "canonical .npz",
    "mano": "MANO parameters (HaMeR, WiLoR): .npz",
    "freihand": "FreiHAND: pred.json, or a .zip of it",
    "ho3d": "HO3D: pred.json, or a .zip of it",
    "meshes": ".zip of one .obj or .ply a frame and hand",
}
"""Files that are accepted as the predictions of an external method, by name; `ml.intake.reading.READERS` reads them."""

"""Names, units and citations of methods, metrics and protocols. Data only, so that the web may import it."""

from __future__ import annotations

from dataclasses import dataclass

from ml.catalog.method_entries import FIRST_METHODS, METHODS, QUICKEST_FIRST, MethodEntry, MethodOption
from ml.catalog.metric_entries import METRICS, SERIES_METRICS, TRUTH_SERIES_METRICS, MetricEntry, is_distance

__all__ = [
    "FIRST_METHODS",
    "KEYPOINT_SOURCES",
    "METHODS",
    "METRICS",
    "PREDICTION_FORMATS",
    "PROTOCOLS",
    "QUICKEST_FIRST",
    "RUN_ALIGNMENTS",
    "RUN_MEASURES",
    "RUN_SLICES",
    "SERIES_METRICS",
    "TRUTH_FORMATS",
    "TRUTH_SERIES_METRICS",
    "MethodEntry",
    "MethodOption",
    "MetricEntry",
    "ProtocolEntry",
    "is_distance",
]


KEYPOINT_SOURCES = {
    "d": "the detector",
    "p": "projected from the refined run",
    "m": "missing",
}
"""Where the keypoints of a hand in a frame came from: letter of a record and what it says."""


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
    "palmares": "Palmarès .npz",
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
    "palmares": "Palmarès .npz",
    "mano": "MANO parameters (HaMeR, WiLoR): .npz",
    "freihand": "FreiHAND: pred.json, or a .zip of it",
    "ho3d": "HO3D: pred.json, or a .zip of it",
    "meshes": ".zip of one .obj or .ply a frame and hand",
}
"""Files that are accepted as the predictions of an external method, by name; `ml.intake.reading.READERS` reads them."""

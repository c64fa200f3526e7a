"""Protocols of evaluation, as data: what a file holds, how it is aligned and measured, what the official report calls it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Final, Literal

from ml.formats.orders import Axes, Order
from ml.metrics.alignment import Alignment
from ml.metrics.errors import Curve

Format = Literal["meshes-json", "dexycb-text", "joint-list", "prediction"]
Unit = Literal["m", "mm"]
Missing = Literal["error", "scored"]

PREFIXES: Final[dict[Alignment, str]] = {
    "none": "",
    "root": "ra_",
    "scale-translation": "st_",
    "procrustes": "pa_",
    "procrustes-rotation": "pr_",
}
"""What the names of our metrics begin with, by alignment."""


@dataclass(frozen=True)
class OfficialName:
    """A line of the official report: its name there, our metric (mm or a share), and the unit it is printed in."""

    name: str
    metric: str
    unit: str


@dataclass(frozen=True)
class Protocol:
    """How predictions for one data set are scored.

    Attributes:
        name, title: as in commands, and as people read it.
        version: changes when one of its values can.
        format: of the files, `ml.formats`.
        order, axes: of the joints and of the camera, in the files.
        unit: that the files are in and the arithmetic is done in (`EPSILON` of the alignments is in it).
        joint_alignments, mesh_alignments, f_alignments: under which joints, vertices and F-scores are measured.
        root: the joint of `root` alignment, in the files' order.
        curves: of PCK; the first is the protocol's own, others are in use for the same data.
        f_thresholds_mm: of F-scores, strictly <.
        missing: `error`: every frame must be there; `scored`: means are over what was found, with the coverage beside
            them, and PCK, AUC and F count what is missing as not within any threshold.
        tip_set: the fingertip vertices that the truth's joints are made with.
        expected_frames: N of the data set; None where it depends on a split.
        official: names of the official report, in its order.
        source: who defined it.
    """

    name: str
    title: str
    format: Format
    source: str
    order: Order = "openpose"
    axes: Axes = "opencv"
    unit: Unit = "m"
    joint_alignments: tuple[Alignment, ...] = ("none", "root", "procrustes", "procrustes-rotation")
    mesh_alignments: tuple[Alignment, ...] = ()
    f_alignments: tuple[Alignment, ...] = ()
    root: int = 0
    curves: tuple[Curve, ...] = (Curve("0-50", 0, 50, 100),)
    f_thresholds_mm: tuple[float, ...] = (5, 15)
    missing: Missing = "error"
    tip_set: str = "freihand"
    expected_frames: int | None = None
    official: tuple[OfficialName, ...] = ()
    version: str = "1"

    @property
    def unit_mm(self) -> float:
        """Millimetres in one unit of the files."""
        return 1000.0 if self.unit == "m" else 1.0

    @property
    def sha256(self) -> str:
        """Hash of everything above: the recipe."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def _joints(name: str, prefix: str) -> tuple[OfficialName, ...]:
    return OfficialName(f"{name}_mean3d", f"{prefix}mpjpe", "cm"), OfficialName(f"{name}_auc3d", f"{prefix}auc_joints", "1")


_MESHES = (
    OfficialName("mesh_mean3d", "mpvpe", "cm"),
    OfficialName("mesh_auc3d", "auc_vertices", "1"),
    OfficialName("mesh_al_mean3d", "pa_mpvpe", "cm"),
    OfficialName("mesh_al_auc3d", "pa_auc_vertices", "1"),
    *(OfficialName(f"f{al}_score_{t}", f"{p}f{t}", "1") for t in (5, 15) for al, p in (("", ""), ("_al", "pa_"))),
)

_FREIHAND = Protocol(
    name="freihand",
    title="FreiHAND",
    format="meshes-json",
    source="Zimmermann et al., FreiHAND, ICCV 2019; github.com/lmb-freiburg/freihand, eval.py",
    mesh_alignments=("none", "root", "procrustes"),
    f_alignments=("none", "procrustes"),
    expected_frames=3960,
    official=(*_joints("xyz", ""), *_joints("xyz_al", "pa_"), *_MESHES),
)

_HO3D = replace(
    _FREIHAND,
    name="ho3d-v2",
    title="HO3D v2",
    source="Hampali et al., HOnnotate, CVPR 2020; github.com/shreyashampali/ho3d, eval.py",
    order="mano",
    axes="opengl",
    joint_alignments=("none", "root", "scale-translation", "procrustes", "procrustes-rotation"),
    tip_set="ho3d",
    expected_frames=11524,
    official=(*_joints("xyz", ""), *_joints("xyz_procrustes_al", "pa_"), *_joints("xyz_scale_trans_al", "st_"), *_MESHES),
)

_DEXYCB = Protocol(
    name="dexycb",
    title="DexYCB",
    format="dexycb-text",
    source="Chao et al., DexYCB, CVPR 2021; dex-ycb-toolkit, hpe_eval.py",
    unit="mm",
    tip_set="manopth",
    official=tuple(
        OfficialName(f"{name}_{short}", f"{prefix}{metric}", unit)
        for name, prefix in (("absolute", ""), ("root-relative", "ra_"), ("procrustes", "pa_"))
        for short, metric, unit in (("mpjpe", "mpjpe", "mm"), ("auc", "auc_joints", "1"))
    ),
)

_TWENTY_TO_FIFTY = (
    Curve("20-50", 20, 50, 15),
    Curve("20-50-hand3d", 0, 50, 20, skip=8),
    Curve("20-50-mmpose", 20, 50, 21, rule="left", strict=True),
    Curve("0-50", 0, 50, 100),
)

_JOINT_LIST = Protocol(
    name="rhd",
    title="RHD",
    format="joint-list",
    source="Zimmermann & Brox, ICCV 2017 (hand3d); root at the middle MCP: Zhou et al., CVPR 2020",
    order="rhd",
    root=12,
    curves=_TWENTY_TO_FIFTY,
    official=(
        OfficialName("epe_mean", "ra_mpjpe", "mm"),
        OfficialName("epe_median", "ra_median_joint_error", "mm"),
        OfficialName("auc_20_50", "ra_auc_joints", "1"),
    ),
)

_FINGERTIPS = replace(
    _JOINT_LIST,
    order="openpose",
    root=0,
    # Only fingertips are annotated: there is no joint to take as the root.
    joint_alignments=("none", "procrustes"),
    official=(
        OfficialName("epe_mean", "mpjpe", "mm"),
        OfficialName("epe_median", "median_joint_error", "mm"),
        OfficialName("auc_20_50", "auc_joints", "1"),
    ),
)

_ALL = (
    _FREIHAND,
    _HO3D,
    replace(_HO3D, name="ho3d-v3", title="HO3D v3", expected_frames=20137),
    _DEXYCB,
    _JOINT_LIST,
    replace(
        _JOINT_LIST,
        name="stb",
        title="STB",
        source="Zhang et al., ICIP 2017; root: Zhou et al., CVPR 2020",
        order="stb",
        root=9,
    ),
    replace(_FINGERTIPS, name="do", title="Dexter+Object", source="Sridhar et al., ECCV 2016"),
    replace(_FINGERTIPS, name="ed", title="EgoDexter", source="Mueller et al., ICCV 2017"),
    Protocol(
        name="palmares",
        title="Palmarès",
        format="prediction",
        source="the canonical prediction of this platform",
        mesh_alignments=("none", "root", "procrustes"),
        f_alignments=("none", "procrustes"),
        missing="scored",
        tip_set="smplx",
    ),
)

PROTOCOLS: Final[dict[str, Protocol]] = {protocol.name: protocol for protocol in _ALL}
"""By name."""

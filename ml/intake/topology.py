"""Which hand model the meshes of a file are of, and their faces."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ml.formats.prediction import PredictionArrays
from ml.hand.arrays import HandArrays
from ml.hand.licensed import LicensedModelError, load_licensed_mano
from ml.hand.mano_pickle import MANO_VERTICES
from ml.hand.open_model import OpenHandError, load_open_hand
from ml.hand.skeleton import SIDES, Side


@dataclass(frozen=True)
class Topology:
    """What is known of meshes.

    Attributes:
        faces: int [F, 3] by side, counter-clockwise seen from outside; empty where they are not known.
        models: by side, the hand model whose vertices the meshes have; empty where they are of another topology.
        note: what the file's author should know; may be empty.
    """

    faces: dict[Side, np.ndarray] = field(default_factory=dict)
    models: dict[Side, HandArrays] = field(default_factory=dict)
    name: str = ""
    note: str = ""


def topology_of(rows: PredictionArrays) -> Topology:
    """Faces that the file holds, else those of the installed hand model that `hand_model` and the number of vertices name."""
    if rows.vertices is None or not len(rows):
        return Topology()
    count = rows.vertices.shape[1]
    sides = [SIDES[number] for number in np.unique(rows.side)]
    if rows.faces is not None:
        first = {side: rows.vertices[int(np.argmax(rows.side == SIDES.index(side)))] for side in sides}
        return Topology({side: facing_outward(rows.faces, first[side]) for side in sides})
    stated = str(rows.meta.get("hand_model", ""))
    for name in ("mano", "open"):
        found = {side: _arrays(name, side) for side in sides} if stated in ("", name) else {}
        models = {side: each for side, each in found.items() if each is not None and len(each.template) == count}
        if len(models) == len(sides):
            return Topology({side: each.faces for side, each in models.items()}, models, name)
    whose = "MANO's, which is not installed here (MANO_DIR)" if count == MANO_VERTICES else "not known here"
    note = (
        f"The faces of meshes of {count} vertices are {whose}: the viewer shows joints alone; meshes are scored all the same."
    )
    return Topology(note=note)


def facing_outward(faces: np.ndarray, vertices: np.ndarray) -> np.ndarray:
    """Triangles [F, 3] turned so that a closed mesh of vertices [V, 3] has a positive volume: one list may serve both hands."""
    a, b, c = (vertices[faces[:, corner]].astype(np.float64) - vertices.mean(0) for corner in range(3))
    return faces if np.einsum("ij,ij->", a, np.cross(b, c)) >= 0 else np.ascontiguousarray(faces[:, ::-1])


def installed_model(vertex_count: int, side: Side) -> HandArrays | None:
    """The hand model with so many vertices, where one is installed."""
    found = (_arrays(name, side) for name in ("mano", "open"))
    return next((model for model in found if model is not None and len(model.template) == vertex_count), None)


def _arrays(name: str, side: Side) -> HandArrays | None:
    """A hand model, where it is installed."""
    try:
        return load_licensed_mano(side) if name == "mano" else load_open_hand(side)
    except (LicensedModelError, OpenHandError):
        return None

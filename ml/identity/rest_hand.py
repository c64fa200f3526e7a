"""The rest-pose hand of a shape as a mesh, with the lines along which its length and width are measured."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
import trimesh
from torch import Tensor

from ml.hand.model import load_hand_model
from ml.hand.skeleton import Side

_TO_GLTF: Final = np.array([1.0, -1.0, -1.0])
"""From OpenCV's axes to glTF's (y up)."""
_KNUCKLES: Final = [5, 17]


def rest_hand_mesh(betas: Tensor, side: Side) -> trimesh.Trimesh:
    """The mesh of the flat rest pose for betas [10], in metres and glTF's axes."""
    model = load_hand_model("open", side)
    return trimesh.Trimesh(model.rest_vertices(betas)[0].numpy() * _TO_GLTF, model.faces, process=False)


def measurement_lines(betas: Tensor, side: Side) -> list[list[float]]:
    """Ends [4, 3] of two lines, in the frame of `rest_hand_mesh`.

    Wrist to the end of the middle finger (length); MCP joints of index and little finger (width).
    """
    model = load_hand_model("open", side)
    joints = model.rest_joints(betas[None])[0]
    ends = torch.cat([joints[:1], model.rest_end(betas), joints[_KNUCKLES]]).numpy() * _TO_GLTF
    return [[round(float(x), 5) for x in end] for end in ends]

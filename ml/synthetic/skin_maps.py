"""Where each texel of the skin lies on the hand: what procedural skin is painted from, computed once.

The atlas has the hand's part of MakeHuman's layout at the left and the forearm's at the right.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import torch
from scipy.ndimage import distance_transform_edt, gaussian_filter

from ml.hand.model import load_hand_model
from ml.hand.open_model import load_render_hand
from ml.synthetic.geometry import vertex_normals
from ml.synthetic.zbuffer import rasterise

HEIGHT, WIDTH = 512, 768
HAND_BOX: Final = (0.353, 0.003, 0.207)
"""Left and bottom of the hand's square in MakeHuman's layout, and its side."""
ARM_BOX: Final = (0.005, 0.755, 0.125)


@dataclass(frozen=True)
class SkinMaps:
    """Of the n texels of the atlas that are seen on the hand, in the rest pose of the mean hand.

    Attributes:
        position: float32 [n, 3], metres, in the hand's frame (x towards the wrist, y dorsal, z radial).
        normal: float32 [n, 3].
        nail: float32 [n], 0 … 1.
        inside: bool [512, 768], the n texels.
        texel: int64 [512, 768], for each texel of the atlas the nearest of the n.
        joints: float32 [21, 3], of the mean hand.
    """

    position: np.ndarray
    normal: np.ndarray
    nail: np.ndarray
    inside: np.ndarray
    texel: np.ndarray
    joints: np.ndarray


def atlas_uv() -> np.ndarray:
    """Texture coordinates [F, 3, 2] of the render hand's corners in the atlas: (0, 0) top left, (1, 1) bottom right."""
    uv = load_render_hand().uv.astype(np.float64)
    arm = uv[:, :, 0].mean(1) < 0.3
    scale = np.where(arm[:, None, None], 256.0, 512.0)
    box = np.where(arm[:, None], np.array([ARM_BOX]), np.array([HAND_BOX]))
    place = (uv - box[:, None, :2]) / box[:, None, 2:]
    x = place[..., 0] * scale[..., 0] + np.where(arm[:, None], 512.0, 0.0)
    y = (1 - place[..., 1]) * scale[..., 0]
    placed: np.ndarray = np.stack([x / WIDTH, y / HEIGHT], -1).astype(np.float32)
    return placed


def from_layout(image: np.ndarray) -> np.ndarray:
    """The atlas [512, 768, 3] cut from a whole texture [h, w, 3] in MakeHuman's layout."""
    import cv2  # noqa: PLC0415

    height, width = image.shape[:2]

    def cut(box: tuple[float, float, float], size: int) -> np.ndarray:
        left, bottom, side = box
        steps = (np.arange(size, dtype=np.float32) + 0.5) / size * side
        x = np.broadcast_to((left + steps) * width - 0.5, (size, size)).astype(np.float32)
        y = np.broadcast_to(((1 - bottom - side + steps) * height - 0.5)[:, None], (size, size)).astype(np.float32)
        found: np.ndarray = cv2.remap(image, x, np.ascontiguousarray(y), cv2.INTER_LINEAR)
        return found

    atlas = np.zeros((HEIGHT, WIDTH, 3), image.dtype)
    atlas[:, :512] = cut(HAND_BOX, 512)
    atlas[:256, 512:] = cut(ARM_BOX, 256)
    return atlas


@lru_cache(maxsize=1)
def skin_maps() -> SkinMaps:
    """Computed once a process, in a second."""
    hand = load_render_hand()
    uv = atlas_uv()
    corners = uv * [WIDTH, HEIGHT]
    # each face by itself, seen from in front at depth 1; both windings occur
    flat = np.concatenate([corners.reshape(-1, 2), np.ones((3 * len(uv), 1))], 1)
    faces = np.arange(3 * len(uv)).reshape(-1, 3)
    seen = rasterise(flat, faces, np.eye(3), WIDTH, HEIGHT)
    other = rasterise(flat, faces[:, [0, 2, 1]], np.eye(3), WIDTH, HEIGHT)
    weights = np.where((seen.face >= 0)[..., None], seen.weights, other.weights[..., [0, 2, 1]])
    face = np.where(seen.face >= 0, seen.face, other.face)
    inside = face >= 0
    nearest = distance_transform_edt(~inside, return_distances=False, return_indices=True)
    number = np.zeros(inside.shape, np.int64)
    number[inside] = np.arange(int(inside.sum()))

    def on_hand(values: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.einsum("nk,nkx->nx", weights[inside], values[hand.faces[face[inside]]]).astype(np.float32)
        return found

    return SkinMaps(
        position=on_hand(hand.template),
        normal=on_hand(vertex_normals(hand.template, hand.faces)),
        nail=gaussian_filter(np.where(inside, hand.nail[face], 0).astype(np.float32), 0.8)[inside],
        inside=inside,
        texel=number[nearest[0], nearest[1]],
        joints=load_hand_model("open", "right", tip_set="ends").rest_joints(torch.zeros(10))[0].numpy(),
    )

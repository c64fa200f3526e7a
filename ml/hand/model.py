"""The hand model everyone uses: pose and shape in, mesh and joints out.

Conventions are MANO's: 16 rotations in MANO's order, the first about the root joint (not the origin), each of the others
relative to its parent; zero pose is the flat rest pose (`flat_hand_mean=True`); metres.
"""

from __future__ import annotations

import contextlib
import io
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import smplx
import torch
from smplx.utils import Struct
from torch import Tensor

from ml.hand.arrays import HandArrays
from ml.hand.licensed import load_licensed_mano
from ml.hand.open_model import load_open_hand
from ml.hand.skeleton import MANO_PARENTS, MANO_TO_OPENPOSE, SIDES, Side

NAMES: Final = ("open", "mano")
"""The hand models there are: the open hand, and licensed MANO where `MANO_DIR` holds it."""


class HandOutput(NamedTuple):
    """`vertices` [B, V, 3] and `joints` [B, 21, 3] (OpenPose order), metres."""

    vertices: Tensor
    joints: Tensor


def rotation_matrices(rotvec: Tensor) -> Tensor:
    """Rotation matrices [..., 3, 3] of axis-angle vectors [..., 3] (radians); smooth at zero, with exact gradients there."""
    squared = (rotvec * rotvec).sum(-1, keepdim=True)
    angle = (squared + 1e-20).sqrt()
    sine = torch.sin(angle) / angle
    half = torch.sin(0.5 * angle) / angle
    versine = 2 * half * half
    # R = cos·1 + sin/angle·[r]× + (1 − cos)/angle²·r rᵀ
    cross = (rotvec * sine) @ _generators(rotvec.dtype, rotvec.device)
    diagonal = (1 - versine * squared) * _identity(rotvec.dtype, rotvec.device)
    flat = cross + diagonal
    return flat.view(*rotvec.shape[:-1], 3, 3) + (versine * rotvec)[..., :, None] * rotvec[..., None, :]


def mirror_pose(rotvec: Tensor) -> Tensor:
    """The pose of the other hand's mirror image (in x): axis-angle (x, y, z) → (x, −y, −z), any leading shape [..., 3]."""
    return rotvec * rotvec.new_tensor([1.0, -1.0, -1.0])


def load_hand_model(
    name: str = "open",
    side: Side = "right",
    *,
    device: str | torch.device = "cpu",
    tip_set: str | None = None,
    dtype: torch.dtype = torch.float32,
) -> HandModel:
    """The model of one hand, loaded once per process and set of arguments; shared, so not to be changed.

    Args:
        name: `open`, or `mano` (licensed; the folder is named by the environment variable `MANO_DIR`).
        side: left or right.
        device: where its arrays live.
        tip_set: which vertices are the fingertips; the model's first set unless told.
        dtype: float32 or float64, of everything that goes in and comes out.

    Raises:
        ValueError: no such model, side or tip set.
        ml.hand.open_model.OpenHandError: the open hand has not been built.
        ml.hand.licensed.LicensedModelError: MANO's files are missing or are not what they should be.
    """
    if name not in NAMES:
        raise ValueError(f"no hand model {name!r}; there are {', '.join(NAMES)}")
    if side not in SIDES:
        raise ValueError(f"no side {side!r}; there are {', '.join(SIDES)}")
    return _cached(name, side, str(device), tip_set, dtype)


@lru_cache(maxsize=16)
def _cached(name: str, side: Side, device: str, tip_set: str | None, dtype: torch.dtype) -> HandModel:
    arrays = load_open_hand(side) if name == "open" else load_licensed_mano(side)
    return HandModel(name, arrays, tip_set=tip_set, dtype=dtype).to(device)


class HandModel(torch.nn.Module):
    """A posable hand. Rotations are axis-angle [B, 16, 3] or matrices [B, 16, 3, 3]: the number of dimensions tells.

    `betas` [10], [1, 10] or [B, 10] and `translation` [3], [1, 3] or [B, 3] are broadcast over the batch.
    """

    _rest: Tensor
    _shape: Tensor
    _correctives: Tensor
    _tip_weights: Tensor
    _order: Tensor

    def __init__(
        self, name: str, arrays: HandArrays, *, tip_set: str | None = None, dtype: torch.dtype = torch.float32
    ) -> None:
        super().__init__()
        tip_set = next(iter(arrays.tip_sets)) if tip_set is None else tip_set
        if tip_set not in arrays.tip_sets:
            raise ValueError(f"hand model {name!r} has no tip set {tip_set!r}; it has {', '.join(arrays.tip_sets)}")
        self.name = name
        self.side: Side = arrays.side
        self.faces = arrays.faces
        self.parents = MANO_PARENTS
        self.tip_vertices = arrays.tip_sets[tip_set]
        self.n_vertices = len(arrays.template)
        self.layer = _smplx_layer(arrays, dtype)
        tips = list(self.tip_vertices)
        # The same joints, but from 16 + 5 rows instead of all vertices.
        rest = np.concatenate([arrays.regressor @ arrays.template, arrays.template[tips]])
        shape = np.concatenate(
            [np.einsum("jv,vxk->jxk", arrays.regressor, arrays.shape_directions), arrays.shape_directions[tips]]
        )
        poses = arrays.pose_directions[tips].reshape(15, 135)
        self._has_correctives = bool(np.any(poses))
        for key, array in {
            "_rest": rest,
            "_shape": shape.reshape(63, 10).T,
            "_correctives": poses.T,
            "_tip_weights": arrays.weights[tips],
        }.items():
            self.register_buffer(key, torch.as_tensor(np.ascontiguousarray(array), dtype=dtype), persistent=False)
        self.register_buffer("_order", torch.tensor(MANO_TO_OPENPOSE), persistent=False)
        self.pose_components = arrays.pose_components
        self.pose_mean = arrays.pose_mean

    def forward(self, rotations: Tensor, betas: Tensor, translation: Tensor) -> HandOutput:
        """The whole mesh, by `smplx.MANO`'s linear blend skinning, and the joints."""
        matrices = self._matrices(rotations)
        count = len(matrices)
        output = self.layer(
            betas=betas.expand(count, 10),
            global_orient=matrices[:, :1],
            hand_pose=matrices[:, 1:],
            transl=translation.expand(count, 3),
        )
        tips = output.vertices[:, list(self.tip_vertices)]
        return HandOutput(output.vertices, torch.cat([output.joints, tips], 1).index_select(1, self._order))

    def joints(self, rotations: Tensor, betas: Tensor, translation: Tensor) -> Tensor:
        """The 21 joints alone [B, 21, 3], OpenPose order: what `forward` gives, to 1e-6 m, and much faster.

        The five fingers are posed side by side, level by level; only the fingertips' vertices are skinned.
        """
        matrices = self._matrices(rotations)
        count = len(matrices)
        rest = self._rest_mano(betas)
        fingers = rest[:, 1:16].view(-1, 5, 3, 3)
        wrist = rest[:, :1]
        local = matrices[:, 1:].reshape(count, 5, 3, 3, 3)
        first = local[:, :, 0]
        second = first @ local[:, :, 1]
        third = second @ local[:, :, 2]
        # positions about the wrist, before the root turns
        base = (fingers[:, :, 0] - wrist).expand(count, 5, 3)
        bones = (fingers[:, :, 1:] - fingers[:, :, :-1]).expand(count, 5, 2, 3)
        middle = base + (first @ bones[:, :, 0, :, None])[..., 0]
        end = middle + (second @ bones[:, :, 1, :, None])[..., 0]
        chain = torch.stack([base, middle, end], 2).view(count, 15, 3)
        turns = torch.stack([first, second, third], 2).view(count, 15, 3, 3)
        tips = self._skinned_tips(rest, matrices, turns, chain)
        about_wrist = torch.cat([torch.zeros_like(chain[:, :1]), chain, tips], 1).index_select(1, self._order)
        place = wrist[:, 0] + translation
        return about_wrist @ matrices[:, 0].transpose(1, 2) + place.expand(count, 3)[:, None]

    def rest_joints(self, betas: Tensor) -> Tensor:
        """The 21 joints of the flat rest pose [B, 21, 3] for betas [B, 10] (or [10]: B = 1), OpenPose order."""
        return self._rest_mano(betas).index_select(1, self._order)

    def rest_vertices(self, betas: Tensor) -> Tensor:
        """The mesh of the flat rest pose [B, V, 3] for betas [B, 10] (or [10]: B = 1)."""
        betas = betas.view(-1, 10)
        vertices: Tensor = self.layer.v_template + torch.einsum("bk,vxk->bvx", betas, self.layer.shapedirs)
        return vertices

    def _rest_mano(self, betas: Tensor) -> Tensor:
        return self._rest + (betas.view(-1, 10) @ self._shape).view(-1, 21, 3)

    def _matrices(self, rotations: Tensor) -> Tensor:
        if rotations.shape[1:] == (16, 3):
            return rotation_matrices(rotations)
        if rotations.shape[1:] == (16, 3, 3):
            return rotations
        raise ValueError(f"rotations have shape {list(rotations.shape)}, expected [B, 16, 3] or [B, 16, 3, 3]")

    def _skinned_tips(self, rest: Tensor, matrices: Tensor, turns: Tensor, chain: Tensor) -> Tensor:
        """The fingertip vertices [B, 5, 3] about the wrist: linear blend skinning of five vertices."""
        count = len(matrices)
        tips = rest[:, 16:]
        if self._has_correctives:
            feature = matrices[:, 1:] - _identity(rest.dtype, rest.device).view(3, 3)
            tips = tips + (feature.reshape(count, 135) @ self._correctives).view(count, 5, 3)
        inner, root = self._tip_weights[:, 1:], self._tip_weights[:, :1]
        blended = (inner @ turns.reshape(count, 15, 9)).view(count, 5, 3, 3)
        # Σ w (R (v − J) + p) = (Σ w R) v + Σ w (p − R J); the wrist itself does not turn here
        shift = inner @ (chain - (turns @ rest[:, 1:16, :, None])[..., 0])
        return (blended @ tips[..., None])[..., 0] + shift + root * (tips - rest[:, :1])


def _smplx_layer(arrays: HandArrays, dtype: torch.dtype) -> smplx.MANO:
    data = Struct(
        v_template=arrays.template,
        f=arrays.faces,
        shapedirs=arrays.shape_directions,
        posedirs=arrays.pose_directions,
        J_regressor=arrays.regressor,
        kintree_table=arrays.kintree,
        weights=arrays.weights,
        hands_components=arrays.pose_components,
        hands_mean=arrays.pose_mean,
    )
    # smplx prints that ten shape coefficients are few; MANO has ten.
    with contextlib.redirect_stdout(io.StringIO()):
        layer = smplx.MANOLayer(
            model_path="", data_struct=data, is_rhand=arrays.side == "right", flat_hand_mean=True, use_pca=False, dtype=dtype
        )
    # smplx rounds everything to float32 on the way, also where float64 is asked for.
    layer.v_template.copy_(torch.as_tensor(arrays.template))
    layer.shapedirs.copy_(torch.as_tensor(arrays.shape_directions))
    layer.posedirs.copy_(torch.as_tensor(arrays.pose_directions.reshape(-1, 135).T.copy()))
    layer.J_regressor.copy_(torch.as_tensor(arrays.regressor))
    layer.lbs_weights.copy_(torch.as_tensor(arrays.weights))
    return layer


@lru_cache(maxsize=8)
def _identity(dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.eye(3, dtype=dtype, device=device).view(9)


@lru_cache(maxsize=8)
def _generators(dtype: torch.dtype, device: torch.device) -> Tensor:
    basis = torch.zeros(3, 3, 3, dtype=dtype, device=device)
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        basis[i, j, k], basis[i, k, j] = -1.0, 1.0
    return basis.view(3, 9)

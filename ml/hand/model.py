"""The hand model everyone uses: pose and shape in, mesh and joints out.

Conventions are MANO's: 16 rotations in MANO's order, the first about the root joint (not the origin), each of the others
relative to its parent; zero pose is the flat rest pose (`flat_hand_mean=True`); metres.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple, cast

import numpy as np
import roma
import torch
from torch import Tensor

from ml.hand.arrays import HandArrays
from ml.hand.forward_kinematics import finger_positions, finger_rotations, skinned
from ml.hand.licensed import load_licensed_mano
from ml.hand.open_model import load_open_hand
from ml.hand.skeleton import MANO_PARENTS, MANO_TO_OPENPOSE, SIDES, Side

NAMES: Final = ("open", "mano")
"""The hand models there are: the open hand, and licensed MANO where `MANO_DIR` holds it."""


class HandOutput(NamedTuple):
    """`vertices` [B, V, 3] and `joints` [B, 21, 3] (OpenPose order), metres."""

    vertices: Tensor
    joints: Tensor


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
        tip_set: which vertices are the fingertips; by default the model's first set.
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
    return HandModel(name, load_hand_arrays(name, side), tip_set=tip_set, dtype=dtype).to(device)


def load_hand_arrays(name: str, side: Side) -> HandArrays:
    """The arrays of a model that `load_hand_model` knows; raises what that raises."""
    return load_open_hand(side) if name == "open" else load_licensed_mano(side)


class HandModel(torch.nn.Module):
    """A posable hand. Rotations are axis-angle [B, 16, 3] or matrices [B, 16, 3, 3]: the number of dimensions tells.

    `betas` [10], [1, 10] or [B, 10] and `translation` [3], [1, 3] or [B, 3] are broadcast over the batch.
    """

    _rest: Tensor
    _shape: Tensor
    _weights: Tensor
    _tip_weights: Tensor
    _template: Tensor
    _shape_directions: Tensor
    _correctives: Tensor
    _tip_correctives: Tensor
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
        self.finger_ends = arrays.tip_sets.get("ends", self.tip_vertices)
        self.n_vertices = len(arrays.template)
        tips = list(self.tip_vertices)
        # The same joints, but from 16 + 5 rows instead of all vertices.
        rest = np.concatenate([arrays.regressor @ arrays.template, arrays.template[tips]])
        shape = np.concatenate(
            [np.einsum("jv,vxk->jxk", arrays.regressor, arrays.shape_directions), arrays.shape_directions[tips]]
        )
        self._has_correctives = bool(np.any(arrays.pose_directions))
        for key, array in {
            "_rest": rest,
            "_shape": shape.reshape(63, 10).T,
            "_weights": arrays.weights,
            "_tip_weights": arrays.weights[tips],
            "_template": arrays.template,
            "_shape_directions": arrays.shape_directions.reshape(-1, 10).T,
            "_correctives": arrays.pose_directions.reshape(-1, 135).T if self._has_correctives else np.zeros((135, 0)),
            "_tip_correctives": arrays.pose_directions[tips].reshape(15, 135).T,
        }.items():
            self.register_buffer(key, torch.as_tensor(np.ascontiguousarray(array), dtype=dtype), persistent=False)
        self.register_buffer("_order", torch.tensor(MANO_TO_OPENPOSE), persistent=False)
        self.pose_components = arrays.pose_components
        self.pose_mean = arrays.pose_mean

    def forward(self, rotations: Tensor, betas: Tensor, translation: Tensor) -> HandOutput:
        """The whole mesh, by linear blend skinning, and the joints."""
        matrices = self._matrices(rotations)
        rest = self.rest_mano(betas)
        points = self.rest_vertices(betas)
        if self._has_correctives:
            points = points + (self._pose_feature(matrices) @ self._correctives).view(len(matrices), self.n_vertices, 3)
        turns = finger_rotations(matrices[:, 1:])
        positions = finger_positions(turns, rest[..., None])
        about_wrist = skinned(self._weights, turns, positions, rest[..., None], points[..., None])[..., 0]
        wrist = rest[:, :1] + translation.view(-1, 1, 3)
        vertices = about_wrist @ matrices[:, 0].mT + wrist
        chain = positions.reshape(len(matrices), 15, 3) @ matrices[:, 0].mT + wrist
        joints = torch.cat([wrist.expand(len(matrices), 1, 3), chain, vertices[:, list(self.tip_vertices)]], 1)
        return HandOutput(vertices, joints.index_select(1, self._order))

    def joints(self, rotations: Tensor, betas: Tensor, translation: Tensor) -> Tensor:
        """The 21 joints alone [B, 21, 3], OpenPose order: what `forward` gives, to 1e-6 m, and much faster.

        Of the mesh, only the fingertips' vertices are skinned.
        """
        matrices = self._matrices(rotations)
        rest = self.rest_mano(betas)
        about_wrist = self.joints_about_wrist(finger_rotations(matrices[:, 1:]), rest[..., None], matrices)[..., 0]
        return about_wrist @ matrices[:, 0].mT + (rest[:, 0] + translation)[:, None]

    def joints_about_wrist(self, turns: Tensor, rest: Tensor, matrices: Tensor) -> Tensor:
        """Joints [B, 21, 3, K] about the wrist, before the root turns, OpenPose order.

        Args:
            turns: [B, 5, 3, 3, 3] from `finger_rotations`.
            rest: [1 or B, 21, 3, K], MANO order: the joints at rest in the first column; derivatives in others.
            matrices: [B, 16, 3, 3], for the pose correctives of the fingertips.
        """
        positions = finger_positions(turns, rest)
        tips = rest[:, 16:]
        if self._has_correctives:
            moved = (self._pose_feature(matrices) @ self._tip_correctives).view(len(turns), 5, 3, 1)
            tips = tips + torch.nn.functional.pad(moved, (0, rest.shape[-1] - 1))
        skin = skinned(self._tip_weights, turns, positions, rest, tips)
        chain = positions.flatten(1, 2)
        return torch.cat([torch.zeros_like(chain[:, :1]), chain, skin], 1).index_select(1, self._order)

    def rest_joints(self, betas: Tensor) -> Tensor:
        """The 21 joints of the flat rest pose [B, 21, 3] for betas [B, 10] (or [10]: B = 1), OpenPose order."""
        return self.rest_mano(betas).index_select(1, self._order)

    def rest_vertices(self, betas: Tensor) -> Tensor:
        """The mesh of the flat rest pose [B, V, 3] for betas [B, 10] (or [10]: B = 1)."""
        return self._template + (betas.view(-1, 10) @ self._shape_directions).view(-1, self.n_vertices, 3)

    def rest_end(self, betas: Tensor) -> Tensor:
        """The end of the middle finger in the flat rest pose [B, 3], to which a ruler measures, for betas [B, 10] (or [10])."""
        vertex = self.finger_ends[2]
        return self._template[vertex] + betas.view(-1, 10) @ self._shape_directions.view(10, -1, 3)[:, vertex]

    def rest_mano(self, betas: Tensor) -> Tensor:
        """The 16 joints and 5 tips (thumb to pinky) of the rest pose [B, 21, 3], MANO order."""
        return self._rest + (betas.view(-1, 10) @ self._shape).view(-1, 21, 3)

    @property
    def shape_jacobian(self) -> Tensor:
        """Derivative [21, 3, 10] of `rest_mano` by β, metres."""
        return self._shape.T.view(21, 3, 10)

    @property
    def tip_weights(self) -> Tensor:
        """Skinning weights [5, 16] of the fingertips, thumb to pinky."""
        return self._tip_weights

    @property
    def skinning_weights(self) -> Tensor:
        """[V, 16], MANO order; rows sum to 1."""
        return self._weights

    @property
    def dtype(self) -> torch.dtype:
        """Of everything that goes in and comes out."""
        return self._rest.dtype

    def _matrices(self, rotations: Tensor) -> Tensor:
        if rotations.shape[1:] == (16, 3):
            return cast(Tensor, roma.rotvec_to_rotmat(rotations))
        if rotations.shape[1:] == (16, 3, 3):
            return rotations
        raise ValueError(f"rotations have shape {list(rotations.shape)}, expected [B, 16, 3] or [B, 16, 3, 3]")

    def _pose_feature(self, matrices: Tensor) -> Tensor:
        """What pose correctives are linear in: [B, 135]."""
        return (matrices[:, 1:] - torch.eye(3, dtype=matrices.dtype, device=matrices.device)).reshape(len(matrices), 135)

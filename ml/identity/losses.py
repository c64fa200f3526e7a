"""Training losses of Kong et al. 2022: meshes in units of 0.2 m, relative to the hand model's translation."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

UNIT = 0.2
"""Metres; about a hand's length, so that every term is of order one."""


@dataclass(frozen=True)
class MeshLoss:
    """L1 vertices 1 + surface normals 0.1 + edge lengths 1 + L1 pose 1 (+ L1 shape 1).

    Attributes:
        faces: int64 [F, 3].
        edges: int64 [E, 2].
    """

    faces: Tensor
    edges: Tensor
    normals_weight: float = 0.1

    @classmethod
    def for_faces(cls, faces: Tensor) -> MeshLoss:
        """The loss of a mesh with these faces [F, 3]."""
        pairs = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).sort(dim=1).values
        return cls(faces, pairs.unique(dim=0))

    def __call__(self, vertices: Tensor, true_vertices: Tensor, code: Tensor, true_code: Tensor) -> Tensor:
        """Loss of vertices [B, V, 3] (m) and 6D poses [B, 96] against the truth: the mean over the batch."""
        vertices, true_vertices = vertices / UNIT, true_vertices / UNIT
        edges = vertices[:, self.edges[:, 0]] - vertices[:, self.edges[:, 1]]
        true_edges = true_vertices[:, self.edges[:, 0]] - true_vertices[:, self.edges[:, 1]]
        return (
            (vertices - true_vertices).abs().mean()
            + self.normals_weight * self._normals(vertices, true_vertices)
            + (edges.norm(dim=-1) - true_edges.norm(dim=-1)).abs().mean()
            + (code - true_code).abs().mean()
        )

    def _normals(self, vertices: Tensor, true_vertices: Tensor) -> Tensor:
        """Mean |cos| between the true normal of a face and the unit edges of the predicted one: 0 where they agree."""
        true_corners = true_vertices[:, self.faces]
        normal = torch.linalg.cross(true_corners[:, :, 1] - true_corners[:, :, 0], true_corners[:, :, 2] - true_corners[:, :, 0])
        normal = torch.nn.functional.normalize(normal, dim=-1)
        corners = vertices[:, self.faces]
        sides = torch.nn.functional.normalize(corners.roll(-1, dims=2) - corners, dim=-1)
        return (sides * normal.unsqueeze(2)).sum(-1).abs().mean()

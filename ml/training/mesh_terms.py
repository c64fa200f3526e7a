"""Terms of a loss between meshes of the open hand, and the depth map that a mesh is seen as."""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize, smooth_l1_loss

from ml.hand.model import load_hand_model
from ml.hand.skeleton import BONES
from ml.networks.mesh_graph import UNIT, edges_of, over_nodes, scaled_laplacian, sparse_tensor
from ml.synthetic.zbuffer import rasterise

_DISTANCE: Final = 10.0
"""Depth, in units of the mesh, at which meshes are drawn: in front of the camera; the projection does not depend on it."""


class Surface(NamedTuple):
    """`vertices` [B, V, 3] and `joints` [B, 21, 3] about the wrist, in units of `ml.networks.mesh_graph.UNIT`."""

    vertices: Tensor
    joints: Tensor


class _Topology(NamedTuple):
    faces: Tensor
    edges: Tensor
    means: Tensor


@cache
def _topology(device: str) -> _Topology:
    """Of the open hand; `means` is sparse: the mean of each vertex's neighbours."""
    faces = np.asarray(load_hand_model("open", "right").faces)
    edges = edges_of(faces)
    count = int(faces.max()) + 1
    adjacency = -scaled_laplacian(edges, count)
    adjacency.data[:] = 1.0
    means = sparse_tensor(adjacency.multiply(1 / adjacency.sum(1)).tocsr())
    return _Topology(torch.as_tensor(faces).to(device), torch.as_tensor(edges).to(device), means.to(device))


def mesh_terms(found: Surface, true: Surface) -> dict[str, Tensor]:
    """The terms of Ge et al. 2019, as means.

    `vertices` and `joints`: L1. `normals`: squared cosine between the edges and the true normals of
    every other triangle. `edges`: squared
    difference of squared edge lengths. `laplacian`: squared distance of each vertex's error from the mean of its neighbours'.
    """
    topology = _topology(str(found.vertices.device))
    apart = found.vertices - true.vertices
    corners, true_corners = (s.vertices[:, topology.faces[::2]] for s in (found, true))
    sides = normalize(corners[:, :, 1:] - corners[:, :, :1], dim=-1, eps=1e-3)
    normals = _normals(true_corners)
    lengths, true_lengths = (_squared_lengths(s.vertices, topology.edges) for s in (found, true))
    by_node = apart.transpose(0, 1).contiguous()
    return {
        "vertices": apart.abs().mean(),
        "normals": (sides * normals[:, :, None]).sum(-1).square().mean(),
        "edges": (lengths - true_lengths).square().mean(),
        "laplacian": (by_node - over_nodes(topology.means, by_node)).square().sum(-1).mean(),
        "joints": (found.joints - true.joints).abs().mean(),
    }


def _normals(corners: Tensor) -> Tensor:
    a, b, c = corners.unbind(2)
    return normalize(torch.linalg.cross(b - a, c - a), dim=-1, eps=1e-9)


def _squared_lengths(vertices: Tensor, edges: Tensor) -> Tensor:
    return (vertices[:, edges[:, 0]] - vertices[:, edges[:, 1]]).square().sum(-1)


def edge_lengths(vertices: Tensor) -> Tensor:
    """Lengths [B, E] of the edges of meshes [B, V, 3] of the open hand."""
    return _squared_lengths(vertices, _topology(str(vertices.device)).edges).sqrt()


@torch.no_grad()
def true_surface(rotations: Tensor, betas: Tensor, *, same_size: bool) -> Surface:
    """The mesh of a pose and a shape; with `same_size`, scaled so that the sum of its bone lengths is that of the mean hand."""
    model = load_hand_model("open", "right", device=rotations.device)
    output = model(rotations, betas, rotations.new_zeros(3))
    scale = size_factor(betas)[:, None, None] if same_size else 1.0
    wrist = output.joints[:, :1]
    return Surface((output.vertices - wrist) * scale / UNIT, (output.joints - wrist) * scale / UNIT)


def size_factor(betas: Tensor) -> Tensor:
    """By how much the bones of the mean hand, summed, are longer than those of shapes [B, 10]: [B]."""
    model = load_hand_model("open", "right", device=betas.device)
    parents, children = (torch.tensor(ends, device=betas.device) for ends in zip(*BONES, strict=True))
    own, mean = (
        (rest[:, children] - rest[:, parents]).norm(dim=-1).sum(-1)
        for rest in (model.rest_joints(betas), model.rest_joints(torch.zeros_like(betas[:1])))
    )
    factor: Tensor = mean / own
    return factor


def placed_in_crop(surface: Surface, points: Tensor) -> Tensor:
    """Vertices [B, V, 3] under the weak perspective that brings the joints nearest to points [B, 21, 2] in the crop.

    x and y are in the crop, z in the unit of the surface. No gradient flows into scale and translation.
    """
    with torch.no_grad():
        flat = surface.joints[..., :2]
        middle, target = flat.mean(1, keepdim=True), points.mean(1, keepdim=True)
        scale = ((flat - middle) * (points - target)).sum((1, 2)) / (flat - middle).square().sum((1, 2)).clamp_min(1e-6)
        scale = scale.clamp(0.05, 5.0)[:, None, None]
    return torch.cat([scale * (surface.vertices[..., :2] - middle) + target, surface.vertices[..., 2:]], -1)


def depth_term(placed: Tensor, depths: Tensor, silhouettes: Tensor) -> Tensor:
    """Smooth L1 between depth maps rendered of meshes and given ones, where both see the hand.

    Which triangle a pixel sees is found by a z-buffer; its depth there is differentiable by the triangle's corners.

    Args:
        placed: [B, V, 3] from `placed_in_crop`.
        depths: [B, S, S], 1 for the nearest point of the hand to 0 for its furthest.
        silhouettes: [B, S, S], 1 on the hand.
    """
    faces = _topology(str(placed.device)).faces
    hand, row, column, face = (t.to(placed.device) for t in _seen_faces(placed, depths.shape[-1]))
    depth = _depth_at(placed[hand[:, None], faces[face]], row, column, depths.shape[-1])
    low = depth.new_full((len(placed),), np.inf).scatter_reduce(0, hand, depth, "amin").detach()
    high = depth.new_full((len(placed),), -np.inf).scatter_reduce(0, hand, depth, "amax").detach()
    seen = (high[hand] - depth) / (high - low)[hand].clamp_min(1e-3)
    both = silhouettes[hand, row, column] > 0
    return smooth_l1_loss(seen[both], depths[hand, row, column][both], beta=0.1)


def _seen_faces(placed: Tensor, side: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Hand, row, column and face of every pixel that sees one."""
    faces = np.asarray(load_hand_model("open", "right").faces)
    meshes = placed.detach().cpu().double().numpy()
    pixels = (meshes[..., :2] + 1) / 2 * side
    depth = meshes[..., 2:] - meshes[..., 2:].min(1, keepdims=True) + _DISTANCE
    rays = np.concatenate([pixels * depth, depth], -1)  # seen by a camera of unit focal length at their pixels
    found = np.stack([rasterise(mesh, faces, np.eye(3), side, side).face for mesh in rays])
    hand, row, column = np.nonzero(found >= 0)
    return tuple(torch.as_tensor(a) for a in (hand, row, column, found[hand, row, column].astype(np.int64)))  # type: ignore[return-value]


def _depth_at(corners: Tensor, row: Tensor, column: Tensor, side: int) -> Tensor:
    """Depth [n] of triangles [n, 3, 3] at the centres of pixels, by barycentric coordinates."""
    centre = (torch.stack([column, row], -1).to(corners) + 0.5) / side * 2 - 1
    a, b, c = (corners[:, k, :2] for k in range(3))
    area = _cross(b - a, c - a)
    area = torch.where(area.abs() < 1e-6, torch.full_like(area, 1e-6), area)
    u, v = _cross(b - centre, c - centre) / area, _cross(c - centre, a - centre) / area
    weights = torch.stack([u, v, 1 - u - v], -1).clamp(0, 1)
    found: Tensor = (weights * corners[..., 2]).sum(-1)
    return found


def _cross(a: Tensor, b: Tensor) -> Tensor:
    return a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]

"""The networks of Ge et al., *3D Hand Shape and Pose Estimation from a Single RGB Image*, CVPR 2019.

A feature becomes 102 nodes of 64 channels. Graph convolutions take them over graphs of 102, 405 and 1620 nodes to the mesh
of the open hand, whose vertices the nodes of the last graph are. The coarser nodes are the mesh's own vertices, chosen farthest
from each other along the surface.
"""

from __future__ import annotations

import warnings
from abc import abstractmethod
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
import torch
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import dijkstra
from torch import Tensor, nn
from torch.nn.functional import gelu

from ml.fitting.kinematics import Kinematics
from ml.hand.joint_limits import sample_angles
from ml.hand.model import load_hand_arrays, load_hand_model
from ml.hand.skeleton import MANO_PARENTS, MANO_TO_OPENPOSE
from ml.networks.feature_pyramid import MAP_CHANNELS, STAGE_CHANNELS
from ml.networks.hand_batch import HandBatch, HandGuess, HandNetwork
from ml.networks.residual_mlp import ResidualMLP
from ml.networks.score_pyramid import ScorePyramid

UNIT: Final = 0.04
"""Metres of a unit of the network's meshes; about one proximal bone."""
FEATURE: Final = 128
COARSENING: Final = 4
CHANNELS: Final = (64, 64, 16)
"""Channels on the coarsest, middle and finest graph."""
_POSES: Final = 400
_RIDGE: Final = 1e-7
"""Square metres."""
_NEIGHBOURS: Final = 8
"""Coarse nodes that a finer node is interpolated from."""


class MeshLevels(NamedTuple):
    """Three graphs, coarsest first.

    Attributes:
        nodes: int [n] each: which vertices of the mesh they are.
        edges: int [e, 2] each, between the nodes, each pair once.
        upsampling: sparse [finer, coarser], rows sum to 1.
    """

    nodes: tuple[np.ndarray, ...]
    edges: tuple[np.ndarray, ...]
    upsampling: tuple[csr_matrix, ...]


@lru_cache(maxsize=2)
def mesh_levels(name: str = "open") -> MeshLevels:
    """The graphs of a hand model's template; the same each time."""
    model = load_hand_model(name, "right", dtype=torch.float64)
    template = model.rest_vertices(torch.zeros(10, dtype=torch.float64))[0].numpy()
    fine = edges_of(np.asarray(model.faces))
    lengths = np.linalg.norm(template[fine[:, 0]] - template[fine[:, 1]], axis=1)
    surface = coo_matrix((lengths, fine.T), shape=(len(template),) * 2).tocsr()
    order, distances = _farthest_points(surface, len(template) // COARSENING)
    counts = [len(template) // COARSENING**2 + 1, len(template) // COARSENING]
    nodes = [*(order[:count] for count in counts), np.arange(len(template))]
    coarse = [_edges_between_cells(distances[:count].argmin(0), fine) for count in counts]
    upsampling = [
        _interpolation(distances[:count][:, finer].T, template[order[:count]], template[finer])
        for count, finer in zip(counts, nodes[1:], strict=True)
    ]
    return MeshLevels(tuple(nodes), (*coarse, fine), tuple(upsampling))


def edges_of(faces: np.ndarray) -> np.ndarray:
    """Edges [e, 2] of triangles [F, 3], each once, with the smaller number first."""
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    found: np.ndarray = np.unique(np.sort(pairs, axis=1), axis=0)
    return found


def _farthest_points(surface: csr_matrix, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices [count], each farthest from those before it along the surface, and their distances [count, V]."""
    order, rows = [0], [dijkstra(surface, directed=False, indices=0)]
    nearest = rows[0]
    for _ in range(count - 1):
        order.append(int(nearest.argmax()))
        rows.append(dijkstra(surface, directed=False, indices=order[-1]))
        nearest = np.minimum(nearest, rows[-1])
    return np.array(order), np.stack(rows)


def _edges_between_cells(cell: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Edges between cells [V] that touch along an edge of the mesh."""
    pairs = np.sort(cell[edges], axis=1)
    found: np.ndarray = np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0)
    return found


def _interpolation(distances: np.ndarray, coarse: np.ndarray, finer: np.ndarray) -> csr_matrix:
    """Weights [finer, coarser] of the nearest coarse nodes along the surface, by moving least squares.

    Of all weights that bring the coarse places [c, 3] of the template to a finer one [3] and sum to 1, those nearest to a
    Gaussian of the distance: so the template, moved, turned or sheared, is interpolated without bumps.
    """
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :_NEIGHBOURS]
    reach = np.take_along_axis(distances, nearest, 1)
    first = np.exp(-((reach / reach[:, [1]]) ** 2) / 2)
    first /= first.sum(1, keepdims=True)
    places = np.concatenate([coarse[nearest], np.ones((*nearest.shape, 1))], -1)
    missed = np.concatenate([finer, np.ones((len(finer), 1))], -1) - np.einsum("fn,fnx->fx", first, places)
    squares = np.einsum("fnx,fn,fny->fxy", places, first, places) + _RIDGE * np.diag([1.0, 1.0, 1.0, 1e-6])
    weights = first * (1 + np.einsum("fnx,fx->fn", places, np.linalg.solve(squares, missed[..., None])[..., 0]))
    weights /= weights.sum(1, keepdims=True)
    rows = np.repeat(np.arange(len(distances)), _NEIGHBOURS)
    return csr_matrix((weights.ravel(), (rows, nearest.ravel())), shape=distances.shape)


def scaled_laplacian(edges: np.ndarray, count: int) -> csr_matrix:
    """The normalised Laplacian of a graph, scaled to eigenvalues of −1 to 1: −D^(−1/2) A D^(−1/2)."""
    ones = np.ones(len(edges))
    half = coo_matrix((ones, edges.T), shape=(count, count)).tocsr()
    adjacency = half + half.T
    degree = np.asarray(adjacency.sum(1)).ravel()
    scale = 1 / np.sqrt(degree)
    return csr_matrix(adjacency.multiply(-scale[:, None]).multiply(scale[None]))


def sparse_tensor(matrix: csr_matrix) -> Tensor:
    """The same matrix for torch, in single precision."""
    rows, columns = (torch.as_tensor(part.astype(np.int64)) for part in (matrix.indptr, matrix.indices))
    values = torch.as_tensor(matrix.data.astype(np.float32))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(rows, columns, values, size=matrix.shape, check_invariants=True)


def over_nodes(matrix: Tensor, x: Tensor) -> Tensor:
    """A sparse matrix [m, n] times node features [n, B, C]: [m, B, C]."""
    found: Tensor = torch.sparse.mm(matrix, x.flatten(1)).view(-1, *x.shape[1:])
    return found


class ChebyshevConvolution(nn.Module):
    """Defferrard et al. 2016, K = 3: T₀(L)x·W₀ + T₁(L)x·W₁ + T₂(L)x·W₂ with the scaled Laplacian L.

    Computed as x·(W₀ − W₂) + L(x·W₁ + 2·L(x·W₂)), so that L meets the channels after, which are never more than those before.
    """

    laplacian: Tensor

    def __init__(self, before: int, after: int, laplacian: Tensor) -> None:
        super().__init__()
        self.register_buffer("laplacian", laplacian, persistent=False)
        self.zeroth = nn.Linear(before, after)
        self.first = nn.Linear(before, after, bias=False)
        self.second = nn.Linear(before, after, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Node features [n, B, before] to [n, B, after]."""
        far = self.second(x)
        near = torch.add(self.first(x), over_nodes(self.laplacian, far), alpha=2)
        found: Tensor = self.zeroth(x) - far + over_nodes(self.laplacian, near)
        return found


class MeshDecoder(nn.Module):
    """A feature to the mesh of the open hand, in units of `UNIT` about no particular origin.

    The coarsest graph gives a mesh of its own, which is interpolated to the finest; the finer graphs add what it lacks.
    """

    up0: Tensor
    up1: Tensor

    def __init__(self, feature: int = FEATURE) -> None:
        super().__init__()
        levels = mesh_levels()
        self.nodes = len(levels.nodes[0])
        pairs = zip(levels.edges, levels.nodes, strict=True)
        coarse, middle, fine = (sparse_tensor(scaled_laplacian(edges, len(nodes))) for edges, nodes in pairs)
        for number, matrix in enumerate(levels.upsampling):
            self.register_buffer(f"up{number}", sparse_tensor(matrix), persistent=False)
        first, second, third = CHANNELS
        self.enter = nn.Linear(feature, self.nodes * first)
        self.coarse = ChebyshevConvolution(first, first, coarse)
        self.base = nn.Linear(first, 3)
        self.middle = nn.ModuleList([ChebyshevConvolution(first, second, middle), ChebyshevConvolution(second, third, middle)])
        self.fine = ChebyshevConvolution(third, third, fine)
        self.leave = ChebyshevConvolution(third, 3, fine)
        self.norms = nn.ModuleList(nn.LayerNorm(channels) for channels in (first, first, second, third, third))

    def coarsest(self, feature: Tensor) -> tuple[Tensor, Tensor]:
        """Features [B, n] to those of the coarsest nodes [102, B, 64], and their places [102, B, 3]."""
        x = self.enter(feature).view(len(feature), self.nodes, -1).transpose(0, 1)
        x = x + self.coarse(gelu(self.norms[0](x)))
        return x, self.base(x)

    def finest(self, x: Tensor, base: Tensor) -> Tensor:
        """What `coarsest` gives to vertices [B, V, 3]."""
        x = over_nodes(self.up0, x)
        x = x + self.middle[0](gelu(self.norms[1](x)))
        x = self.middle[1](gelu(self.norms[2](x)))
        x = over_nodes(self.up1, x)
        x = x + self.fine(gelu(self.norms[3](x)))
        detail: Tensor = self.leave(gelu(self.norms[4](x)))
        return (over_nodes(self.up1, over_nodes(self.up0, base)) + detail).transpose(0, 1)


class StagedMeshes(NamedTuple):
    """Meshes about the wrist, in units of `UNIT`, of a batch while it is trained.

    Attributes:
        coarse: [B, 102, 3], the coarsest nodes of all hands, about no particular origin.
        vertices: [R, V, 3] of some hands.
        joints: [R, 21, 3] of the same.
    """

    coarse: Tensor
    vertices: Tensor
    joints: Tensor


class GraphNetwork(HandNetwork):
    """A feature, the mesh decoder, and joints from the mesh."""

    regressor: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.decoder = MeshDecoder()
        self.register_buffer("regressor", torch.as_tensor(joint_regressor()).float(), persistent=False)

    @abstractmethod
    def encoded(self, hands: HandBatch) -> Tensor:
        """The feature [B, 128]."""

    def staged(self, hands: HandBatch, rows: Tensor | slice = slice(None)) -> StagedMeshes:
        """The coarsest nodes of all hands, and the meshes of some rows: the finest graph takes most of the time."""
        return self.decoded(self.encoded(hands), rows)

    def decoded(self, feature: Tensor, rows: Tensor | slice = slice(None)) -> StagedMeshes:
        """The same from the feature [B, 128]."""
        x, base = self.decoder.coarsest(feature)
        vertices = self.decoder.finest(x[:, rows], base[:, rows])
        joints = self.regressor @ vertices
        wrist = joints[:, :1]
        return StagedMeshes(base.transpose(0, 1), vertices - wrist, joints - wrist)

    def forward(self, hands: HandBatch) -> HandGuess:
        """Vertices and joints about the wrist."""
        found = self.staged(hands)
        return HandGuess(joints=UNIT * found.joints, vertices=UNIT * found.vertices)


class KeypointGraph(GraphNetwork):
    """`keypoints`: the detected 2D joints."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = ResidualMLP(84, FEATURE, width=512, blocks=3, dropout=0.05)

    def encoded(self, hands: HandBatch) -> Tensor:
        """From the 2D joints alone."""
        feature: Tensor = self.encoder(torch.cat([4 * hands.landmarks.flatten(1), hands.inputs[:, :42]], 1))
        return feature


class PixelGraph(GraphNetwork):
    """`pixels`: score maps of the joints, and what the image shows where they lie."""

    uses_pixels = True

    def __init__(self) -> None:
        super().__init__()
        self.backbone = ScorePyramid()
        self.encoder = ResidualMLP(42 + 21 * MAP_CHANNELS + STAGE_CHANNELS[-1], FEATURE, width=384, blocks=2, dropout=0.05)

    def seen(self, hands: HandBatch) -> tuple[Tensor, Tensor]:
        """The 2D joints [B, 21, 2] in the crop, and the feature [B, 128]."""
        assert hands.crops is not None
        points, features, whole = self.backbone(hands.crops)
        return points, self.encoder(torch.cat([points.flatten(1), features.flatten(1), whole], 1)).float()

    def encoded(self, hands: HandBatch) -> Tensor:
        """From the crop alone."""
        return self.seen(hands)[1]


@lru_cache(maxsize=2)
def joint_regressor(name: str = "open") -> np.ndarray:
    """float64 [21, V]: joints from the posed mesh; rows sum to 1.

    The model's own regressor is of the mesh at rest and errs by up to 3 mm on bent fingers. It is corrected by ridge regression
    over random poses and shapes, joint by joint, with the vertices that move with the joint or its parent. Tips are vertices.
    """
    model = load_hand_model(name, "right", dtype=torch.float64)
    arrays = load_hand_arrays(name, "right")
    generator = np.random.default_rng(0)
    kinematics = Kinematics(model)
    angles = torch.as_tensor(sample_angles(generator, _POSES)[:, 1:].reshape(-1, 45))
    betas = torch.as_tensor(generator.standard_normal((_POSES, 10)))
    root = torch.eye(3, dtype=torch.float64).expand(_POSES, 3, 3)
    output = model(kinematics.matrices(angles, root), betas, torch.zeros(3, dtype=torch.float64))
    vertices = output.vertices.numpy()
    rows: np.ndarray = np.concatenate([arrays.regressor, np.eye(model.n_vertices)[list(model.tip_vertices)]])[
        list(MANO_TO_OPENPOSE)
    ]
    missed = output.joints.numpy() - rows @ vertices
    for place, joint in enumerate(MANO_TO_OPENPOSE):
        if 0 < joint < 16:
            moving = arrays.weights[:, [joint, MANO_PARENTS[joint]]].sum(1) > 0.5
            near = np.flatnonzero(moving & (arrays.weights[:, joint] > 0.02))
            rows[place, near] += _ridge(vertices[:, near], missed[:, place])
    return rows


def _ridge(points: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Weights [n] with sum 0 whose combination of points [p, n, 3] is nearest to vectors [p, 3]."""
    centred = points - points.mean(1, keepdims=True)
    design = centred.transpose(0, 2, 1).reshape(-1, points.shape[1])
    squares = design.T @ design + _RIDGE * len(design) * np.eye(points.shape[1])
    weights = np.linalg.solve(squares, design.T @ wanted.ravel())
    balanced: np.ndarray = weights - weights.mean()
    return balanced

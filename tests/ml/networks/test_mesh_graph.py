"""The graphs under `ge2019`, its convolution, and the joints of its mesh."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.sparse.csgraph import connected_components

from ml.hand.model import load_hand_model
from ml.hand.open_model import TIP_LANDMARKS
from ml.networks.hand_batch import HandBatch
from ml.networks.mesh_graph import (
    UNIT,
    ChebyshevConvolution,
    KeypointGraph,
    PixelGraph,
    joint_regressor,
    mesh_levels,
    scaled_laplacian,
    sparse_tensor,
)


def test_the_levels_are_nested_connected_and_the_same_each_time():
    levels = mesh_levels()
    assert [len(nodes) for nodes in levels.nodes] == [102, 405, 1620]
    assert set(levels.nodes[0]) < set(levels.nodes[1]) < set(levels.nodes[2])
    for nodes, edges in zip(levels.nodes, levels.edges, strict=True):
        laplacian = scaled_laplacian(edges, len(nodes))
        assert connected_components(laplacian)[0] == 1
        assert (edges[:, 0] < edges[:, 1]).all()
    again = mesh_levels.__wrapped__()
    assert all(np.array_equal(a, b) for a, b in zip(levels.nodes, again.nodes, strict=True))


def test_coarse_positions_are_interpolated_to_the_whole_surface():
    levels = mesh_levels()
    template = load_hand_model("open", "right").rest_vertices(torch.zeros(10))[0].numpy()
    for number, matrix in enumerate(levels.upsampling):
        np.testing.assert_allclose(matrix.sum(1), 1)
        apart = matrix @ template[levels.nodes[number]] - template[levels.nodes[number + 1]]
        assert np.linalg.norm(apart, axis=1).mean() < 2e-4


def test_interpolation_keeps_the_edges_of_the_mesh():
    levels = mesh_levels()
    template = load_hand_model("open", "right").rest_vertices(torch.zeros(10))[0].numpy()
    rough = levels.upsampling[1] @ (levels.upsampling[0] @ template[levels.nodes[0]])
    lengths, wanted = (np.linalg.norm(v[levels.edges[2][:, 0]] - v[levels.edges[2][:, 1]], axis=1) for v in (rough, template))
    ratio = lengths / wanted
    assert ratio.min() > 0.7
    assert ratio.max() < 1.3


def test_the_scaled_laplacian_has_eigenvalues_from_minus_one_to_one():
    levels = mesh_levels()
    values = np.linalg.eigvalsh(scaled_laplacian(levels.edges[0], 102).toarray())
    assert values[0] == pytest.approx(-1)
    assert values[-1] <= 1 + 1e-9


def test_a_convolution_is_the_sum_over_chebyshev_polynomials():
    levels = mesh_levels()
    laplacian = scaled_laplacian(levels.edges[0], 102)
    convolution = ChebyshevConvolution(5, 3, sparse_tensor(laplacian))
    x = torch.randn(102, 2, 5, generator=torch.Generator().manual_seed(0))
    dense = torch.as_tensor(laplacian.toarray()).float()
    second = 2 * dense @ dense - torch.eye(102)
    expected = convolution.zeroth(x)
    for matrix, layer in ((dense, convolution.first), (second, convolution.second)):
        expected = expected + layer(torch.einsum("nm,mbc->nbc", matrix, x))
    torch.testing.assert_close(convolution(x), expected, atol=1e-5, rtol=1e-5)


def test_joints_of_a_posed_mesh_are_found_within_a_millimetre():
    model = load_hand_model("open", "right")
    generator = torch.Generator().manual_seed(3)
    pose = 0.5 * torch.randn(20, 16, 3, generator=generator)
    pose[:, 1:, :2] *= 0.2
    output = model(pose, torch.randn(20, 10, generator=generator), torch.zeros(3))
    found = torch.as_tensor(joint_regressor()).float() @ output.vertices
    assert (found - output.joints).norm(dim=-1).mean() < 0.001
    np.testing.assert_allclose(joint_regressor().sum(1), 1)


def test_a_network_gives_a_mesh_and_its_joints_about_the_wrist():
    torch.manual_seed(0)
    network = KeypointGraph().eval()
    hands = HandBatch(torch.randn(3, 132), torch.rand(3, 21, 2) - 0.5)
    found = network(hands)
    assert found.vertices.shape == (3, 1620, 3)
    assert not found.joints[:, 0].any()
    torch.testing.assert_close(found.vertices[:, TIP_LANDMARKS[1]], found.joints[:, 8], atol=1e-6, rtol=0)
    some = network.staged(hands, torch.tensor([2]))
    assert some.coarse.shape == (3, 102, 3)
    torch.testing.assert_close(UNIT * some.vertices[0], found.vertices[2])


def test_on_pixels_the_mesh_depends_on_the_crop_alone():
    network = PixelGraph().eval()
    crops = torch.randint(0, 255, (2, 3, 96, 96), generator=torch.Generator().manual_seed(0)).float()
    hands = [HandBatch(torch.full((2, 132), value), torch.full((2, 21, 2), value), crops) for value in (0.0, 1.0)]
    one, other = (network(batch) for batch in hands)
    assert torch.equal(one.vertices, other.vertices)
    assert one.vertices.shape == (2, 1620, 3)
    assert not torch.equal(one.vertices[0], one.vertices[1])
    points, feature = network.seen(hands[0])
    assert points.abs().max() <= 1
    assert feature.shape == (2, 128)

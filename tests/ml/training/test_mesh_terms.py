"""The terms between meshes and the depth map that a mesh is seen as."""

from __future__ import annotations

import pytest
import torch

from ml.networks.mesh_graph import UNIT
from ml.training.mesh_terms import (
    Surface,
    depth_term,
    edge_lengths,
    mesh_terms,
    placed_in_crop,
    size_factor,
    true_surface,
)


@pytest.fixture(scope="module")
def hands() -> Surface:
    generator = torch.Generator().manual_seed(0)
    turn = torch.linalg.qr(torch.randn(2, 3, 3, generator=generator))[0]
    rotations = torch.eye(3).expand(2, 16, 3, 3).clone()
    rotations[:, 0] = turn * torch.linalg.det(turn).sign()[:, None, None]
    return true_surface(rotations, torch.randn(2, 10, generator=generator), same_size=True)


def test_all_terms_are_zero_at_the_truth(hands):
    for name, term in mesh_terms(hands, hands).items():
        assert float(term) == pytest.approx(0, abs=1e-9), name


def test_each_term_measures_what_its_name_says(hands):
    moved = Surface(hands.vertices + 0.5, hands.joints + 0.25)
    terms = mesh_terms(moved, hands)
    assert float(terms["vertices"]) == pytest.approx(0.5, abs=1e-4)
    assert float(terms["joints"]) == pytest.approx(0.25, abs=1e-4)
    for name in ("normals", "edges", "laplacian"):  # a moved hand has the same surface
        assert float(terms[name]) == pytest.approx(0, abs=1e-7), name
    larger = mesh_terms(Surface(2 * hands.vertices, hands.joints), hands)
    assert float(larger["edges"]) == pytest.approx(float((3 * (edge_lengths(hands.vertices) ** 2)).square().mean()), rel=1e-3)
    assert float(larger["normals"]) == pytest.approx(0, abs=1e-7)
    noise = hands.vertices + 0.05 * torch.randn(hands.vertices.shape, generator=torch.Generator().manual_seed(1))
    rough = mesh_terms(Surface(noise, hands.joints), hands)
    # a vertex's own noise and the mean of its about six neighbours'
    assert float(rough["laplacian"]) == pytest.approx(3 * 0.05**2 * (1 + 1 / 6), rel=0.1)
    assert rough["normals"] > 0.01


def test_scaling_to_one_size_makes_the_sum_of_bone_lengths_equal():
    betas = torch.randn(5, 10, generator=torch.Generator().manual_seed(2))
    assert size_factor(torch.zeros(1, 10)) == pytest.approx(1)
    assert size_factor(betas).std() > 0.01
    rotations = torch.eye(3).expand(5, 16, 3, 3)
    scaled, own = (true_surface(rotations, betas, same_size=same) for same in (True, False))
    torch.testing.assert_close(scaled.joints, own.joints * size_factor(betas)[:, None, None])
    assert 1.5 < own.joints[:, 12].norm(dim=-1).mean() * UNIT / 0.1 < 2.2  # the middle finger's tip is 15 to 22 cm away


def test_the_depth_term_is_zero_at_the_true_depth_and_its_gradient_reduces_errors(hands):
    points = 0.3 * hands.joints[..., :2]
    placed = placed_in_crop(hands, points)
    torch.testing.assert_close(placed[..., :2], 0.3 * hands.vertices[..., :2], atol=1e-4, rtol=0)
    depths, silhouettes = drawn(placed)
    assert 0.02 < silhouettes.mean() < 0.9
    assert float(depth_term(placed, depths, silhouettes)) == pytest.approx(0, abs=1e-6)
    flat = Surface(hands.vertices.clone(), hands.joints)
    flat.vertices[..., 2] += 0.5 * torch.sin(3 * hands.vertices[..., 0])
    flat.vertices.requires_grad_(True)
    wrong = depth_term(placed_in_crop(flat, points), depths, silhouettes)
    assert wrong > 0.001
    wrong.backward()
    better = Surface((flat.vertices - 0.05 * flat.vertices.grad / flat.vertices.grad.abs().max()).detach(), hands.joints)
    assert depth_term(placed_in_crop(better, points), depths, silhouettes) < wrong


def drawn(placed: torch.Tensor, side: int = 48) -> tuple[torch.Tensor, torch.Tensor]:
    """Depth maps and silhouettes, drawn from the vertices' depths by a plain loop over pixels of triangles."""
    from ml.training.mesh_terms import _depth_at, _seen_faces, _topology  # noqa: PLC0415

    hand, row, column, face = _seen_faces(placed, side)
    depth = _depth_at(placed[hand[:, None], _topology("cpu").faces[face]], row, column, side)
    maps, silhouettes = torch.zeros(len(placed), side, side), torch.zeros(len(placed), side, side)
    for number in range(len(placed)):
        own = hand == number
        low, high = depth[own].min(), depth[own].max()
        maps[number, row[own], column[own]] = (high - depth[own]) / (high - low)
        silhouettes[number, row[own], column[own]] = 1
    return maps, silhouettes

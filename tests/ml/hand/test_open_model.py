"""The open hand: its arrays, its joints, and that its population has the published sizes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import trimesh

from ml.hand.anthropometry import MEN, WOMEN, pooled
from ml.hand.arrays import HandArrays
from ml.hand.model import load_hand_model
from ml.hand.open_model import OpenHandError, breadth_ends, group_betas, load_open_hand, load_render_hand
from ml.hand.skeleton import SIDES


def sizes(betas: np.ndarray) -> np.ndarray:
    """Length and breadth [n, 2] of hands, metres."""
    model, ends = load_hand_model("open", "right"), breadth_ends()
    tensor = torch.as_tensor(betas, dtype=torch.float32)
    joints, vertices = model.rest_joints(tensor).numpy(), model.rest_vertices(tensor).numpy()
    length = np.linalg.norm(model.rest_end(tensor).numpy() - joints[:, 0], axis=-1)
    return np.stack([length, np.abs(vertices[:, ends[0], 2] - vertices[:, ends[1], 2])], -1)


@pytest.fixture(scope="module")
def hand() -> HandArrays:
    return load_open_hand("right")


@pytest.mark.parametrize("side", SIDES)
def test_mesh_is_watertight_and_faces_outward(side):
    hand = load_open_hand(side)
    mesh = trimesh.Trimesh(hand.template, hand.faces, process=False)
    assert hand.template.shape == (1620, 3)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.body_count == 1
    assert 2e-4 < mesh.volume < 6e-4  # a third of a litre, and positive: outward


def test_skinning_weights_sum_to_one_with_at_most_four_per_vertex(hand):
    np.testing.assert_allclose(hand.weights.sum(1), 1, atol=1e-12)
    assert hand.weights.min() >= 0
    assert (hand.weights > 0).sum(1).max() <= 4
    assert (hand.weights.max(0) > 0.5).all(), "a joint moves nothing"


def test_regressor_is_sparse_and_places_the_wrist_equally_for_every_shape(hand):
    np.testing.assert_allclose(hand.regressor.sum(1), 1, atol=1e-9)
    assert hand.regressor.min() >= 0
    assert (hand.regressor > 0).sum(1).max() <= 40
    moved = np.einsum("jv,vxk->jxk", hand.regressor, hand.shape_directions)
    np.testing.assert_allclose(moved[0], 0, atol=2e-4)


def test_axes_are_those_of_mano(hand):
    joints = hand.regressor @ hand.template
    wrist, index, middle, pinky, thumb = joints[[0, 1, 4, 7, 15]]
    assert middle[0] < wrist[0] - 0.08
    assert index[2] > middle[2] > pinky[2]
    assert thumb[1] < wrist[1], "the thumb hangs towards the palm, −y"


def test_joints_lie_inside_the_hand(hand):
    mesh = trimesh.Trimesh(hand.template, hand.faces, process=False)
    assert mesh.contains(hand.regressor @ hand.template).all()


def test_fingers_of_the_rest_pose_are_straight_and_flat(hand):
    rest = load_hand_model("open", "right", tip_set="ends").rest_joints(torch.zeros(10))[0].numpy()
    for base in (1, 5, 9, 13, 17):
        bones = np.diff(rest[base : base + 4], axis=0)
        bones /= np.linalg.norm(bones, axis=1, keepdims=True)
        assert (bones[1:] @ bones[0] > np.cos(np.radians(6))).all()
        assert base == 1 or abs(bones[0, 1]) < 0.02


def test_tip_joints_lie_on_the_last_phalanx_a_centimetre_before_the_end_of_the_finger():
    tips, ends = (
        load_hand_model("open", "right", tip_set=name).rest_joints(torch.zeros(10))[0] for name in ("landmarks", "ends")
    )
    for tip in (4, 8, 12, 16, 20):
        along = (ends[tip] - ends[tip - 1]) / (ends[tip] - ends[tip - 1]).norm()
        assert 0.006 < float((ends[tip] - tips[tip]) @ along) < 0.014
        assert float((tips[tip] - tips[tip - 1]) @ along) > 0.008


def test_shape_directions_are_orthogonal_and_fall_in_size(hand):
    directions = hand.shape_directions[:-1].reshape(-1, 10)  # without the cap at the wrist
    gram = directions.T @ directions
    sizes_of = np.sqrt(np.diag(gram))
    assert (np.diff(sizes_of) <= 0).all()
    np.testing.assert_allclose(gram / np.outer(sizes_of, sizes_of), np.eye(10), atol=1e-4)


def test_the_population_has_the_published_sizes():
    found = sizes(np.random.default_rng(0).standard_normal((4000, 10)))
    mean, covariance = pooled()
    np.testing.assert_allclose(found.mean(0), mean, atol=0.001)
    np.testing.assert_allclose(found.std(0), np.sqrt(np.diag(covariance)), rtol=0.05)
    correlation = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    assert np.corrcoef(found.T)[0, 1] == pytest.approx(correlation, abs=0.04)


@pytest.mark.parametrize(("sign", "published"), [(1, MEN), (-1, WOMEN)], ids=["men", "women"])
def test_each_sex_has_its_published_sizes(sign, published):
    """Both sexes have the covariance that is left of N(0, I) when their difference is taken away."""
    apart = group_betas("men").astype(np.float64)
    left = np.linalg.cholesky(np.eye(10) - np.outer(apart, apart))
    found = sizes(sign * apart + np.random.default_rng(1).standard_normal((4000, 10)) @ left.T)
    np.testing.assert_allclose(found.mean(0), published.mean(), atol=0.0015)
    np.testing.assert_allclose(found.std(0), [published.length_std, published.breadth_std], rtol=0.12)
    assert np.corrcoef(found.T)[0, 1] == pytest.approx(0.5, abs=0.08)


def test_children_have_small_hands_and_old_people_adult_ones():
    child, old = sizes(group_betas("child")), sizes(group_betas("old"))
    assert 0.11 < child[:, 0].mean() < 0.165
    assert 0.175 < old[:, 0].mean() < 0.20


def test_mirroring_twice_is_the_same_hand(hand):
    again = hand.mirrored().mirrored()
    for name in ("template", "faces", "shape_directions", "pose_directions", "pose_components", "pose_mean"):
        np.testing.assert_array_equal(getattr(again, name), getattr(hand, name))


def test_the_render_hand_starts_with_the_vertices_and_faces_of_the_hand(hand):
    render = load_render_hand()
    own = len(hand.template) - 1
    np.testing.assert_allclose(render.template[:own], hand.template[:own], atol=1e-6)
    np.testing.assert_array_equal(render.faces[: render.hand_faces], hand.faces[: render.hand_faces])
    np.testing.assert_allclose(render.weights.sum(1), 1, atol=1e-12)
    assert render.uv.min() >= 0
    assert render.uv.max() <= 1


def test_each_finger_has_a_nail_on_its_back(hand):
    render = load_render_hand()
    corners = render.template[render.faces[render.nail]]
    joints = load_hand_model("open", "right").rest_joints(torch.zeros(10))[0].numpy()
    for tip in (4, 8, 12, 16, 20):
        near = np.linalg.norm(corners.mean(1) - joints[tip], axis=1) < 0.02
        assert near.sum() >= 8
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    thumb = np.linalg.norm(corners.mean(1) - joints[4], axis=1) < 0.03
    assert normals[~thumb, 1].mean() > 0


def test_missing_asset_names_the_command(tmp_path):
    with pytest.raises(OpenHandError, match=r"python -m ml\.hand\.bake"):
        load_open_hand("right", tmp_path / "none.npz")


def test_baking_again_gives_the_same_hand(tmp_path):
    pytest.importorskip("anny", reason="Anny is needed to bake the open hand, and only then")
    from ml.hand.bake.__main__ import main  # noqa: PLC0415

    assert main(["--out", str(tmp_path / "again.npz")]) == 0
    again, shipped = (
        load_open_hand("right", path) if path else load_open_hand("right") for path in (tmp_path / "again.npz", None)
    )
    np.testing.assert_allclose(again.template, shipped.template, atol=1e-5)
    np.testing.assert_allclose(again.shape_directions, shipped.shape_directions, atol=1e-5)

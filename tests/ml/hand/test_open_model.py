"""The open hand's arrays: what the asset holds, and that its builder makes it."""

import numpy as np
import pytest
import trimesh

from ml.hand.open_model import SOURCE, OpenHandError, build_open_hand, load_open_hand
from ml.hand.skeleton import SIDES


@pytest.mark.parametrize("side", SIDES)
def test_mesh_is_watertight_and_faces_outward(side):
    hand = load_open_hand(side)
    mesh = trimesh.Trimesh(hand.template, hand.faces, process=False)
    assert hand.template.shape == (1159, 3)
    assert hand.faces.shape == (2314, 3)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert 2e-4 < mesh.volume < 6e-4  # a third of a litre, and positive: outward


def test_skinning_weights_sum_to_one_and_are_few():
    weights = load_open_hand("right").weights
    np.testing.assert_allclose(weights.sum(1), 1, atol=1e-12)
    assert weights.min() >= 0
    assert (weights > 0).sum(1).max() <= 4
    assert (weights.max(0) > 0.5).all(), "a joint moves nothing"


def test_regressor_is_sparse_and_places_the_wrist_alike_under_every_shape():
    hand = load_open_hand("right")
    np.testing.assert_allclose(hand.regressor.sum(1), 1, atol=1e-9)
    assert hand.regressor.min() >= 0
    assert (hand.regressor > 0).sum(1).max() <= 40
    moved = np.einsum("jv,vxk->jxk", hand.regressor, hand.shape_directions)
    np.testing.assert_allclose(moved[0], 0, atol=1e-6)


def test_axes_are_manos():
    hand = load_open_hand("right")
    joints = hand.regressor @ hand.template
    wrist, index, middle, pinky, thumb = joints[[0, 1, 4, 7, 15]]
    assert middle[0] < wrist[0] - 0.08
    assert index[2] > middle[2] > pinky[2]
    assert thumb[1] < wrist[1], "the thumb hangs towards the palm, −y"


def test_shape_directions_are_orthogonal_and_fall_in_size():
    directions = load_open_hand("right").shape_directions.reshape(-1, 10)
    gram = directions.T @ directions
    sizes = np.sqrt(np.diag(gram))
    assert (np.diff(sizes) <= 0).all()
    np.testing.assert_allclose(gram / np.outer(sizes, sizes), np.eye(10), atol=1e-6)


def test_mirroring_twice_is_the_same_hand():
    right = load_open_hand("right")
    again = right.mirrored().mirrored()
    for name in ("template", "faces", "shape_directions", "pose_directions", "pose_components", "pose_mean"):
        np.testing.assert_array_equal(getattr(again, name), getattr(right, name))


def test_missing_asset_names_the_command(tmp_path):
    with pytest.raises(OpenHandError, match=r"python -m ml\.hand\.open_model"):
        load_open_hand("right", tmp_path / "none.npz")


def test_builder_refuses_what_is_not_the_asset(tmp_path):
    with pytest.raises(OpenHandError, match="npm ci"):
        build_open_hand(tmp_path / "none.glb")
    (tmp_path / "text.glb").write_text("not a model")
    with pytest.raises(OpenHandError, match="not a binary glTF"):
        build_open_hand(tmp_path / "text.glb")


@pytest.mark.skipif(not SOURCE.is_file(), reason="the front end's packages are not installed, which hold the GLB")
def test_builder_reproduces_the_asset():
    built, hand = build_open_hand(SOURCE), load_open_hand("right")
    np.testing.assert_allclose(built["template"], hand.template, atol=1e-9)
    np.testing.assert_allclose(np.abs(built["shape_directions"]), np.abs(hand.shape_directions), atol=1e-7)
    np.testing.assert_array_equal(built["faces"], hand.faces)

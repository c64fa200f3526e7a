"""The hand model: mesh, joints-only path, mirror, symmetries."""

from dataclasses import replace

import numpy as np
import pytest
import roma
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.hand.measure import measure_hand
from ml.hand.model import HandModel, load_hand_model, mirror_pose
from ml.hand.open_model import load_open_hand
from ml.hand.skeleton import MANO_TO_OPENPOSE, SIDES, TIPS
from tests.smplx_reference import smplx_layer

MIRROR = torch.tensor([-1.0, 1.0, 1.0])
SETTINGS = settings(max_examples=12, deadline=None, derandomize=True)


def drawn(seed, count=4, scale=0.8):
    generator = torch.Generator().manual_seed(seed)
    return (
        scale * torch.randn(count, 16, 3, generator=generator),
        torch.randn(count, 10, generator=generator),
        torch.randn(count, 3, generator=generator),
    )


@SETTINGS
@given(st.integers(0, 10_000), st.sampled_from(SIDES))
def test_joints_only_path_agrees_with_the_mesh(seed, side):
    model = load_hand_model("open", side)
    rotations, betas, translation = drawn(seed)
    both = model(rotations, betas, translation)
    joints = model.joints(rotations, betas, translation)
    assert (both.joints - joints).abs().max() < 1e-6
    torch.testing.assert_close(both.vertices[:, list(model.tip_vertices)], both.joints[:, list(TIPS)])


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("corrected", [False, True])
def test_the_mesh_is_that_of_smplx(side, corrected):
    """Against the reference implementation of linear blend skinning, with and without pose correctives."""
    arrays = load_open_hand(side)
    if corrected:
        arrays = replace(arrays, pose_directions=1e-3 * np.random.default_rng(0).normal(size=arrays.pose_directions.shape))
    model, reference = HandModel("open", arrays), smplx_layer(arrays)
    rotations, betas, translation = drawn(1)
    matrices = roma.rotvec_to_rotmat(rotations)
    expected = reference(betas=betas, global_orient=matrices[:, :1], hand_pose=matrices[:, 1:], transl=translation)
    found = model(rotations, betas, translation)
    tips = expected.vertices[:, list(model.tip_vertices)]
    assert (found.vertices - expected.vertices).abs().max() < 1e-6
    assert (found.joints - torch.cat([expected.joints, tips], 1)[:, list(MANO_TO_OPENPOSE)]).abs().max() < 1e-6
    assert (model.joints(rotations, betas, translation) - found.joints).abs().max() < 1e-6


def test_gradients_of_both_paths_agree_in_double():
    model = load_hand_model("open", "left", dtype=torch.float64)
    weights = torch.randn(21, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    gradients = []
    for path in (lambda *a: model(*a).joints, model.joints):
        inputs = [x.double().requires_grad_() for x in drawn(5)]
        (path(*inputs) * weights).sum().backward()
        gradients.append([x.grad for x in inputs])
    for whole, fast in zip(*gradients, strict=True):
        torch.testing.assert_close(whole, fast, atol=1e-9, rtol=1e-7)


@SETTINGS
@given(st.integers(0, 10_000))
def test_left_hand_is_the_mirror_image(seed):
    right, left = load_hand_model("open", "right"), load_hand_model("open", "left")
    rotations, betas, translation = drawn(seed)
    there = right(rotations, betas, translation)
    here = left(mirror_pose(rotations), betas, translation * MIRROR)
    torch.testing.assert_close(here.vertices, there.vertices * MIRROR, atol=1e-6, rtol=0)
    torch.testing.assert_close(here.joints, there.joints * MIRROR, atol=1e-6, rtol=0)
    torch.testing.assert_close(mirror_pose(mirror_pose(rotations)), rotations)


@SETTINGS
@given(st.integers(0, 10_000))
def test_root_turns_the_hand_about_the_wrist(seed):
    model = load_hand_model()
    rotations, betas, translation = drawn(seed)
    turn = roma.rotvec_to_rotmat(drawn(seed + 1)[0][:, 0])
    matrices = roma.rotvec_to_rotmat(rotations)
    turned = matrices.clone()
    turned[:, 0] = turn @ matrices[:, 0]
    before, after = model.joints(matrices, betas, translation), model.joints(turned, betas, translation)
    wrist = before[:, :1]
    torch.testing.assert_close(after, (before - wrist) @ turn.transpose(1, 2) + wrist, atol=2e-6, rtol=0)


def test_translation_moves_everything_alike():
    model = load_hand_model()
    rotations, betas, translation = drawn(2)
    moved = model(rotations, betas, translation + 0.25)
    still = model(rotations, betas, translation)
    torch.testing.assert_close(moved.vertices, still.vertices + 0.25, atol=1e-6, rtol=0)


def test_zero_pose_is_the_rest_pose_and_inputs_are_broadcast():
    model = load_hand_model()
    betas = torch.randn(10, generator=torch.Generator().manual_seed(0))
    joints = model.joints(torch.zeros(3, 16, 3), betas, torch.zeros(3))
    torch.testing.assert_close(joints, model.rest_joints(betas).expand(3, 21, 3), atol=1e-7, rtol=0)
    output = model(torch.zeros(3, 16, 3), betas, torch.zeros(1, 3))
    torch.testing.assert_close(output.vertices[1], model.rest_vertices(betas)[0], atol=1e-7, rtol=0)


def test_sampled_shapes_have_realistic_hand_sizes():
    model = load_hand_model()
    betas = torch.randn(8000, 10, generator=torch.Generator().manual_seed(0))
    size = measure_hand(model, betas)
    length, width = 1000 * size.length, 1000 * size.width
    assert abs(length.mean() - 187) < 1
    assert 11 < length.std() < 12.5
    assert 3 < width.std() < 6
    assert np.corrcoef(length, width)[0, 1] > 0.2
    mean = measure_hand(model, torch.zeros(10))
    assert abs(1000 * float(mean.length) - 187.15) < 0.1


def test_a_positive_first_beta_is_a_larger_hand_and_measuring_is_differentiable():
    betas = torch.zeros(10, requires_grad=True)
    measure_hand(load_hand_model(), betas).length.sum().backward()
    assert betas.grad[0] > 0.004


def test_no_hands_give_no_meshes():
    output = load_hand_model()(torch.zeros(0, 16, 3), torch.zeros(10), torch.zeros(3))
    assert output.vertices.shape == (0, load_hand_model().n_vertices, 3)
    assert output.joints.shape == load_hand_model().joints(torch.zeros(0, 16, 3), torch.zeros(10), torch.zeros(3)).shape


def test_wrong_requests_are_named():
    with pytest.raises(ValueError, match="no hand model 'nano'; there are open, mano"):
        load_hand_model("nano")
    with pytest.raises(ValueError, match="no tip set 'ho3d'; it has landmarks, ends"):
        load_hand_model("open", tip_set="ho3d")
    with pytest.raises(ValueError, match=r"\[2, 15, 3\], expected \[B, 16, 3\]"):
        load_hand_model().joints(torch.zeros(2, 15, 3), torch.zeros(10), torch.zeros(3))

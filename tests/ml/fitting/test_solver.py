"""The fit explains the image, shares one shape, keeps a given one, and is the same twice."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import roma
import torch

from ml.fitting.kinematics import Kinematics
from ml.fitting.landmark_trust import Landmarks3D
from ml.fitting.prior import PosePrior, pose_prior
from ml.fitting.solver import (
    Parameters,
    Problem,
    _applied,
    _linearise,
    _normal_equations,
    joint_uncertainty,
    shape_information,
    solve,
)
from ml.hand.camera import default_intrinsics, project
from ml.hand.joint_limits import sample_angles
from ml.hand.model import load_hand_model

COUNT = 24


@pytest.fixture
def scene():
    kinematics = Kinematics(load_hand_model("open", "right"))
    angles = torch.as_tensor(sample_angles(np.random.default_rng(2), COUNT))[:, 1:].reshape(COUNT, 45).float()
    root = roma.rotvec_to_rotmat(0.3 * torch.randn(COUNT, 3, generator=torch.Generator().manual_seed(1)))
    translation = torch.tensor([[0.02, 0.01, 0.5]]).expand(COUNT, 3).clone()
    truth = Parameters(angles, root, translation, torch.full((1, 10), 0.5))
    intrinsics = torch.as_tensor(default_intrinsics(640, 480))
    joints = kinematics.model.joints(kinematics.matrices(angles, root), truth.betas, translation)
    problem = Problem(kinematics, pose_prior(), project(joints, intrinsics), intrinsics, torch.full((COUNT, 21), 0.5))
    start = Parameters(pose_prior().mean.expand(COUNT, 45).clone(), root, translation + 0.03, torch.zeros(1, 10))
    return problem, start, truth


def _miss(problem: Problem, p: Parameters) -> torch.Tensor:
    joints = problem.kinematics.joints(p.angles, p.root, p.translation, p.betas)
    return (project(joints, problem.intrinsics) - problem.pixels).norm(dim=-1)


def test_it_reprojects_within_half_a_pixel(scene):
    problem, start, _ = scene
    rough = solve(replace(problem, robust_scale=1e3), start, steps=15)
    assert _miss(problem, solve(problem, rough, steps=40)).median() < 0.5


def test_it_never_ends_worse_than_it_began(scene):
    problem, start, truth = scene
    assert problem.total(solve(problem, start)) <= problem.total(start)
    assert problem.total(solve(problem, truth)) <= problem.total(truth)


def test_one_shape_is_shared(scene):
    problem, start, _ = scene
    assert solve(problem, start).betas.shape == (1, 10)


def test_independent_images_have_shapes_of_their_own(scene):
    problem, start, _ = scene
    alone = replace(problem, shape_shared=False)
    everyone = solve(alone, replace(start, betas=torch.zeros(COUNT, 10)), steps=6)
    one = replace(alone, pixels=problem.pixels[:1], pixel_std=problem.pixel_std[:1])
    first = Parameters(start.angles[:1], start.root[:1], start.translation[:1], torch.zeros(1, 10))
    assert everyone.betas.shape == (COUNT, 10)
    assert (_miss(alone, everyone)[0] - _miss(one, solve(one, first, steps=6))[0]).abs().max() < 2.0


def test_a_given_shape_stays(scene):
    problem, start, truth = scene
    known = replace(problem, shape_known=True)
    assert torch.equal(solve(known, replace(start, betas=truth.betas)).betas, truth.betas)


def test_one_outlier_joint_does_not_move_the_others(scene):
    problem, _, truth = scene
    pixels = problem.pixels.clone()
    pixels[:, 8] += 200
    found = solve(replace(problem, pixels=pixels), truth)
    others = [joint for joint in range(21) if joint not in (6, 7, 8)]
    assert _miss(problem, found)[:, others].median() < 1.0


def test_the_solver_is_deterministic(scene):
    problem, start, _ = scene
    one, other = solve(problem, start), solve(problem, start)
    assert torch.equal(one.angles, other.angles)
    assert torch.equal(one.betas, other.betas)


def test_a_joint_with_a_large_standard_deviation_has_less_influence(scene):
    problem, start, _ = scene
    moved = problem.pixels.clone()
    moved[:, 8] += 30.0
    trusted = solve(replace(problem, pixels=moved), start)
    noise = problem.pixel_std.clone()
    noise[:, 8] = 100.0
    doubted = solve(replace(problem, pixels=moved, pixel_std=noise), start)
    others = [joint for joint in range(21) if joint != 8]
    assert _miss(problem, doubted)[:, others].median() < _miss(problem, trusted)[:, others].median()


def _landmarks_of(problem: Problem, p: Parameters, scale: float = 1.0, std: float = 0.002) -> Landmarks3D:
    joints = problem.kinematics.joints(p.angles, p.root, p.translation, p.betas)
    return Landmarks3D(scale * joints + 0.3, torch.full((len(joints), 21), std))


@pytest.mark.parametrize("scale", [0.6, 1.0, 1.7])
def test_landmarks_in_space_give_depth_whatever_their_scale_and_origin(scene, scale):
    problem, start, truth = scene

    def error(p: Parameters) -> torch.Tensor:
        joints, true = (problem.kinematics.joints(q.angles, q.root, q.translation, q.betas) for q in (p, truth))
        joints, true = (x - x.mean(1, keepdim=True) for x in (joints, true))
        size = (joints * true).sum((1, 2)) / joints.square().sum((1, 2))  # neither pixels nor landmarks show it
        return (size[:, None, None] * joints - true).norm(dim=-1).mean()

    alone = solve(problem, start, steps=30)
    landmarks = (_landmarks_of(problem, truth, scale),)
    helped = solve(replace(problem, landmarks=landmarks, landmark_robust_scale=100.0), start, steps=30)
    assert error(helped) < 0.6 * error(alone)


def test_landmarks_in_space_do_not_shrink_the_hand(scene):
    problem, start, truth = scene
    exact = _landmarks_of(problem, truth)
    rest = problem.kinematics.model.rest_joints

    def length(betas: torch.Tensor) -> float:
        return float((rest(betas)[0, 12] - rest(betas)[0, 0]).norm())

    lengths = []
    for seed in range(4):
        generator = torch.Generator().manual_seed(seed)
        noisy = replace(exact, points=exact.points + 0.01 * torch.randn(exact.points.shape, generator=generator))
        lengths.append(length(solve(replace(problem, landmarks=(noisy,)), start, steps=30).betas))
    assert np.mean(lengths) > 0.95 * length(truth.betas)


@pytest.mark.parametrize("robust_scale", [1e6, 3.0])
def test_the_gradient_equals_that_of_autograd(scene, robust_scale):
    """Also of the landmarks' scale and offset, which a step holds fixed: they are optimal at its start."""
    problem, start, truth = scene
    rows = torch.arange(4)
    problem, p = problem.rows(rows), replace(start.rows(rows), angles=start.angles[:4] + 0.1)
    landmarks = _landmarks_of(problem, truth.rows(rows), std=0.01)
    problem = replace(problem, shape_known=True, robust_scale=robust_scale, landmark_robust_scale=1e6, landmarks=(landmarks,))
    moved = torch.zeros(4, 51, requires_grad=True)
    problem.costs(_applied(p, moved, None))[0].sum().backward()
    _, gradient = _normal_equations(problem, p, _linearise(problem, p))
    torch.testing.assert_close(gradient, moved.grad, atol=0.03 * float(moved.grad.abs().max()), rtol=0.05)


def test_what_is_not_seen_is_uncertain(scene):
    problem, _, truth = scene
    std = problem.pixel_std.clone()
    std[:, 8] = 200.0
    seen, hidden = (joint_uncertainty(replace(problem, pixel_std=s), truth) for s in (problem.pixel_std, std))
    assert seen.shape == (COUNT, 21)
    assert float((hidden[:, 8] / seen[:, 8]).median()) > 1.4
    assert (hidden[:, 8] > seen[:, 8]).all()
    torch.testing.assert_close(hidden[:, 20], seen[:, 20], rtol=0.3, atol=1e-3)


def _mirrored_through_the_camera(start: Parameters, frame: int) -> Parameters:
    translation = start.translation.clone()
    translation[frame] = -translation[frame]
    return replace(start, translation=translation)


def test_one_frame_behind_the_camera_does_not_prevent_the_common_shape(scene):
    problem, start, _ = scene
    wrong = _mirrored_through_the_camera(start, 5)
    problem = replace(problem, robust_scale=60.0)
    found, expected = solve(problem, wrong, steps=40), solve(problem, start, steps=40)
    assert torch.isfinite(found.betas).all()
    assert found.betas.abs().max() > 0.1
    rest = problem.kinematics.model.rest_joints
    assert (rest(found.betas) - rest(expected.betas)).norm(dim=-1).max() < 0.002
    assert float(problem.total(found)) < 1.1 * float(problem.total(expected)) + 1
    assert (found.translation[:, 2] > 0.1).all()


def test_a_frame_that_cannot_be_fitted_does_not_stop_the_others(scene):
    """Its joints coincide in one point: no hand is so small, so every placement is rejected."""
    problem, start, _ = scene
    pixels = problem.pixels.clone()
    pixels[7] = pixels[7].mean(0)
    problem = replace(problem, robust_scale=60.0)
    found = solve(replace(problem, pixels=pixels), start, steps=40)
    others = [frame for frame in range(COUNT) if frame != 7]
    expected = solve(problem, start, steps=40)
    assert _miss(problem, found)[others].median() < 2 * _miss(problem, expected)[others].median() + 0.1
    for part in (found.angles, found.root, found.translation, found.betas):
        assert torch.isfinite(part).all()


@pytest.mark.parametrize("shared", [True, False])
def test_no_frame_ends_at_the_camera_however_it_starts(scene, shared):
    problem, start, _ = scene
    generator = torch.Generator().manual_seed(4)
    root = roma.rotvec_to_rotmat(3 * torch.randn(COUNT, 3, generator=generator))
    betas = torch.zeros(1 if shared else COUNT, 10)
    lost = replace(start, root=root, translation=0.1 * torch.randn(COUNT, 3, generator=generator), betas=betas)
    found = solve(replace(problem, shape_shared=shared), lost, steps=15)
    joints = problem.kinematics.joints(found.angles, found.root, found.translation, found.betas)
    seen = (problem.pixels.amax(1) - problem.pixels.amin(1)).amax(-1)
    projected = project(joints, problem.intrinsics)
    assert (joints[..., 2] > 0.04).all()
    assert ((projected.amax(1) - projected.amin(1)).amax(-1) < 3 * seen).all()


def test_the_shape_gradient_is_zero_at_the_truth_and_grows_away_from_it(scene):
    """At the true pose and pixels the gradient is zero; for a small offset it is the Hessian times the offset."""
    problem, _, truth = scene
    at_rest = replace(problem, prior=PosePrior(truth.angles, 100 * torch.eye(45), pose_prior().limits), robust_scale=1e4)
    hessian, gradient = shape_information(at_rest, truth)
    assert hessian.shape == (COUNT, 10, 10)
    torch.testing.assert_close(hessian, hessian.mT, rtol=1e-2, atol=1.0)
    assert float(torch.linalg.eigvalsh(hessian.double().sum(0)).min()) > 0
    aside = torch.linspace(-0.02, 0.02, 10)
    _, grown = shape_information(at_rest, replace(truth, betas=truth.betas + aside))
    expected = (hessian.sum(0) @ aside).norm()
    assert float(gradient.sum(0).norm()) < 0.02 * float(expected)
    assert float((grown.sum(0) - hessian.sum(0) @ aside).norm()) < 0.1 * float(expected)

"""The motion fit: windows, terms, both solvers and the last stage, on motions whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import roma
import torch

from ml.fitting.kinematics import Kinematics
from ml.fitting.solver import Parameters
from ml.hand.camera import default_intrinsics, project
from ml.hand.model import load_hand_model
from ml.hmp import stages
from ml.hmp.adam import adam
from ml.hmp.gauss_newton import _pose_by_latent
from ml.hmp.own_speed import acceleration_std
from ml.hmp.stages import InitialMotion, MotionSettings, StageContext
from ml.hmp.terms import TERMS, Weights
from ml.hmp.windows import cut
from ml.priors.motion import load_motion_prior
from ml.synthetic.hand_motion import joint_motion

FPS = 30.0


@pytest.fixture(scope="module")
def context() -> StageContext:
    camera = torch.as_tensor(default_intrinsics(640, 480))
    return StageContext(Kinematics(load_hand_model("open", "right")), load_motion_prior("pca"), camera, 640.0, FPS)


def motion(count: int, *, shake: float = 0.0, activity: str = "grasp") -> tuple[Parameters, Parameters]:
    """A true motion, and the same with noise in every frame (rad; a tenth of it in m)."""
    rng = np.random.default_rng(3)
    angles = torch.as_tensor(joint_motion(rng, activity, np.arange(count) / FPS)[:, 1:].reshape(count, 45)).float()
    time = torch.arange(count) / FPS
    turned = torch.stack([0.3 * torch.sin(2 * time), 0.2 * torch.cos(3 * time), 0.1 * time], 1)
    place = torch.stack([0.03 * torch.sin(time), 0.02 * torch.cos(2 * time), 0.5 + 0.02 * torch.sin(time)], 1)
    true = Parameters(angles, roma.rotvec_to_rotmat(turned), place, torch.zeros(1, 10))
    noise = torch.Generator().manual_seed(1)

    def drawn(*size: int) -> torch.Tensor:
        return shake * torch.randn(*size, generator=noise)

    noisy = replace(
        true,
        angles=angles + drawn(count, 45),
        root=roma.rotvec_to_rotmat(drawn(count, 3)) @ true.root,
        translation=place + 0.1 * drawn(count, 3),
    )
    return true, noisy


def initial(context: StageContext, true: Parameters, noisy: Parameters, *, shape_known: bool = True) -> InitialMotion:
    kinematics = context.kinematics
    pixels = project(kinematics.joints(true.angles, true.root, true.translation, true.betas), context.intrinsics)
    return InitialMotion(noisy, pixels, torch.ones(len(pixels), 21), shape_known)


@pytest.mark.parametrize("count", [3, 127, 128, 129, 240, 400])
@pytest.mark.parametrize("fps", [10.0, 30.0, 59.94, 240.0])
def test_windows_cover_every_frame_once_and_join_without_a_seam(count: int, fps: float) -> None:
    windows = cut(count, fps)
    ramp = torch.arange(count, dtype=torch.float64)
    joined = windows.joined(ramp[windows.frames][..., None], count)[:, 0]
    taken = torch.arange(0, count, windows.step)
    assert torch.allclose(joined[taken], ramp[taken])
    assert windows.times[0] == -1
    assert float(windows.times[-1]) <= 1


def test_the_gradient_of_the_normal_equations_is_that_of_the_loss(context: StageContext) -> None:
    true, noisy = motion(40, shake=0.03)
    one = initial(context, true, noisy, shape_known=False)
    settings = MotionSettings()
    problem = stages._problem(context, [one], [cut(40, FPS)], settings)
    problem = replace(problem, is_second=True, weights=settings.weights().second)
    state = problem.initial
    # the minimum that Gauss-Newton finds is one of the loss as autograd sees it
    found = stages.gauss_newton(problem, state)
    with torch.enable_grad():
        z = found.z.clone().requires_grad_()
        moved = found.translation.clone().requires_grad_()
        problem.total(replace(found, z=z, translation=moved)).sum().backward()
        z0 = state.z.clone().requires_grad_()
        moved0 = state.translation.clone().requires_grad_()
        problem.total(replace(state, z=z0, translation=moved0)).sum().backward()
    assert float(moved.grad.norm()) < 0.05 * float(moved0.grad.norm())
    assert float(z.grad.norm()) < 0.1 * float(z0.grad.norm())


@pytest.mark.parametrize("count", [1, 2, 5, 8, 30])
def test_the_interpolated_jacobian_of_a_linear_decoder_is_close_to_that_of_every_frame(
    context: StageContext, count: int
) -> None:
    true, noisy = motion(count)
    problem = stages._problem(context, [initial(context, true, noisy)], [cut(count, FPS)], MotionSettings())
    by_z = _pose_by_latent(replace(problem, is_second=True), problem.initial)
    assert by_z is not None
    assert torch.allclose(by_z.share.sum(1), torch.ones(len(problem.times)))
    exact = context.prior.decode_with_jacobian(problem.initial.z, problem.times)[1]
    assert float((by_z.of_frames() - exact).norm() / exact.norm()) < 0.1
    per_frame = torch.arange(float(len(problem.times)))[None, :, None]
    assert torch.allclose(by_z.gathered(per_frame).sum(), per_frame.sum())


def test_gauss_newton_reaches_a_lower_loss_than_adam(context: StageContext) -> None:
    true, noisy = motion(24, shake=0.05)
    settings = MotionSettings()
    problem = stages._problem(context, [initial(context, true, noisy)], [cut(24, FPS)], settings)
    start = replace(problem.initial, translation=problem.initial.translation + torch.tensor([0.3, 0.0, 0.0]))
    by_adam = float(problem.total(adam(problem, start, steps=40)))
    assert by_adam < float(problem.total(start))
    assert float(problem.total(stages.gauss_newton(problem, start))) < by_adam


def test_each_term_has_the_value_of_its_definition(context: StageContext) -> None:
    true, _ = motion(20)
    problem = stages._problem(context, [initial(context, true, true)], [cut(20, FPS)], MotionSettings(preset="poster"))
    losses = problem.losses(problem.initial)
    assert set(losses) == set(TERMS)
    assert float(losses["keypoints"]) == pytest.approx(0, abs=1e-4)
    assert float(losses["orientation"]) == pytest.approx(0, abs=1e-6)
    steps = roma.rotmat_to_rotvec(true.root[1:] @ true.root[:-1].mT)
    assert float(losses["turning"]) == pytest.approx(0.5 * float((30 * steps).square().sum(-1).mean()), rel=1e-4)
    away = problem.losses(replace(problem.initial, translation=problem.initial.translation + torch.tensor([0.0, 0.0, 0.1])))
    assert float(away["translation"]) == pytest.approx(0.01, rel=1e-4)


def test_the_estimated_acceleration_is_small_for_a_calm_hand_and_correct_for_a_fast_one() -> None:
    _, calm = motion(128, shake=0.02, activity="reach")
    time = torch.arange(128) / FPS
    wave = 0.4 * torch.sin(2 * torch.pi * 4 * time)
    fast = replace(calm, angles=calm.angles + wave[:, None])
    least = (0.006, 0.004, 0.0004)
    own = acceleration_std(calm, FPS, least)[:, :45].median()
    swung = acceleration_std(fast, FPS, least)[:, :45].median()
    true = 0.4 * (2 * torch.pi * 4 / FPS) ** 2 / 2**0.5
    assert float(swung) == pytest.approx(float(true), rel=0.5)
    assert float(own) < 0.2 * float(swung)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keypoint": 1}, "no weight 'keypoint'"),
        ({"prior": -1}, "must be a number"),
        ({"prior": float("nan")}, "must be a number"),
        ({"prior": "1"}, "must be a number"),
    ],
)
def test_weights_are_checked(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Weights().with_changes(changes)


def test_options_name_presets_solvers_and_weights() -> None:
    settings = MotionSettings.of_options({"preset": "poster", "solver": "adam", "stages": 1, "second.prior": 100})
    assert settings.weights().second.prior == 100
    for wrong in ({"preset": "best"}, {"solver": "newton"}, {"stages": 3}, {"colour": 1}, {"third.prior": 1}):
        with pytest.raises(ValueError, match=r"no |is 1 or 2"):
            MotionSettings.of_options(wrong).weights()

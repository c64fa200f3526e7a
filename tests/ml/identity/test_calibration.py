"""One shape from several images: exact where the answer is known, with a realistic uncertainty elsewhere."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import get_args

import pytest
import roma
import torch

from ml.hand.measure import measure_hand
from ml.hand.model import load_hand_model
from ml.identity.calibration import (
    ERROR_CORRELATION,
    SOLVERS,
    KnownLength,
    Settings,
    Solver,
    _effective_frames,
    calibrate,
    expected_errors,
    solver_named,
)
from ml.identity.frame_selection import select_calibration_frames
from ml.identity.inference import Estimate, PoseUncertainty
from ml.identity.weights import Kind

MODEL = load_hand_model("open", "right")


def poses(count: int, seed: int = 0) -> torch.Tensor:
    return roma.rotvec_to_rotmat(0.3 * torch.randn(count, 16, 3, generator=torch.Generator().manual_seed(seed)))


def pictures_of(betas, scores=None, seen=None, noise=0.01, rotations=None) -> Estimate:
    """Images for which a network estimated these shapes; `seen` is the shape of the hand whose joints are detected in them."""
    count = len(betas)
    rotations = poses(count) if rotations is None else rotations
    seen = torch.zeros(1, 10) if seen is None else seen
    joints = MODEL.joints(rotations, seen.expand(count, 10), torch.tensor([0.0, 0.0, 0.5]))
    return Estimate(
        baseline=rotations,
        aware=rotations,
        betas=betas,
        scores=torch.zeros(count) if scores is None else scores,
        normalized_keypoints=joints[..., :2] / joints[..., 2:],
        keypoint_std=torch.full((count, 21), noise),
        detected=joints[..., :2] / joints[..., 2:],
        world=joints,
        pose_uncertainty=PoseUncertainty(0.05, 0.05),
    )


def moments_of(r: float, alike: float = 0.0) -> torch.Tensor:
    """Moments of answers that are r times the truth plus noise, with the given correlation within a clip."""
    return torch.tensor([r, r, r * r + alike * r * (1 - r), r * r])[:, None].expand(4, 10)


def run(betas, scores=None, reliability=0.5, **kwargs):
    settings = kwargs.pop("settings", Settings(solver="poster"))
    return calibrate(MODEL, pictures_of(betas, scores), moments_of(reliability), settings=settings, **kwargs)


@pytest.mark.parametrize("solver", ["poster", "mean"])
def test_images_that_agree_give_their_common_shape(solver):
    truth = torch.linspace(-1, 1, 10)
    found = run(truth.expand(5, 10), settings=Settings(solver=solver))
    torch.testing.assert_close(found.betas, truth, atol=1e-5, rtol=0)
    assert found.length_sigma == pytest.approx(0, abs=1e-6)
    size = measure_hand(MODEL, truth)
    assert found.length == pytest.approx(float(size.length))
    assert found.width == pytest.approx(float(size.width))


def test_one_wrong_picture_moves_the_mean_and_not_the_median():
    betas = torch.zeros(7, 10)
    betas[3] = 6.0
    assert float(run(betas, settings=Settings(solver="mean")).betas.abs().max()) == pytest.approx(6 / 7, abs=1e-4)
    assert float(run(betas).betas.abs().max()) < 1e-3


def test_the_solution_minimises_the_cost_of_the_poster():
    generator = torch.Generator().manual_seed(4)
    betas = torch.randn(6, 10, generator=generator)
    found = run(betas)
    rotations = poses(6)

    def cost(beta: torch.Tensor) -> float:
        total = 0.0
        for rotation, own in zip(rotations, betas, strict=True):
            pair = [MODEL(rotation[None], b[None], torch.zeros(1, 3)).vertices.double() for b in (beta, own)]
            total += float((pair[0] - pair[1]).norm())
        return total

    best = cost(found.betas)
    for _ in range(20):
        assert cost(found.betas + 0.02 * torch.randn(10, generator=generator)) > best - 1e-6


def test_confidence_weights_differ_by_score_and_uniform_weights_do_not():
    betas = torch.stack([torch.zeros(10), torch.ones(10)])
    scores = torch.tensor([0.0, math.log(3.0)])
    trusting = run(betas, scores, settings=Settings(solver="mean", temperature=1.0))
    torch.testing.assert_close(trusting.weights, torch.tensor([0.25, 0.75]))
    assert float(trusting.betas[0]) == pytest.approx(0.75, abs=1e-5)
    even = run(betas, scores, settings=Settings(solver="mean", weights="uniform"))
    assert float(even.betas[0]) == pytest.approx(0.5, abs=1e-5)


def test_fusing_many_images_undoes_the_shrinkage_of_single_images():
    """Answers that are r times the truth plus noise converge to the truth as images are added."""
    generator = torch.Generator().manual_seed(1)
    truth, r = torch.linspace(-2, 2, 10), 0.1
    noise = torch.randn(4000, 10, generator=generator) * math.sqrt(r * (1 - r))
    answers = r * truth + noise
    few, many = (
        run(answers[:k], reliability=r, settings=Settings(solver="shrinkage", weights="uniform", resamples=0)).betas
        for k in (20, 400)
    )
    mean = run(answers[:400], settings=Settings(solver="mean", weights="uniform", resamples=0)).betas
    assert float((many - truth).square().mean()) < float((few - truth).square().mean())
    assert float((many - truth).square().mean()) < 0.1
    assert float((mean - truth).square().mean()) > 1.0


def test_errors_common_to_all_images_of_a_person_are_not_averaged_away():
    """Twenty equal answers give no more information than one."""
    answers = torch.full((20, 10), 0.5)
    same = torch.tensor([0.3, 0.3, 0.3, 0.3])[:, None].expand(4, 10)
    settings = Settings(solver="shrinkage", resamples=0)
    found = calibrate(MODEL, pictures_of(answers), same, settings=settings)
    torch.testing.assert_close(found.betas, answers[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("solver", get_args(Solver))
def test_a_known_length_is_kept_to_the_micrometre(solver):
    betas = torch.randn(8, 10, generator=torch.Generator().manual_seed(2))
    found = run(betas, known_length=KnownLength(0.2015), settings=Settings(solver=solver))
    assert found.length == pytest.approx(0.2015, abs=1e-6)
    assert found.scale == "measured length"
    assert run(betas).scale == "assumed"


def test_the_convergence_curve_ends_at_the_result():
    betas = torch.randn(9, 10, generator=torch.Generator().manual_seed(3))
    found = run(betas)
    assert found.convergence.shape == (9, 2)
    assert float(found.convergence[-1, 0]) == pytest.approx(found.length, abs=1e-6)
    assert float(found.convergence[-1, 1]) == pytest.approx(found.width, abs=1e-6)


def test_the_uncertainty_of_a_single_image_is_nan():
    found = run(torch.zeros(1, 10))
    assert math.isnan(found.length_sigma)


def test_no_picture_is_an_error():
    with pytest.raises(ValueError, match="no frame"):
        run(torch.zeros(0, 10))


def test_selected_images_have_high_confidence_and_different_poses():
    scores = torch.cat([torch.linspace(1, 2, 30), torch.linspace(-2, -1, 30)])
    rotations = poses(60)
    chosen = select_calibration_frames(scores, rotations)
    assert len(set(chosen.tolist())) == 20
    assert int(chosen.max()) < 30
    assert int(chosen[0]) == 29
    same = rotations[:1].expand(60, -1, -1, -1).clone()
    same[7] = poses(1, seed=9)[0]
    assert 7 in select_calibration_frames(scores, same, 2).tolist()
    assert select_calibration_frames(torch.tensor([1.0, 3.0, 2.0]), poses(3)).tolist() == [1, 2, 0]


def test_images_of_one_clip_count_less_than_images_of_several_clips():
    generator = torch.Generator().manual_seed(0)
    true = torch.randn(10, generator=generator)
    pictures = pictures_of(0.1 * true + 0.05 * torch.randn(20, 10, generator=generator))

    def spread(clips: torch.Tensor) -> tuple[float, float]:
        found = calibrate(MODEL, pictures, moments_of(0.1, alike=0.5), clips=clips, settings=Settings(solver="shrinkage"))
        return float(found.betas.norm()), float(found.betas_sigma.mean())

    one, four, all_apart = (spread(torch.arange(20) // size) for size in (20, 5, 1))
    assert one[0] < four[0] < all_apart[0]
    assert one[1] > four[1] > all_apart[1]


BONES_SEEN = torch.tensor([0.0, 1.2, -0.8, 0.9, 0.0, 0.0, -1.0, 0.0, 0.7, 0.0])
"""A shape whose length is the mean hand's, or nearly so: size is not to be seen."""


def test_joints_in_many_poses_determine_the_shape_without_network_estimates():
    known = KnownLength(float(measure_hand(MODEL, BONES_SEEN).length), 1e-4)
    misses = {}
    for count in (2, 20):
        pictures = pictures_of(torch.zeros(count, 10), seen=BONES_SEEN[None], noise=1e-4)
        nothing = torch.zeros(4, 10)
        for solver in ("shrinkage", "joint-bundle"):
            settings = Settings(solver=solver, resamples=0)
            found = calibrate(MODEL, pictures, nothing, known_length=known, settings=settings)
            true = MODEL.rest_joints(BONES_SEEN[None])[0]
            misses[solver, count] = float((MODEL.rest_joints(found.betas[None])[0] - true).norm(dim=-1).mean())
    assert misses["joint-bundle", 20] < 0.0005
    assert misses["joint-bundle", 20] < 0.25 * misses["shrinkage", 20]
    assert misses["joint-bundle", 20] < misses["joint-bundle", 2]


def test_joints_with_large_noise_have_little_influence():
    badly = pictures_of(torch.zeros(10, 10), seen=BONES_SEEN[None], noise=1.0)
    found = calibrate(MODEL, badly, moments_of(0.1), settings=Settings(solver="joint-bundle", resamples=0))
    assert float(found.betas.abs().max()) < 0.05


def test_the_remaining_uncertainty_is_smaller_for_precise_joints():
    sure, unsure = (
        calibrate(
            MODEL, pictures_of(torch.zeros(12, 10), noise=noise), moments_of(0.1), settings=Settings(solver="joint-bundle")
        ).betas_sigma
        for noise in (1e-4, 1e-2)
    )
    assert float(sure.mean()) < float(unsure.mean()) < 1.0


@pytest.mark.parametrize("backbone", get_args(Kind))
def test_the_default_solver_is_that_of_the_backbone(backbone):
    pictures = replace(pictures_of(torch.zeros(3, 10), seen=BONES_SEEN[None], noise=1e-3), backbone=backbone)
    named, unnamed = (
        calibrate(MODEL, pictures, moments_of(0.1), settings=settings).betas
        for settings in (Settings(solver=SOLVERS[backbone], resamples=0), Settings(resamples=0))
    )
    assert (named == unnamed).all()


def test_the_default_solver_is_joint_bundle_for_pixels_and_shrinkage_for_landmarks():
    assert SOLVERS == {"landmarks": "shrinkage", "image": "joint-bundle"}


@pytest.mark.parametrize("backbone", get_args(Kind))
def test_the_effective_number_of_images_of_a_person_is_limited_by_their_correlation(backbone):
    """Their errors have a common part, so their number does not matter beyond a point."""
    alike = ERROR_CORRELATION[backbone]
    assert 0 < alike.person < alike.clip < 1

    def worth(count: int, clips: int) -> float:
        return _effective_frames(torch.full((count,), 1 / count).double(), torch.arange(count) % clips, alike)

    assert worth(1, 1) == pytest.approx(1)
    assert worth(20, 1) < worth(20, 4) < worth(20, 20) < worth(2000, 2000) < 1 / alike.person
    assert worth(2000, 1) == pytest.approx(1 / alike.clip, rel=0.01)


def test_a_joint_error_common_to_all_images_does_not_gain_weight_with_more_images():
    """The joints show a hand of another shape; the stated noise is small compared to the difference."""
    settings = Settings(solver="joint-bundle", resamples=0)

    def moved(count: int) -> float:
        rotations = poses(1).expand(count, -1, -1, -1)
        pictures = pictures_of(torch.zeros(count, 10), seen=BONES_SEEN[None], noise=0.01, rotations=rotations)
        return float(calibrate(MODEL, pictures, torch.zeros(4, 10), settings=settings).betas.norm())

    one, some, many = moved(1), moved(20), moved(100)
    assert one < some < many
    assert many / some < 1.1


def test_previous_names_of_solvers_keep_working():
    assert {solver_named(name) for name in get_args(Solver)} == set(get_args(Solver))
    with pytest.raises(ValueError, match="no solver 'median'; there are joint-bundle, shrinkage, poster, mean"):
        solver_named("median")


def test_the_expected_error_of_a_frame_is_its_mean_over_what_the_person_may_be():
    generator = torch.Generator().manual_seed(3)
    frames = torch.randn(4, 10, generator=generator)
    found = run(frames, settings=Settings(solver="shrinkage"))
    others = torch.randn(3, 10, generator=generator)
    people = found.betas + found.covariance.diagonal().sqrt() * torch.randn(40_000, 10, generator=generator)
    drawn = torch.stack([(other - people).abs().mean() for other in others])
    torch.testing.assert_close(expected_errors(others, found), drawn, atol=0.01, rtol=0)


def test_a_frame_that_contradicts_the_others_is_expected_to_be_wrong():
    betas = 0.1 * torch.randn(6, 10, generator=torch.Generator().manual_seed(5))
    betas[2] += 1.5
    errors = expected_errors(betas, run(betas))
    assert int(errors.argmax()) == 2

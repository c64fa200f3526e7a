"""What holds for every motion prior: shapes, derivatives, limits, and that encoding undoes decoding."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from ml.priors.motion import FOLDER, PRIORS, load_motion_prior
from ml.priors.motion_window import ANGLES, FRAMES, SOFTNESS, angle_limits, cosines, frame_times, within_limits
from ml.synthetic.hand_motion import ACTIVITIES, joint_motion


@pytest.fixture(scope="module")
def windows() -> torch.Tensor:
    """A window [5, 128, 45] of each activity of seeds that no training uses."""
    times = np.arange(FRAMES) / 30
    motions = [joint_motion(np.random.default_rng([77, k]), name, times)[:, 1:] for k, name in enumerate(ACTIVITIES)]
    return torch.as_tensor(np.stack(motions).reshape(-1, FRAMES, ANGLES), dtype=torch.float32)


@pytest.mark.parametrize("name", PRIORS)
def test_decoding_an_encoded_motion_gives_it_back(name, windows):
    prior = load_motion_prior(name)
    mean, log_variance = prior.encode(windows)
    assert mean.shape == log_variance.shape == (len(windows), prior.latent)
    assert log_variance.isfinite().all()
    decoded = prior.decode(mean, frame_times())
    assert decoded.shape == windows.shape
    assert torch.rad2deg((decoded - windows).abs().mean()) < 2.0


@pytest.mark.parametrize("name", PRIORS)
def test_derivatives_are_those_of_decode(name, windows):
    prior = load_motion_prior(name)
    z = prior.encode(windows[:2])[0]
    times = torch.tensor([[-1.0, -0.31, 0.4], [-0.9, 0.0, 0.99]])
    angles, by_z = prior.decode_with_jacobian(z, times)
    assert by_z.shape == (2, 3, ANGLES, prior.latent)
    torch.testing.assert_close(angles, prior.decode(z, times), atol=1e-5, rtol=0)
    direction = torch.randn(angles.shape, generator=torch.Generator().manual_seed(0))
    traced = z.clone().requires_grad_()
    (expected,) = torch.autograd.grad((direction * prior.decode(traced, times)).sum(), traced)
    torch.testing.assert_close(torch.einsum("wta,wtad->wd", direction, by_z), expected, atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("name", PRIORS)
def test_times_can_be_shared_or_given_for_each_window(name, windows):
    prior = load_motion_prior(name)
    z = prior.encode(windows[:2])[0]
    times = frame_times(40, fps=60.0)
    own = prior.decode(z, times.expand(2, -1))
    torch.testing.assert_close(prior.decode(z, times), own, atol=1e-6, rtol=0)
    torch.testing.assert_close(own[:, ::2], prior.decode(z, frame_times()[:20]), atol=1e-5, rtol=0)
    for result in (prior.decode_with_jacobian(z, times)[1], prior.decode_with_jacobian(z, times.expand(2, -1))[1]):
        assert result.shape == (2, 40, ANGLES, prior.latent)


@pytest.mark.parametrize("name", PRIORS)
def test_samples_are_repeatable_and_within_the_joint_limits(name):
    prior = load_motion_prior(name)
    z = prior.sample(8, torch.Generator().manual_seed(1))
    again = prior.sample(8, torch.Generator().manual_seed(1))
    assert torch.equal(z, again)
    drawn = prior.decode(z, frame_times())
    limits = angle_limits()
    assert drawn.isfinite().all()
    assert (drawn >= limits[:, 0] - SOFTNESS).all()
    assert (drawn <= limits[:, 1] + SOFTNESS).all()
    assert prior.log_density(z).shape == (8,)
    assert prior.log_density(z).isfinite().all()


@pytest.mark.parametrize("name", PRIORS)
def test_interpolation_starts_and_ends_at_the_given_motions(name, windows):
    prior = load_motion_prior(name)
    a, b = prior.encode(windows[:2])[0].split(1)
    torch.testing.assert_close(prior.interpolate(a, b, 0.0), a, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(prior.interpolate(a, b, 1.0), b, atol=1e-4, rtol=1e-4)
    middle = prior.decode(prior.interpolate(a, b, 0.5), frame_times())
    assert middle.isfinite().all()
    assert not torch.allclose(middle, prior.decode(a, frame_times()), atol=0.01)


@pytest.mark.parametrize("name", [name for name in PRIORS if name != "none"])
def test_real_motion_has_a_higher_density_than_an_exaggerated_one(name, windows):
    prior = load_motion_prior(name)
    z = prior.encode(windows)[0]
    assert (prior.log_density(z) > prior.log_density(3 * z)).all()


def test_the_cosine_basis_is_orthonormal_at_the_frames():
    basis = cosines(frame_times().double(), FRAMES)
    torch.testing.assert_close(basis.mT @ basis, torch.eye(FRAMES).double(), atol=1e-6, rtol=0)


def test_times_of_another_rate_lie_on_the_same_axis():
    torch.testing.assert_close(frame_times(256, fps=60.0)[::2], frame_times())
    assert frame_times()[0] == -1.0
    assert frame_times()[64] == 0.0


def test_limits_are_smooth_and_leave_angles_inside_unchanged():
    limits = angle_limits().double()
    inside = limits.mean(1)
    held, slope = within_limits(inside, limits)
    assert torch.equal(held, inside)
    assert (slope == 1).all()
    beyond = (limits[:, 1] + 0.03).requires_grad_()
    held, slope = within_limits(beyond, limits)
    (gradient,) = torch.autograd.grad(held.sum(), beyond)
    torch.testing.assert_close(gradient, slope, atol=1e-9, rtol=0)
    assert (held - limits[:, 1] < SOFTNESS).all()


def test_an_unknown_prior_is_named():
    with pytest.raises(ValueError, match=r"no motion prior 'best'; there are .*gmm, pca, none"):
        load_motion_prior("best")


def test_the_weights_are_small_and_their_card_is_there():
    assert sum(path.stat().st_size for path in FOLDER.glob("*.safetensors")) < 8 << 20
    card = json.loads((FOLDER / "motion-autoencoder.json").read_text())
    assert card["config"]["sizes"]["latent"] == load_motion_prior("motion").latent
    assert set(card["errors"]) >= {"procedural"}

"""The measurement of how far shape errors correlate, on gradients of known correlation."""

from __future__ import annotations

import pytest
import torch

from ml.training.error_correlation import pair_correlations


def test_known_correlations_are_found():
    generator = torch.Generator().manual_seed(0)
    people, clips_each, frames_each = 60, 2, 6

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, 10, generator=generator)

    # variances .2 common to a person, .3 common to a clip, .5 of the frame
    common = 0.2**0.5 * draw(people, 1, 1) + 0.3**0.5 * draw(people, clips_each, 1)
    gradients = (common + 0.5**0.5 * draw(people, clips_each, frames_each)).flatten(0, 2)
    gradients *= torch.logspace(-2, 2, 10)
    clips = torch.arange(people * clips_each).repeat_interleave(frames_each)
    people_of = torch.arange(people).repeat_interleave(clips_each * frames_each)
    found = pair_correlations(gradients, clips, people_of)
    assert found.clip == pytest.approx(0.5, abs=0.06)
    assert found.person == pytest.approx(0.2, abs=0.06)

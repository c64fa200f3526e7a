"""Zhou et al. 2020 as a method: shapes of clips and of single images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ml.fitting.bone_ratios import bone_ratios, shape_from_ratios
from ml.hand.model import load_hand_model
from ml.methods.interface import load_method
from ml.methods.zhou2020 import shape_of_clip
from ml.networks.hand_batch import HandGuess

RIGHT = load_hand_model("open", "right")


def test_the_shape_of_a_clip_is_that_of_its_median_ratios():
    true = bone_ratios(RIGHT.rest_joints(torch.linspace(-1, 1, 10)))
    noisy = true + 0.02 * torch.randn(101, 20, generator=torch.Generator().manual_seed(0))
    noisy[:10] = 5.0  # frames in which the detection failed
    found = shape_of_clip(HandGuess(bone_ratios=noisy), None)
    assert found.shape == (1, 10)
    torch.testing.assert_close(found, shape_from_ratios(RIGHT, true), atol=0.5, rtol=0)


def test_independent_images_have_a_shape_each(two_hands):
    noise = np.random.default_rng(0).normal(0, 0.003, (2, 24, 21, 3)).astype(np.float32)
    tracks = tuple(replace(t, world=t.world + n) for t, n in zip(two_hands.keypoints.tracks, noise, strict=True))
    request = replace(two_hands, keypoints=replace(two_hands.keypoints, tracks=tracks))
    for independent, shapes in ((True, 24), (False, 1)):
        found = load_method("zhou2020").estimate(replace(request, independent=independent), lambda stage, fraction: None)
        assert len(np.unique(found.betas[found.track == 0], axis=0)) == shapes


def test_without_the_fit_the_hand_is_as_the_network_gives_it(two_hands):
    request = replace(two_hands, options={"fit": False})
    found = load_method("zhou2020").estimate(request, lambda stage, fraction: None)
    assert found.meta["fit"] is False
    for track in two_hands.keypoints.tracks:
        rows = found.rows(found.track == track.track)
        apart = (rows.joints - rows.joints[:, :1]) - (track.world - track.world[:, :1])
        assert np.linalg.norm(apart, axis=-1).mean() < 0.02

"""The four methods of Kong et al.: one shape where it is known, a fit that comes nearer, nothing where nothing is."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch

from ml.catalog import METHODS
from ml.clip import Clip
from ml.hand.camera import default_intrinsics, project
from ml.identity.weights import CARD, FOLDER
from ml.keypoints.tracks import Keypoints
from ml.methods.base import Request, UnsupportedModelError, load_method
from tests.workers.test_calibrate import FRAMES, seen_hand

NAMES = [name for name in METHODS if name.startswith("kong2022")]


def silent(stage: str, fraction: float) -> None:
    pass


@pytest.fixture
def request_for():
    def make(*tracks, **facts) -> Request:
        clip = cast(
            Clip, SimpleNamespace(fps=30.0, frame_count=FRAMES, width=320, height=240, path=SimpleNamespace(name="x.mp4"))
        )
        keypoints = Keypoints(tracks, FRAMES, 30.0, 320, 240)
        return Request(clip, keypoints, default_intrinsics(320, 240).astype(np.float32), **facts)

    return make


def test_four_are_registered():
    assert len(NAMES) == 4


@pytest.mark.parametrize("name", NAMES)
def test_every_detected_hand_has_a_row_with_everything(name, request_for):
    found = load_method(name).estimate(request_for(seen_hand(0, "left"), seen_hand(1, "right", seed=1)), silent)
    assert len(found) == 2 * FRAMES
    assert found.vertices is not None
    for array in (found.joints, found.vertices, found.pose, found.betas, found.translation):
        assert np.isfinite(array).all()
    assert (found.joints[..., 2] > 0.1).all()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_comes_of_nothing(name, request_for):
    assert len(load_method(name).estimate(request_for(), silent)) == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_given_shape_is_kept(name, request_for):
    betas = np.linspace(-1, 1, 10).astype(np.float32)
    found = load_method(name).estimate(request_for(seen_hand(0, "right"), betas={"right": betas}), silent)
    np.testing.assert_allclose(found.betas, np.tile(betas, (FRAMES, 1)), atol=1e-6)
    assert found.meta["shape"]["right"] == "given"


def test_the_identity_aware_ones_have_one_shape_a_hand_and_the_baseline_one_a_picture(request_for):
    request = request_for(seen_hand(0, "right"))
    shapes = {name: len(np.unique(load_method(name).estimate(request, silent).betas, axis=0)) for name in NAMES}
    assert shapes["kong2022-identity"] == shapes["kong2022-identity-opt"] == 1
    assert shapes["kong2022"] == FRAMES
    independent = replace(request, independent=True)
    assert len(np.unique(load_method("kong2022-identity").estimate(independent, silent).betas, axis=0)) == FRAMES


def test_the_fit_comes_nearer_to_the_joints(request_for):
    track = seen_hand(0, "right")
    request = request_for(track)

    def miss(name: str) -> float:
        joints = load_method(name).estimate(request, silent).joints
        pixels = project(torch.as_tensor(joints), torch.as_tensor(request.intrinsics)).numpy()
        return float(np.linalg.norm(pixels - track.joints_2d, axis=-1).mean())

    assert miss("kong2022-opt") < 0.8 * miss("kong2022")
    assert miss("kong2022-identity-opt") < 0.8 * miss("kong2022-identity")


def test_the_same_request_gives_the_same_prediction(request_for):
    request = request_for(seen_hand(0, "left"))
    for name in NAMES:
        first, second = (load_method(name).estimate(request, silent).joints for _ in range(2))
        assert (first == second).all()


def test_another_hand_model_is_refused(request_for):
    with pytest.raises(UnsupportedModelError, match="open hand, not of `mano`"):
        load_method("kong2022").estimate(request_for(hand_model="mano"), silent)


def test_the_card_describes_the_weights_that_are_shipped():
    import json  # noqa: PLC0415

    card = json.loads((FOLDER / CARD).read_text())
    assert all((FOLDER / name).exists() for name in card["models"].values())
    assert card["training_people"] > 1000
    assert card["validation"]["ra_mpjpe_identity_true_shape"] < card["validation"]["ra_mpjpe_baseline"]

"""The methods of Kong et al.: one shape where it is known, a fit that reduces the error, no rows without hands."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import pairwise
from types import SimpleNamespace
from typing import cast, get_args

import numpy as np
import pytest
import torch

from ml.catalog import METHODS
from ml.clip import Clip
from ml.formats.prediction import PredictionArrays
from ml.hand.camera import project
from ml.identity.inference import estimate_tracks
from ml.identity.track_batches import _images
from ml.identity.weights import Kind, card_file, load_models, weights_file
from ml.keypoints.tracks import HandTrack, Keypoints
from ml.methods.interface import Request, UnsupportedModelError, load_method
from ml.synthetic.clips import make_clip
from ml.synthetic.subjects import make_subject

FRAMES = 24
WIDTH, HEIGHT = 320, 240
NAMES = [name for name in METHODS if name.startswith("kong2022")]


def silent(stage: str, fraction: float) -> None:
    pass


class Rendered:
    """A clip of both hands of a test person, rendered, and its truth as a perfect detector sees it."""

    def __init__(self) -> None:
        made = make_clip(
            5, make_subject(0, "test", 0), seconds=FRAMES / 30, fps=30, width=WIDTH, height=HEIGHT,
            hands=("left", "right"), motion_blur=1,
        )  # fmt: skip
        self.images = list(made.frames())
        self.intrinsics = made.truth.intrinsics.astype(np.float32)
        self.truth = {hand.side: hand for hand in made.truth.hands}
        self.clip = cast(
            Clip,
            SimpleNamespace(
                fps=30.0, frame_count=FRAMES, width=WIDTH, height=HEIGHT,
                path=SimpleNamespace(name="x.mp4", exists=lambda: True),
                frames=lambda *, start=0, stop=None: iter(self.images[start:stop]),
            ),
        )  # fmt: skip

    def track(self, number: int, side) -> HandTrack:
        joints = self.truth[side].joints
        pixels = project(torch.as_tensor(joints), torch.as_tensor(self.intrinsics)).numpy()
        world = joints - joints.mean(1, keepdims=True)
        frames = np.arange(FRAMES, dtype=np.int32)
        return HandTrack(number, side, frames, pixels.astype(np.float32), world.astype(np.float32), np.ones(FRAMES, np.float32))


@pytest.fixture(scope="module")
def rendered():
    return Rendered()


@pytest.fixture
def seen_hand(rendered):
    return rendered.track


@pytest.fixture
def request_for(rendered):
    def make(*tracks, **facts) -> Request:
        keypoints = Keypoints(tracks, FRAMES, 30.0, WIDTH, HEIGHT)
        return Request(rendered.clip, keypoints, rendered.intrinsics, **facts)

    return make


@pytest.fixture(scope="module")
def of_right_hand(rendered) -> Callable[[str], PredictionArrays]:
    """What a method finds for the right hand alone, estimated once."""
    keypoints = Keypoints((rendered.track(0, "right"),), FRAMES, 30.0, WIDTH, HEIGHT)
    request = Request(rendered.clip, keypoints, rendered.intrinsics)
    return cache(lambda name: load_method(name).estimate(request, silent))


def test_the_catalogue_has_six_methods_of_kong2022():
    assert len(NAMES) == 6


@pytest.mark.parametrize("name", NAMES)
def test_every_detected_hand_has_a_row_with_everything(name, request_for, seen_hand):
    found = load_method(name).estimate(request_for(seen_hand(0, "left"), seen_hand(1, "right")), silent)
    assert len(found) == 2 * FRAMES
    assert found.vertices is not None
    for array in (found.joints, found.vertices, found.pose, found.betas, found.translation):
        assert np.isfinite(array).all()
    assert (found.joints[..., 2] > 0.1).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_clip_without_hands_gives_no_rows(name, request_for):
    assert len(load_method(name).estimate(request_for(), silent)) == 0


@pytest.mark.parametrize("name", NAMES)
def test_a_given_shape_is_kept(name, request_for, seen_hand):
    betas = np.linspace(-1, 1, 10).astype(np.float32)
    found = load_method(name).estimate(request_for(seen_hand(0, "right"), betas={"right": betas}), silent)
    np.testing.assert_allclose(found.betas, np.tile(betas, (FRAMES, 1)), atol=1e-6)
    assert found.meta["shape"]["right"] == "given"


def test_identity_aware_methods_have_one_shape_per_hand_and_the_baseline_one_per_image(request_for, seen_hand, of_right_hand):
    shapes = {name: len(np.unique(of_right_hand(name).betas, axis=0)) for name in NAMES}
    assert {name: count for name, count in shapes.items() if "identity" in name} == dict.fromkeys(
        (name for name in NAMES if "identity" in name), 1
    )
    assert shapes["kong2022"] == shapes["kong2022-image"] == FRAMES
    independent = replace(request_for(seen_hand(0, "right")), independent=True)
    assert len(np.unique(load_method("kong2022-identity").estimate(independent, silent).betas, axis=0)) == FRAMES


def test_the_fit_reduces_the_2d_error_and_with_the_true_shape_the_3d_error(request_for, seen_hand, rendered, of_right_hand):
    hand = rendered.truth["right"]

    def misses(joints: np.ndarray) -> tuple[float, float]:
        pixels, expected = (
            project(torch.as_tensor(j), torch.as_tensor(rendered.intrinsics)).numpy() for j in (joints, hand.joints)
        )
        apart = (joints - joints[:, :1]) - (hand.joints - hand.joints[:, :1])
        return float(np.linalg.norm(pixels - expected, axis=-1).mean()), float(np.linalg.norm(apart, axis=-1).mean())

    for name in ("kong2022", "kong2022-identity"):
        assert misses(of_right_hand(f"{name}-opt").joints)[0] < 0.9 * misses(of_right_hand(name).joints)[0]
    known = request_for(seen_hand(0, "right"), betas={"right": hand.betas})
    before, after = (
        misses(load_method(name).estimate(known, silent).joints) for name in ("kong2022-image", "kong2022-image-identity-opt")
    )
    assert after[0] < before[0]
    assert after[1] < before[1] < 0.02


@pytest.mark.parametrize("name", ["kong2022-opt", "kong2022-identity-opt"])
def test_fitted_meshes_reach_the_joints_that_were_detected(name, seen_hand, of_right_hand):
    track = seen_hand(0, "right")
    found = of_right_hand(name)
    miss = np.linalg.norm(project(found.joints, found.intrinsics) - track.joints_2d, axis=-1)
    assert (miss.mean(1) / np.ptp(track.joints_2d, axis=1).max(-1)).mean() < 0.02


@pytest.mark.parametrize("name", ["kong2022-opt", "kong2022-identity-opt"])
def test_without_the_clip_s_file_the_fit_follows_the_detector_alone(name, rendered, seen_hand, of_right_hand):
    gone = SimpleNamespace(**{**vars(rendered.clip), "path": SimpleNamespace(name="x.mp4", exists=lambda: False)})
    keypoints = Keypoints((seen_hand(0, "right"),), FRAMES, 30.0, WIDTH, HEIGHT)
    without = load_method(name).estimate(Request(cast(Clip, gone), keypoints, rendered.intrinsics), silent)
    seen = of_right_hand(name)
    assert (without.meta["evidence"], seen.meta["evidence"]) == (
        ["2D joints", "world landmarks", "landmark network"],
        ["2D joints", "world landmarks", "landmark network", "image network"],
    )
    assert np.abs(without.joints - seen.joints).max() > 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_no_mesh_is_huge_where_pose_and_image_contradict_each_other(name, request_for, seen_hand):
    """The world landmarks of another frame, mirrored: no pose fits both."""
    track = seen_hand(0, "right")
    wrong = replace(track, world=-track.world[::-1].copy())
    found = load_method(name).estimate(request_for(wrong), silent)
    assert found.vertices[..., 2].min() > 0.02
    size = np.ptp(project(found.vertices, found.intrinsics), axis=1).max(-1)
    assert (size < 2 * np.ptp(track.joints_2d, axis=1).max(-1)).all()


@pytest.mark.parametrize("side", ["left", "right"])
def test_hands_are_at_their_true_position(request_for, seen_hand, rendered, side):
    """Left ones too, which the networks see as right ones."""
    shape = {side: rendered.truth[side].betas}
    found = load_method("kong2022-image-identity-opt").estimate(request_for(seen_hand(0, side), betas=shape), silent)
    assert found.translation is not None
    apart = np.linalg.norm(found.joints.mean(1) - rendered.truth[side].joints.mean(1), axis=-1)
    assert np.median(apart) < 0.02


@pytest.mark.parametrize("backbone", get_args(Kind))
def test_tracks_give_the_same_result_together_and_alone(rendered, seen_hand, backbone):
    models, tracks = load_models(backbone), [seen_hand(0, "left"), seen_hand(1, "right")]
    together = estimate_tracks(models, rendered.clip, tracks, rendered.intrinsics)
    for track, (_, found) in zip(tracks, together, strict=True):
        some = replace(track, **{k: getattr(track, k)[5:9] for k in ("frames", "joints_2d", "world", "score")})
        ((_, alone),) = estimate_tracks(models, rendered.clip, [some], rendered.intrinsics)
        torch.testing.assert_close(alone.baseline, found.baseline[5:9], atol=2e-3, rtol=0)
        torch.testing.assert_close(alone.betas, found.betas[5:9], atol=2e-3, rtol=0)


@pytest.mark.parametrize("wanted", [[], [0], [3, 4, 9], [0, 40, 41, 90], list(range(100))])
def test_only_wanted_frames_are_read_with_seeks_over_long_gaps(wanted):
    starts = []

    def frames(*, start=0):
        starts.append(start)
        return iter(range(start, 100))

    clip = cast(Clip, SimpleNamespace(frames=frames))
    assert [(index, image) for index, image in _images(clip, wanted)] == [(w, w) for w in wanted]
    assert len(starts) <= 1 + sum(b - a > 30 for a, b in pairwise(wanted))


def test_the_same_request_gives_the_same_prediction(request_for, seen_hand, of_right_hand):
    request = request_for(seen_hand(0, "right"))
    for name in NAMES:
        assert (load_method(name).estimate(request, silent).joints == of_right_hand(name).joints).all()


def test_another_hand_model_is_refused(request_for):
    with pytest.raises(UnsupportedModelError, match="open hand, not of `mano`"):
        load_method("kong2022").estimate(request_for(hand_model="mano"), silent)


@pytest.mark.parametrize("backbone", get_args(Kind))
def test_the_card_describes_the_weights_that_are_shipped(backbone):
    card = json.loads(card_file(backbone).read_text())
    assert all(weights_file(backbone, part).name == name for part, name in card["models"].items())
    assert card["training_people"] > 1000
    assert card["validation"]["ra_mpjpe_identity_true_shape"] < card["validation"]["ra_mpjpe_baseline"]

"""What every method promises, on a synthetic clip seen through perfect keypoints."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from ml import catalog
from ml.formats.prediction import PredictionArrays
from ml.hand.camera import project
from ml.hand.model import load_hand_model
from ml.hand.skeleton import BONES
from ml.keypoints.tracks import Keypoints
from ml.methods.interface import Request, load_method
from ml.training.systems import trainings
from tests.ml.conftest import FRAMES

SYSTEMS = trainings()


def bone_sum(joints: np.ndarray) -> np.ndarray:
    """Sum of the bone lengths of joints [..., 21, 3]."""
    parents, children = zip(*BONES, strict=True)
    return np.linalg.norm(joints[..., children, :] - joints[..., parents, :], axis=-1).sum(-1)


@pytest.fixture(scope="module")
def request_(two_hands) -> Request:
    # there are no images for HMP's augmented views
    return replace(two_hands, options={"views": 0})


@pytest.fixture(scope="module", params=[name for name in catalog.METHODS if "image" not in name])  # those need images
def name(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def found(request_, name) -> PredictionArrays:
    return load_method(name).estimate(request_, lambda stage, fraction: None)


def test_rows_only_where_the_hand_was_seen_or_in_a_short_gap(found, name):
    expected = FRAMES if name != "hmp2024" else np.arange(FRAMES[0], FRAMES[-1] + 1)
    assert set(found.frame) == set(expected.tolist())
    assert len(found) == 2 * len(expected)
    assert (np.diff(found.frame) >= 0).all()


def test_it_is_close_to_the_truth(request_, found, name):
    # networks have learnt where the detector errs, and expect it to err here too
    near_px, near_m = (10.0, 0.025) if name.startswith("kong2022") or name in SYSTEMS else (4.0, 0.02)
    for track in request_.keypoints.tracks:
        rows = found.rows((found.track == track.track) & np.isin(found.frame, track.frames))
        miss = np.linalg.norm(project(rows.joints, rows.intrinsics) - track.joints_2d, axis=-1)
        assert np.median(miss) < near_px
        relative = rows.joints - rows.joints[:, :1]
        truth = track.world - track.world[:, :1]
        assert np.linalg.norm(relative - truth, axis=-1).mean() < near_m


def test_every_output_listed_in_the_catalogue_is_present(found, name):
    for output in catalog.METHODS[name].outputs:
        assert getattr(found, output) is not None
        assert np.isfinite(getattr(found, output)).all()
    assert found.meta["method"] == name


def test_a_clip_has_one_shape_per_hand_unless_the_method_estimates_one_per_image(found, name):
    shapes = len(FRAMES) if name in ("kong2022", "kong2022-opt", "boukhayma2019") else 1
    for track in (0, 1):
        if "betas" in catalog.METHODS[name].outputs:
            assert len(np.unique(found.betas[found.track == track], axis=0)) == shapes
        else:
            assert found.betas is None


def test_a_given_shape_is_kept_exactly(request_, name):
    betas = np.linspace(-1, 1, 10, dtype=np.float32)
    known = replace(request_, betas={"left": betas, "right": betas})
    found = load_method(name).estimate(known, lambda stage, fraction: None)
    if "betas" in catalog.METHODS[name].outputs:
        assert (found.betas == betas).all()
    else:  # a mesh has the size of the given hand
        rest = load_hand_model("open", "right").rest_joints(torch.as_tensor(betas))[0].numpy()
        np.testing.assert_allclose(bone_sum(found.joints), bone_sum(rest), rtol=1e-4)
    assert found.meta["shape"] == {"left": "given", "right": "given"}


def test_hands_that_would_be_too_near_lengthen_an_assumed_focal_length_and_keep_a_given_one(request_, name):
    near = replace(request_, intrinsics=request_.intrinsics / np.array([[3], [3], [1]], np.float32))
    near.intrinsics[:2, 2] = request_.intrinsics[:2, 2]
    for known, source in ((False, "hand distance"), (True, "given")):
        found = load_method(name).estimate(replace(near, intrinsics_known=known), lambda stage, fraction: None)
        assert found.meta["focal_length"] == {"px": pytest.approx(float(found.intrinsics[0, 0])), "source": source}
        assert (found.intrinsics[0, 0] > near.intrinsics[0, 0]) == (not known)


def test_the_same_request_gives_the_same_result(request_, found, name):
    again = load_method(name).estimate(request_, lambda stage, fraction: None)
    assert np.array_equal(again.joints, found.joints)


def test_no_hands_give_no_rows(request_, name):
    nobody = Request(request_.clip, Keypoints((), 40, 30.0, 640, 480), request_.intrinsics)
    assert len(load_method(name).estimate(nobody, lambda stage, fraction: None)) == 0


def test_an_exception_of_the_progress_callback_stops_the_method(request_, name):
    class StopError(Exception):
        pass

    def report(stage: str, fraction: float) -> None:
        raise StopError

    with pytest.raises(StopError):
        load_method(name).estimate(request_, report)


def test_the_error_for_an_unknown_method_lists_the_available_ones():
    with pytest.raises(KeyError, match="2d-fit"):
        load_method("nonsense")

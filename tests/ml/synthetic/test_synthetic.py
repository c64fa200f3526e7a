"""Synthetic people, motion and images: repeatable, within limits, true."""

import json

import numpy as np
import pytest
import torch

from ml.clip import open_clip
from ml.formats.prediction import PredictionArrays
from ml.hand.camera import project
from ml.hand.joint_limits import LIMITS
from ml.hand.model import load_hand_model
from ml.keypoints.detector import detect
from ml.synthetic import benchmark
from ml.synthetic.benchmark import plan, render_benchmark
from ml.synthetic.clips import Look, make_clip, write_clip
from ml.synthetic.demo_clips import write_demo_clips
from ml.synthetic.hand_motion import ACTIVITIES, ALL_ACTIVITIES, joint_motion
from ml.synthetic.subjects import SPLITS, make_subject

SMALL = {"seconds": 0.5, "fps": 10, "width": 128, "height": 128}


def test_subjects_of_all_splits_are_different_people():
    subjects = [make_subject(0, split, k) for split in SPLITS for k in range(20)]
    assert len({s.name for s in subjects}) == 60
    assert len({s.betas.tobytes() for s in subjects}) == 60
    np.testing.assert_array_equal(make_subject(0, "test", 3).betas, make_subject(0, "test", 3).betas)
    assert not np.array_equal(make_subject(1, "test", 3).betas, make_subject(0, "test", 3).betas)


@pytest.mark.parametrize("activity", ALL_ACTIVITIES)
def test_motion_is_smooth_and_within_the_limits(activity):
    angles = joint_motion(np.random.default_rng(0), activity, np.arange(240) / 60)
    assert (angles >= LIMITS[..., 0] - 1e-12).all()
    assert (angles <= LIMITS[..., 1] + 1e-12).all()
    assert np.ptp(angles[:, :, 1], axis=0).max() > np.radians(15)
    step = np.abs(np.diff(angles, axis=0)).max()
    assert step < np.radians(25), "a joint jumps"


def test_the_same_seed_draws_the_same_clip_and_another_does_not():
    subject = make_subject(0, "test", 0)
    first, again, other = (list(make_clip(seed, subject, occluders=1, **SMALL).frames()) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first[0].shape == (128, 128, 3)
    assert first[0].dtype == np.uint8


def test_the_truth_matches_the_hand_model_and_the_rendered_mask():
    bare = Look(dressed=False)
    clip = make_clip(3, make_subject(0, "test", 1), hands=("right", "left"), look=bare, **SMALL | {"width": 320, "height": 240})
    views = list(clip.views())
    truth = clip.truth
    for number, hand in enumerate(truth.hands):
        model = load_hand_model("open", hand.side)
        output = model(*(torch.as_tensor(x) for x in (hand.pose, hand.betas, hand.translation)))
        np.testing.assert_allclose(output.joints, hand.joints, atol=1e-6)
        for index, view in enumerate(views):
            y, x = np.nonzero(view.body == number)
            outline = project(hand.vertices[index], truth.intrinsics)
            assert abs(x.min() - outline[:, 0].min()) < 2
            assert abs(x.max() + 1 - outline[:, 0].max()) < 2
            assert abs(y.min() - outline[:, 1].min()) < 2, "the fingertips; at the wrist the forearm goes on"
            assert np.abs(view.depth[y, x].min() - hand.vertices[index, :, 2].min()) < 0.003
        assert 0.3 < hand.visible.mean() <= 1
    right, left = truth.hands
    assert right.joints[0, 0, 0] > left.joints[0, 0, 0]


def test_a_thing_in_front_hides_joints():
    subject = make_subject(0, "test", 0)
    clear, hard = (make_clip(9, subject, activities=("reach",), occluders=n, **SMALL) for n in (0, 6))
    for clip in (clear, hard):
        assert len(list(clip.views())) == 5
    assert hard.truth.hands[0].visible.mean() < clear.truth.hands[0].visible.mean() - 0.1
    np.testing.assert_array_equal(hard.truth.hands[0].joints, clear.truth.hands[0].joints)


def test_motion_blur_changes_only_moving_parts():
    subject = make_subject(0, "test", 0)
    sharp, soft = (next(make_clip(2, subject, motion_blur=n, **SMALL).views()) for n in (1, 4))
    still = sharp.body < 0
    still &= np.abs(sharp.linear - soft.linear).max(-1) == 0
    assert still.mean() > 0.5
    assert np.abs(sharp.linear - soft.linear).max() > 0


def test_written_clip_reads_back(tmp_path):
    clip = make_clip(1, make_subject(0, "test", 0), hands=("left", "right"), sequence="s", **SMALL)
    write_clip(clip, tmp_path)
    prediction = PredictionArrays.load(tmp_path / "truth.npz")
    assert len(prediction) == 10
    assert prediction.meta["sequence"] == "s"
    np.testing.assert_array_equal(prediction.side, [0, 1] * 5)
    np.testing.assert_array_equal(prediction.joints[3], clip.truth.hands[1].joints[1])
    with np.load(tmp_path / "extra.npz", allow_pickle=False) as extra:
        assert extra["visible"].shape == (10, 21)
        masks = np.unpackbits(extra["masks"], axis=2, count=128)
        np.testing.assert_array_equal(masks.sum((1, 2)), extra["area"])
        assert extra["area"].min() > 100
        assert json.loads(str(extra["header"]))["seed"] == 1
    video = open_clip(tmp_path / "video.mp4")
    assert (video.frame_count, video.width, video.height, video.fps) == (5, 128, 128, 10)


def test_mediapipe_finds_the_demonstrations_hands_where_they_are(tmp_path):
    for name, folder in write_demo_clips(tmp_path, seconds=1.0).items():
        clip = open_clip(folder / "video.mp4")
        truth = PredictionArrays.load(folder / "truth.npz")
        tracks = detect(clip).tracks
        sides = {"ada": ["left", "right"], "ben": ["right"]}[name]
        assert sorted(t.side for t in tracks) == sides
        for track in tracks:
            assert len(track.frames) >= 28
            mine = truth.side == (track.side == "right")
            expected = project(truth.joints[mine], truth.intrinsics)[track.frames]
            assert np.median(np.linalg.norm(expected - track.joints_2d, axis=-1)) < 12


def test_benchmark_plan_is_repeatable_and_disjoint():
    sequences = plan(7, "full", SPLITS)
    assert sequences == plan(7, "full", SPLITS)
    assert len({s.name for s in sequences}) == len(sequences) == len({s.seed for s in sequences})
    assert not {s.seed for s in sequences} & {s.seed for s in plan(8, "full", SPLITS)}
    tests = [s for s in sequences if s.split == "test"]
    assert {s.activity for s in tests} == set(ACTIVITIES)
    assert {s.side for s in tests} == {"left", "right"}
    assert sum(s.subset == "occluded" for s in tests) == len(tests) // 2


def test_benchmark_is_written_with_its_index(tmp_path, monkeypatch):
    monkeypatch.setitem(benchmark._SECONDS, "small", 0.2)
    index = json.loads(render_benchmark(tmp_path, seed=1, size="small").read_text())
    assert index["name"] == "palmares-synth"
    assert index["seed"] == 1
    for entry in index["sequences"]:
        truth = PredictionArrays.load(tmp_path / entry["folder"] / "truth.npz")
        assert entry["frames"] == truth.meta["frame_count"] == 6
        assert truth.meta["subject"].startswith("test-")
        assert open_clip(tmp_path / entry["folder"] / "video.mp4").frame_count == 6
    assert {"clear", "occluded"} <= {subset for entry in index["sequences"] for subset in entry["subsets"]}

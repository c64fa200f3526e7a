"""The survey's tables: rows, errors of the truth, questions of the last slide, and the report of what was measured."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ml.catalog import METHODS
from ml.clip import Clip
from ml.formats.prediction import PredictionArrays
from ml.keypoints.tracks import Keypoints
from ml.methods.interface import Request
from ml.training import hmp_tables, next_steps
from ml.training.speed_plot import speed_plot
from ml.training.survey_report import report
from ml.training.survey_tables import ClipErrors, method_rows

RESULTS = Path("docs/results")


def hands(joints: np.ndarray, sides: list[int]) -> PredictionArrays:
    """One hand a row, frame by frame in pairs."""
    count = len(joints)
    return PredictionArrays(
        frame=np.arange(count, dtype=np.int32) // 2,
        side=np.array(sides, np.uint8),
        track=np.array(sides, np.int32),
        score=np.ones(count, np.float32),
        joints=joints.astype(np.float32),
        intrinsics=np.array([[500, 0, 320], [0, 500, 240], [0, 0, 1]], np.float32),
    )


def test_every_method_and_every_alternative_input_has_a_row():
    names = [row.name for row in method_rows()]
    assert set(METHODS) <= set(names)
    assert len(set(names)) == len(names)
    for name, entry in METHODS.items():
        for option in entry.options:
            if option.name == "input":
                assert {f"{name}/{value}" for value in option.choices[1:]} <= set(names)


def test_a_moved_and_scaled_truth_has_errors_only_under_root_alignment(tmp_path):
    truth = np.random.default_rng(0).normal(0, 0.03, (4, 21, 3)) + np.array([0, 0, 0.6])
    arrays = hands(truth, [0, 1, 0, 1])
    video = Clip(tmp_path, "video", fps=30.0, frame_count=4, width=640, height=480)
    request = Request(video, Keypoints((), 4, 30.0, 640, 480), np.eye(3))
    clip = hmp_tables.TestClip(request, arrays, np.ones((4, 21), bool))
    frames = np.arange(4)
    same = ClipErrors.of(frames, arrays.joints, clip)
    assert same.root.max() == pytest.approx(0, abs=1e-6)
    assert same.auc.min() == 1
    larger = ClipErrors.of(frames, arrays.joints * 2 + 0.1, clip)
    assert larger.aligned.max() == pytest.approx(0, abs=1e-3)
    assert larger.root.min() > 10


def test_numbers_of_hidden_joints_fall_into_the_right_categories():
    visible = np.ones((4, 21), bool)
    for frame, hidden in enumerate((0, 3, 8, 12)):
        visible[frame, :hidden] = False
    assert next_steps.hidden_shares(visible).tolist() == [0, 1, 2, 3]


def test_the_relative_place_of_two_hands_is_compared_where_both_are_there():
    joints = np.zeros((4, 21, 3))
    joints[1::2, :, 0] = 0.3
    truth = hands(joints, [0, 1, 0, 1])
    moved = joints + np.array([0.5, 0, 0])
    moved[1, :, 2] += 0.05
    errors = next_steps._relative_errors(hands(moved, [0, 1, 0, 1]), truth)
    assert errors == pytest.approx([50, 0], abs=1e-3)
    assert len(next_steps._relative_errors(hands(moved, [0, 0, 0, 0]), truth)) == 0


def test_the_committed_report_and_plot_are_those_of_the_committed_values():
    found = json.loads((RESULTS / "survey.json").read_text())
    assert report(found) == (RESULTS / "survey.md").read_text()
    assert speed_plot(found) == (RESULTS / "survey.svg").read_text()

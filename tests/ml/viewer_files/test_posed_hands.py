"""Hands sent to the viewer as parameters: which are, what they take, and a fixture that the browser's code is compared with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ml.formats.prediction import PredictionArrays
from ml.hand.model import load_hand_model
from ml.hand.open_model import load_open_hand
from ml.hand.skeleton import SIDES
from ml.viewer_files.posed_hands import PARAMETERS, encode_model
from ml.viewer_files.viewer_track import write_track
from tests.ml.viewer_files.test_viewer_track import decode_floats, unzipped

FIXTURE = Path(__file__).parents[3] / "frontend" / "viewer" / "fixtures" / "posed"
FACES = {side: load_open_hand(side).faces for side in SIDES}


def posed(frames: int, *, seed: int = 0, noise: float = 0.3) -> PredictionArrays:
    """Both hands in random poses and shapes (the left one's shape changes), as methods write them."""
    rng = np.random.default_rng(seed)
    frame, side = np.repeat(np.arange(frames), 2), np.tile([0, 1], frames)
    pose = rng.normal(0, noise, (2 * frames, 16, 3)).astype(np.float32)
    betas = rng.normal(0, 1.5, (2 * frames, 10)).astype(np.float32)
    betas[1::2] = betas[1]
    translation = (rng.normal(0, 0.1, (2 * frames, 3)) + np.array([0, 0, 0.5])).astype(np.float32)
    joints, vertices = np.zeros((2 * frames, 21, 3), np.float32), np.zeros((2 * frames, 1620, 3), np.float32)
    for number, name in enumerate(SIDES):
        rows = side == number
        made = load_hand_model("open", name)(*(torch.from_numpy(each[rows]) for each in (pose, betas, translation)))
        joints[rows], vertices[rows] = made.joints.numpy(), made.vertices.numpy()
    meta = {"fps": 30, "frame_count": frames, "width": 640, "height": 480, "method": "test", "hand_model": "open"}
    return PredictionArrays(
        frame, side, side, np.ones(2 * frames), joints, vertices, pose=pose, betas=betas, translation=translation, meta=meta
    )


def entries(source: PredictionArrays, folder: Path) -> list[dict]:
    write_track(source, FACES, folder)
    hands: list[dict] = json.loads((folder / "track.json").read_text())["hands"]
    return hands


def test_parameters_of_a_posed_hand_are_stored_bit_exactly(tmp_path):
    source = posed(70)
    for hand in entries(source, tmp_path):
        rows = source.rows(source.side == SIDES.index(hand["side"]))
        kept = np.concatenate([decode_floats(unzipped(tmp_path, c["file"]), c["rows"], PARAMETERS) for c in hand["chunks"]])
        wanted = np.concatenate([rows.pose.reshape(-1, 48), rows.translation, rows.betas], 1)
        np.testing.assert_array_equal(kept, wanted)
        assert hand["model"]["mirrored"] == (hand["side"] == "left")


def test_a_frame_of_a_hand_takes_at_most_1_kb(tmp_path):
    for hand in entries(posed(120), tmp_path):
        assert sum(chunk["bytes"] for chunk in hand["chunks"]) / 120 <= 1000


def test_both_hands_have_one_file_of_the_model_which_is_small(tmp_path):
    models = [hand["model"] for hand in entries(posed(2), tmp_path)]
    assert models[0]["file"] == models[1]["file"]
    assert models[0]["bytes"] < 100_000


def _moved(source: PredictionArrays) -> PredictionArrays:
    vertices = source.vertices.copy()
    vertices[1, 700] += 2e-4
    return replace(source, vertices=vertices)


@pytest.mark.parametrize(
    "change",
    [
        _moved,
        lambda p: replace(p, pose=np.where(p.frame[:, None, None] == 1, np.nan, p.pose)),
        lambda p: replace(p, betas=None),
        lambda p: replace(p, translation=p.translation + np.float32(3e-4)),
        lambda p: replace(p, meta={**p.meta, "hand_model": "mano"}),
    ],
    ids=["a vertex elsewhere", "NaN", "no shape", "moved", "another model"],
)
def test_other_meshes_are_sent_vertex_by_vertex(tmp_path, change):
    hands = entries(change(posed(3)), tmp_path)
    right = next(hand for hand in hands if hand["side"] == "right")
    assert "model" not in right
    assert len(unzipped(tmp_path, right["chunks"][0]["file"])) == 2 * 3 * 1620 * 3


def test_whether_a_hand_is_sent_as_parameters_is_decided_for_each_hand(tmp_path):
    left, right = entries(_moved(posed(3)), tmp_path)
    assert "model" in left
    assert "model" not in right


def test_the_model_file_is_the_model_to_a_hundredth_of_a_millimetre():
    hand = load_open_hand("right")
    data, steps = encode_model(hand)
    size = 11 * 1620 * 3
    points = np.frombuffer(data, "<i2", size, 11 * 48 * 4).reshape(11, 1620, 3) * np.array(steps)[:, None, None]
    for betas in np.random.default_rng(0).uniform(-3, 3, (20, 10)):
        shaped = points[0] + np.einsum("k,kvx->vx", betas, points[1:])
        assert np.abs(shaped - hand.template - hand.shape_directions @ betas).max() < 1e-5
    weights = np.frombuffer(data, "<u2", 1620 * 4, 11 * 48 * 4 + 2 * size).reshape(1620, 4)
    assert (weights.sum(1, dtype=int) == 65535).all()


def test_a_model_that_the_viewer_cannot_pose_is_refused():
    hand = load_open_hand("right")
    for other in (
        replace(hand, pose_directions=hand.pose_directions + 1e-3),
        replace(hand, weights=np.full_like(hand.weights, 1 / 16)),
        hand.mirrored(),
    ):
        with pytest.raises(ValueError, match="right hand of at most four joints a vertex, without pose correctives"):
            encode_model(other)


def test_the_fixture_that_typescript_reads_is_what_python_writes(tmp_path):
    """`frontend/viewer/posed-hand.test.ts` poses this folder's hands and compares them with `vertices.bin`.

    After a change of the format: `write_fixture(FIXTURE)`.
    """
    write_fixture(tmp_path)
    headers = [json.loads((folder / "track.json").read_text()) for folder in (FIXTURE, tmp_path)]
    boxes = [header.pop("box") for header in headers]
    assert headers[0] == headers[1]
    assert boxes[0]["min"] == pytest.approx(boxes[1]["min"], abs=1e-6)
    kept, made = (np.fromfile(folder / "vertices.bin", "<f4") for folder in (FIXTURE, tmp_path))
    np.testing.assert_allclose(kept, made, atol=1e-6)


def write_fixture(folder: Path) -> None:
    """A track of two frames of both hands, and the server's vertices: float32 [left, right][2][1620][3]."""
    source = posed(2, seed=5, noise=0.6)
    source = replace(source, joints=np.zeros_like(source.joints))  # their last bits differ between processors
    write_track(source, FACES, folder)
    np.concatenate([source.vertices[source.side == side] for side in (0, 1)]).astype("<f4").tofile(folder / "vertices.bin")

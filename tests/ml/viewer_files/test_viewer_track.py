"""The track format: quantised within half a step, small on the wire, gaps kept, and the same on both sides."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.formats.prediction import PredictionArrays, PredictionError
from ml.viewer_files.viewer_track import CHUNK_FRAMES, _encode, _ranges, write_track

FIXTURE = Path(__file__).parents[3] / "frontend" / "viewer" / "fixtures" / "track"


@dataclass(frozen=True)
class DecodedHand:
    """One hand: `frames` int32 [n], `vertices` float32 [n, V, 3] and `joints` [n, 21, 3] (m), `faces` int64 [F, 3].

    `certainty` [2, n, 21] (half mm, and whether seen), where there is one.
    """

    track: int
    side: str
    frames: np.ndarray
    vertices: np.ndarray
    faces: np.ndarray
    joints: np.ndarray
    certainty: np.ndarray | None


def read_track(folder: Path) -> tuple[dict[str, Any], list[DecodedHand]]:
    """What a viewer reads: the header, and every hand in full."""
    header = json.loads((folder / "track.json").read_text(encoding="utf-8"))
    low, high = (np.array(header["box"][end], np.float64) for end in ("min", "max"))
    hands = []
    for entry in header["hands"]:
        faces = np.zeros(0, np.uint16)
        if entry["faces"]:
            kind = np.dtype(entry["faces"]["type"]).newbyteorder("<")
            faces = np.frombuffer(unzipped(folder, entry["faces"]["file"]), kind)
        frames = np.concatenate([np.arange(first, last + 1, dtype=np.int32) for first, last in entry["present"]])
        rows = [decode(unzipped(folder, c["file"]), c["rows"], entry["vertex_count"]) for c in entry["chunks"]]
        stored = np.concatenate([np.zeros((0, entry["vertex_count"], 3)), *rows])
        vertices = ((low + high) / 2 + stored * ((high - low) / 65534)).astype(np.float32)
        joints = decode_floats(unzipped(folder, entry["joints"]["file"]), len(frames), 21, 3)
        triangles = faces.reshape(-1, 3).astype(np.int64)
        certainty = None
        if "certainty" in entry:
            planes = np.frombuffer(unzipped(folder, entry["certainty"]["file"]), np.uint8).reshape(2, len(frames), 21)
            certainty = np.cumsum(planes, axis=1, dtype=np.uint8)
        hands.append(DecodedHand(entry["track"], entry["side"], frames, vertices, triangles, joints, certainty))
    return header, hands


def unzipped(folder: Path, name: str) -> bytes:
    return gzip.decompress((folder / "track" / name).read_bytes())


def decode(data: bytes, rows: int, vertex_count: int) -> np.ndarray:
    """The inverse of `_encode`: int16 [rows, V, 3]."""
    planes = np.frombuffer(data, np.uint8).reshape(2, rows, vertex_count, 3).astype(np.uint16)
    return np.cumsum(planes[0] | planes[1] << 8, axis=0, dtype=np.uint16).view(np.int16)


def decode_floats(data: bytes, rows: int, *shape: int) -> np.ndarray:
    """The inverse of `_encode_floats`: float32 [rows, …]."""
    planes = np.frombuffer(data, np.uint8).reshape(4, rows, *shape)
    differences = np.ascontiguousarray(np.moveaxis(planes, 0, -1)).view("<u4")[..., 0]
    return np.cumsum(differences, axis=0, dtype=np.uint32).view(np.float32)


def prediction(hands: dict[int, tuple[int, np.ndarray]], *, vertex_count: int = 30, seed: int = 0, **meta) -> PredictionArrays:
    """`hands`: track → (side, frames). A smooth random motion of a random cloud about half a metre away."""
    rng = np.random.default_rng(seed)
    frame = np.concatenate([np.zeros(0, int), *(f for _, f in hands.values())])
    side = np.concatenate([np.zeros(0, int), *(np.full(len(f), s) for s, f in hands.values())])
    track = np.concatenate([np.zeros(0, int), *(np.full(len(f), t) for t, (_, f) in hands.items())])
    cloud = rng.normal(0, 0.05, (2, vertex_count, 3))
    sway = 0.1 * np.sin(frame[:, None] * rng.uniform(0.02, 0.1, 3) + track[:, None]) + [0, 0, 0.5]
    vertices = cloud[side] + sway[:, None] + rng.normal(0, 3e-4, (len(frame), vertex_count, 3))
    joints = vertices[:, np.arange(21) % vertex_count]
    meta = {"fps": 30, "frame_count": 150, "width": 640, "height": 480, "method": "test", "hand_model": "open"} | meta
    return PredictionArrays(frame, side, track, np.ones(len(frame)), joints, vertices, meta=meta)


def faces(vertex_count: int = 30) -> dict[str, np.ndarray]:
    ring = np.stack([np.arange(vertex_count) + k for k in range(3)], 1) % vertex_count
    return {"left": ring[:, ::-1], "right": ring}


def test_vertices_are_decoded_within_half_a_quantisation_step(tmp_path):
    source = prediction({0: (1, np.arange(150)), 3: (0, np.arange(20, 130))})
    write_track(source, faces(), tmp_path)
    header, hands = read_track(tmp_path)
    box = np.array(header["box"]["max"]) - header["box"]["min"]
    assert [(h.track, h.side) for h in hands] == [(0, "right"), (3, "left")]
    for hand in hands:
        rows = source.rows(source.track == hand.track)
        np.testing.assert_array_equal(hand.frames, rows.frame)
        np.testing.assert_array_equal(hand.faces, faces()[hand.side])
        assert (np.abs(hand.vertices - rows.vertices).max(axis=(0, 1)) <= box / 65534).all()
    assert box.max() / 65534 < 15e-6


def test_joints_are_decoded_bit_exactly(tmp_path):
    source = prediction({0: (1, np.arange(70)), 3: (0, np.r_[3:9, 20:30])})
    write_track(source, faces(), tmp_path)
    _, hands = read_track(tmp_path)
    for hand in hands:
        np.testing.assert_array_equal(hand.joints, source.joints[source.track == hand.track])


def test_joint_uncertainties_are_decoded_within_half_a_millimetre(tmp_path):
    rng = np.random.default_rng(3)
    source = prediction({0: (1, np.arange(70)), 3: (0, np.r_[3:9, 20:30])})
    std = rng.uniform(0, 0.12, (len(source), 21)).astype(np.float32)
    std[5, :2] = [0.4, np.inf]
    visible = rng.integers(0, 2, (len(source), 21)).astype(np.uint8)
    write_track(replace(source, joint_std=std, visible=visible), faces(), tmp_path)
    for hand in read_track(tmp_path)[1]:
        own = source.track == hand.track
        np.testing.assert_allclose(hand.certainty[0] / 2000, np.minimum(std[own], 0.1275), atol=0.00026)
        np.testing.assert_array_equal(hand.certainty[1], visible[own])


@pytest.mark.parametrize(("told", "expected"), [("joint_std", (20, 1)), ("visible", (0, 0))])
def test_missing_uncertainty_is_written_as_zero_and_missing_visibility_as_seen(tmp_path, told, expected):
    source = prediction({0: (1, np.arange(5))})
    values = {"joint_std": np.full((5, 21), 0.01, np.float32), "visible": np.zeros((5, 21), np.uint8)}
    write_track(replace(source, **{told: values[told]}), faces(), tmp_path)
    (hand,) = read_track(tmp_path)[1]
    assert [(plane == value).all() for plane, value in zip(hand.certainty, expected, strict=True)] == [True, True]


def test_a_track_of_a_prediction_without_certainty_has_none(tmp_path):
    write_track(prediction({0: (1, np.arange(5))}), faces(), tmp_path)
    assert "certainty" not in read_track(tmp_path)[0]["hands"][0]


def test_joints_without_meshes_are_a_track_of_joints(tmp_path):
    source = replace(prediction({0: (1, np.r_[3:9, 20:30])}), vertices=None)
    write_track(source, {}, tmp_path)
    header, (hand,) = read_track(tmp_path)
    (entry,) = header["hands"]
    assert (entry["vertex_count"], entry["faces"], entry["chunks"]) == (0, None, [])
    np.testing.assert_array_equal(hand.joints, source.joints)
    assert (source.joints.reshape(-1, 3) >= header["box"]["min"]).all()
    assert (source.joints.reshape(-1, 3) <= header["box"]["max"]).all()


def test_the_skin_keeps_the_four_largest_weights_of_each_vertex(tmp_path):
    weights = np.zeros((30, 21))
    weights[:, [7, 2, 9, 4, 11]] = [0.4, 0.3, 0.15, 0.1, 0.05]
    weights[0] = np.eye(21)[20]
    write_track(prediction({0: (1, np.arange(5))}), faces(), tmp_path, skin={"right": weights})
    (entry,) = read_track(tmp_path)[0]["hands"]
    joints, parts = np.frombuffer(unzipped(tmp_path, entry["skin"]["file"]), np.uint8).reshape(2, 30, 4)
    assert (parts.sum(1) == 255).all()
    assert (joints[0, 0], parts[0, 0]) == (20, 255)
    np.testing.assert_array_equal(joints[1:], np.tile([7, 2, 9, 4], (29, 1)))
    np.testing.assert_allclose(parts[1:], np.tile(255 * np.array([0.4, 0.3, 0.15, 0.1]) / 0.95, (29, 1)), atol=4)


def test_gaps_stay_gaps_and_empty_stretches_have_no_chunk(tmp_path):
    seen = np.r_[3:6, 9, 130:150]
    write_track(prediction({7: (0, seen)}), faces(), tmp_path)
    header, (hand,) = read_track(tmp_path)
    (entry,) = header["hands"]
    assert entry["present"] == [[3, 5], [9, 9], [130, 149]]
    assert [(c["first"], c["rows"]) for c in entry["chunks"]] == [(0, 4), (2 * CHUNK_FRAMES, 20)]
    np.testing.assert_array_equal(hand.frames, seen)


def test_rows_in_any_order_are_sorted_by_frame(tmp_path):
    source = prediction({0: (1, np.arange(40))})
    shuffled = source.rows(np.random.default_rng(1).permutation(40))
    write_track(shuffled, faces(), tmp_path)
    _, (hand,) = read_track(tmp_path)
    assert np.abs(hand.vertices - source.vertices).max() < 2e-5


def test_files_are_named_by_their_content_and_listed_with_their_size(tmp_path):
    for folder in ("a", "b"):
        write_track(prediction({0: (1, np.arange(70))}), faces(), tmp_path / folder)
    names = [sorted(p.name for p in (tmp_path / f / "track").iterdir()) for f in ("a", "b")]
    assert names[0] == names[1]
    chunks = json.loads((tmp_path / "a" / "track.json").read_text())["hands"][0]["chunks"]
    assert all((tmp_path / "a" / "track" / c["file"]).stat().st_size == c["bytes"] for c in chunks)


def test_the_open_hand_takes_at_most_9_8_kb_a_frame(tmp_path):
    write_track(prediction({0: (1, np.arange(150))}, vertex_count=1620), faces(1620), tmp_path)
    header, _ = read_track(tmp_path)
    assert sum(c["bytes"] for c in header["hands"][0]["chunks"]) / 150 <= 9800


def test_a_prediction_without_hands_is_a_track_without_hands(tmp_path):
    write_track(prediction({}), {}, tmp_path)
    header, hands = read_track(tmp_path)
    assert hands == []
    assert (header["frame_count"], header["width"]) == (150, 640)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            lambda p: replace(p, vertices=p.vertices * np.nan),
            "frame 0 .* not finite",
        ),
        (lambda p: p.rows(np.r_[0:5, 4]), "frame 4 occurs twice for hand 0"),
        (
            lambda p: replace(p, frame=p.frame + 900),
            "expected 0 … 149",
        ),
        (lambda p: replace(p, meta={}), "no `fps`"),
        (
            lambda p: replace(p, side=p.side * 0),
            "no faces for the left",
        ),
        (
            lambda p: replace(p, vertices=p.vertices[:, :9]),
            "expected 0 … 8",
        ),
    ],
)
def test_what_cannot_be_shown_is_refused_with_a_reason(tmp_path, change, says):
    right_only = {"right": faces()["right"]}
    with pytest.raises(PredictionError, match=says):
        write_track(change(prediction({0: (1, np.arange(10))})), right_only, tmp_path)


@settings(max_examples=25, derandomize=True, deadline=None)
@given(st.integers(1, 7), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_encoding_is_lossless_for_any_int16(rows, vertex_count, seed):
    positions = np.random.default_rng(seed).integers(-32768, 32768, (rows, vertex_count, 3)).astype(np.int16)
    np.testing.assert_array_equal(decode(_encode(positions), rows, vertex_count), positions)


@settings(max_examples=25, derandomize=True, deadline=None)
@given(st.sets(st.integers(0, 200), min_size=1))
def test_ranges_hold_exactly_the_frames(seen):
    frames = np.array(sorted(seen))
    ranges = _ranges(frames)
    assert [f for a, b in ranges for f in range(a, b + 1)] == frames.tolist()
    assert all(b + 1 < c for (_, b), (c, _) in pairwise(ranges))


def test_the_fixture_that_typescript_reads_is_what_python_writes(tmp_path):
    """`frontend/viewer/viewer-track.test.ts` decodes this folder and compares with `expected.json`.

    After a change of the format: `write_fixture(FIXTURE)`.
    """
    write_fixture(tmp_path)
    for kept in (FIXTURE / "track.json", FIXTURE / "expected.json"):
        assert json.loads(kept.read_text()) == json.loads((tmp_path / kept.name).read_text()), f"{kept} is out of step"
    _, hands = read_track(FIXTURE)
    expected = json.loads((FIXTURE / "expected.json").read_text())
    for hand, want in zip(hands, expected, strict=True):
        np.testing.assert_allclose(hand.vertices[-1].ravel(), want["last"], atol=1e-7)


def write_fixture(folder: Path) -> None:
    source = prediction({0: (1, np.arange(0, 130)), 1: (0, np.r_[5:64, 70:100])}, vertex_count=24)
    weights = np.eye(21)[np.arange(24) % 21] * 0.8 + 0.2 / 21
    rng = np.random.default_rng(1)
    std = rng.uniform(0, 0.05, (len(source), 21)).astype(np.float32)
    visible = rng.integers(0, 2, (len(source), 21)).astype(np.uint8)
    source = replace(source, joint_std=std, visible=visible)
    write_track(source, faces(24), folder, skin={"right": weights, "left": weights})
    _, hands = read_track(folder)
    expected = [
        {
            "side": hand.side,
            "frames": hand.frames.tolist(),
            "faces": hand.faces.ravel().tolist(),
            "first": hand.vertices[0].ravel().tolist(),
            "sixtieth": hand.vertices[60].ravel().tolist(),
            "last": hand.vertices[-1].ravel().tolist(),
            "joints": hand.joints[-1].ravel().tolist(),
            "certainty": hand.certainty[:, -1].tolist(),
        }
        for hand in hands
    ]
    (folder / "expected.json").write_text(json.dumps(expected), encoding="utf-8")

"""FreiHAND's and HO3D's files in the layout of their authors: read as they stand, and refused with the place of the fault."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ml.formats.faults import FormatError
from ml.formats.freihand import open_prediction, open_truth

WRITERS = {
    "json": lambda value: json.dumps(value).encode(),
    "indented": lambda value: json.dumps(value, indent=2).encode(),
    "orjson": orjson.dumps,
}
HAND = [[0.01 * joint, -0.02 * joint, 0.6] for joint in range(21)]


def mesh(count):
    return [[0.001 * vertex, 0.5, 0.7] for vertex in range(count)]


def prediction(folder, content):
    path = folder / "content.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return open_prediction(path, "pred.json")


def truth(folder, xyz, verts):
    (folder / "evaluation_xyz.json").write_text(json.dumps(xyz))
    (folder / "evaluation_verts.json").write_text(json.dumps(verts))
    return open_truth(folder)


@st.composite
def hands(draw):
    """Joints [N, 21, 3] and vertices [N, V, 3], a few values of each drawn, the rest alike."""
    frames, vertices = draw(st.integers(1, 5)), draw(st.integers(1, 40))
    value = st.floats(-1e9, 1e9)
    return tuple(draw(arrays(np.float64, (frames, n, 3), elements=value, fill=value)) for n in (21, vertices))


@pytest.mark.parametrize("writer", WRITERS)
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(pair=hands(), ends=st.tuples(st.integers(0, 5), st.integers(0, 5)))
def test_predictions_are_read_to_the_bit_whole_and_in_slices(writer, pair, ends, tmp_path):
    xyz, verts = pair
    found = prediction(tmp_path, WRITERS[writer]([xyz.tolist(), verts.tolist()]))
    assert (len(found), found.vertex_count, list(found.columns["frame"])) == (len(xyz), verts.shape[1], list(range(len(xyz))))
    first, last = sorted(min(end, len(xyz)) for end in ends)
    for a, b in ((0, len(xyz)), (first, last)):
        assert found.joints(a, b).shape == (b - a, 21, 3)
        assert found.joints(a, b).tobytes() == xyz[a:b].tobytes()
        assert found.vertices(a, b).tobytes() == verts[a:b].tobytes()


def test_the_truth_is_read_as_it_stands_in_its_two_files(tmp_path):
    xyz = [HAND, [[-x, y, -z] for x, y, z in HAND]]
    verts = [mesh(778), mesh(778)[::-1]]
    found = truth(tmp_path, xyz, verts)
    assert (found.name, len(found), found.vertex_count) == (tmp_path.name, 2, 778)
    # HO3D's camera looks along −z: nothing is turned here, the axes are the protocol's.
    assert found.joints(0, 2).tolist() == xyz
    assert found.vertices(0, 2).tolist() == verts
    assert found.joints(1, 2).tolist() == xyz[1:]
    assert found.seen is None
    assert found.found is None


def test_the_hash_is_that_of_the_file_or_of_the_hashes_of_both_files_in_order(tmp_path):
    content = json.dumps([[HAND], [mesh(3)]]).encode()
    assert prediction(tmp_path, content).sha256 == hashlib.sha256(content).hexdigest()
    both = "".join(hashlib.sha256(json.dumps(part).encode()).hexdigest() for part in ([HAND], [mesh(3)]))
    assert truth(tmp_path, [HAND], [mesh(3)]).sha256 == hashlib.sha256(both.encode()).hexdigest()


def test_an_empty_prediction_has_no_frames(tmp_path):
    found = prediction(tmp_path, b"[[], []]")
    assert (len(found), found.vertex_count) == (0, 0)
    assert found.joints(0, 0).shape == (0, 21, 3)
    assert found.vertices(0, 0).shape == (0, 0, 3)


@pytest.mark.parametrize(
    ("file", "other"),
    [("evaluation_xyz.json", "evaluation_verts.json"), ("evaluation_verts.json", "evaluation_xyz.json")],
)
def test_a_truth_without_one_of_its_files(file, other, tmp_path):
    (tmp_path / other).write_text("[]")
    with pytest.raises(FormatError, match=rf"^{file} is missing in .*; the truth is a folder with evaluation_xyz.json and"):
        open_truth(tmp_path)


def test_a_truth_whose_files_have_other_numbers_of_frames(tmp_path):
    says = "^evaluation_xyz.json has 3 frames and evaluation_verts.json 2, expected as many$"
    with pytest.raises(FormatError, match=says):
        truth(tmp_path, [HAND] * 3, [mesh(5)] * 2)


def test_a_prediction_whose_lists_have_other_numbers_of_frames(tmp_path):
    says = "^`xyz` of pred.json has 2 frames and `verts` of pred.json 3, expected as many$"
    with pytest.raises(FormatError, match=says):
        prediction(tmp_path, [[HAND] * 2, [mesh(5)] * 3])


def test_faults_of_the_truth_name_the_file_and_the_frame(tmp_path):
    found = truth(tmp_path, [*[HAND] * 812, HAND[:20]], [*[mesh(30)] * 811, mesh(29), mesh(30)])
    assert found.joints(0, 812).shape == (812, 21, 3)
    with pytest.raises(FormatError, match=r"^frame 812 of evaluation_xyz.json: 20 joints, expected 21$"):
        found.joints(700, 813)
    with pytest.raises(FormatError, match=r"^frame 811 of evaluation_verts.json: 29 points, expected 30$"):
        found.vertices(0, 813)


def change(content, number, frame, point, value):
    content[number][frame][point] = value


FRAME_FAULTS = {
    "a joint more": (
        lambda c: c[0][812].append([0, 0, 1]),
        "joints",
        "frame 812 of `xyz` of pred.json: 22 joints, expected 21",
    ),
    "no joints": (lambda c: c[0][812].clear(), "joints", "frame 812 of `xyz` of pred.json: 0 joints, expected 21"),
    "a coordinate more": (
        lambda c: change(c, 0, 812, 20, [0, 0, 1, 1]),
        "joints",
        "frame 812 of `xyz` of pred.json: point 20 has 4 coordinates, expected 3",
    ),
    "out of reach": (
        lambda c: change(c, 0, 812, 7, [0, -2e9, 1]),
        "joints",
        "frame 812 of `xyz` of pred.json: point 7 is [0, -2e+09, 1], expected coordinates of a hand",
    ),
    "Infinity": (
        lambda c: change(c, 1, 812, 3, [0, float("inf"), 1]),
        "vertices",
        "frame 812 of `verts` of pred.json: Infinity, expected finite numbers",
    ),
    "a vertex more": (
        lambda c: c[1][812].append([0, 0, 1]),
        "vertices",
        "frame 812 of `verts` of pred.json: 7 points, expected 6",
    ),
    "a text": (
        lambda c: change(c, 1, 812, 5, [0, 0, "1"]),
        "vertices",
        'frame 812 of `verts` of pred.json: point 5 holds "1", expected finite numbers',
    ),
}


@pytest.mark.parametrize("fault", FRAME_FAULTS)
def test_an_error_in_a_frame_names_the_same_frame_for_any_slice(fault, tmp_path):
    damage, kind, says = FRAME_FAULTS[fault]
    content = json.loads(json.dumps([[HAND] * 815, [mesh(6)] * 815]))
    damage(content)
    found = prediction(tmp_path, content)
    read, other = (found.joints, found.vertices) if kind == "joints" else (found.vertices, found.joints)
    for first in (0, 800, 812):
        with pytest.raises(FormatError) as caught:
            read(first, 815)
        assert str(caught.value) == says
    assert len(read(0, 812)) == 812
    assert len(read(813, 815)) == 2
    assert len(other(0, 815)) == 815


def test_the_first_mesh_is_looked_at_when_the_file_is_opened(tmp_path):
    with pytest.raises(FormatError, match=r"^frame 0 of `verts` of pred.json: NaN, expected finite numbers$"):
        prediction(tmp_path, [[HAND], [[[0, float("nan"), 1]]]])


def test_joints_and_meshes_exchanged(tmp_path):
    found = prediction(tmp_path, [[mesh(778)] * 2, [HAND] * 2])
    with pytest.raises(FormatError, match=r"^frame 0 of `xyz` of pred.json: 778 joints, expected 21$"):
        found.joints(0, 2)


def test_a_prediction_in_the_place_of_the_truth(tmp_path):
    (tmp_path / "evaluation_verts.json").write_text(json.dumps([mesh(5)]))
    content = json.dumps([[HAND], [mesh(5)]])
    (tmp_path / "evaluation_xyz.json").write_text(content)
    with pytest.raises(FormatError, match=r"^evaluation_xyz.json is nested too deep from byte 3 on, expected a list of frames"):
        open_truth(tmp_path)


def test_joints_alone_are_no_prediction(tmp_path):
    with pytest.raises(FormatError, match=r"of pred.json begins .*, expected frame 0 of `xyz`, a list of \[x, y, z\]$"):
        prediction(tmp_path, [HAND[0], HAND[1]])
    with pytest.raises(FormatError, match=r"pred\.json"):
        prediction(tmp_path, [HAND, HAND])


def test_messages_call_the_file_as_its_author_does(tmp_path):
    for content in (b"", b"{}", b"[", b"[[", b"[[]]", b"[[],[]", b"[[],[]]]", b"[[[[1,2"):
        with pytest.raises(FormatError, match=r"pred\.json") as caught:
            prediction(tmp_path, content)
        assert "content.json" not in str(caught.value)

"""Lists of frames in JSON, read piece by piece: the same bits as `json.loads` of the whole, and faults with their place."""

from __future__ import annotations

import json
from itertools import cycle

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml.formats import json_frames
from ml.formats.faults import FormatError
from ml.formats.json_frames import index_frames

ACCEPTED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
MANY = settings(max_examples=120, deadline=None, derandomize=True, suppress_health_check=ACCEPTED)
WRITERS = {"json": json.dumps, "indented": lambda v: json.dumps(v, indent=2), "orjson": lambda v: orjson.dumps(v).decode()}
COORDINATES = st.one_of(st.floats(-1e9, 1e9), st.integers(-(10**9), 10**9))
# The grammar of JSON: long mantissas, exponents of either sign and case, `-0`, numbers below the least double.
SPELLED = st.from_regex(r"-?(0|[1-9][0-9]{0,24})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True).filter(
    lambda text: abs(float(text)) <= 1e9
)
SPACE = st.text(" \t\r\n", max_size=4)


def frames_of(value, points=2):
    return st.lists(st.lists(st.lists(value, min_size=3, max_size=3), min_size=points, max_size=points), max_size=12)


def spaced(value, spaces):
    """JSON of nested lists of texts, with white space before and after every token."""
    if isinstance(value, str):
        return f"{next(spaces)}{value}{next(spaces)}"
    return f"{next(spaces)}[{','.join(spaced(v, spaces) for v in value)}{next(spaces)}]{next(spaces)}"


def array(text, points=2):
    return np.array(json.loads(text), np.float64).reshape(-1, points, 3)


def one_list(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    (frames,) = index_frames(path, ["xyz"], wrapped=False)
    return frames


def tiny(patch, read, longest):
    """Windows so small that a few frames straddle their ends."""
    patch.setattr(json_frames, "_READ", read)
    patch.setattr(json_frames, "MAX_FRAME_BYTES", longest)


@pytest.mark.parametrize("writer", WRITERS)
@MANY
@given(values=frames_of(COORDINATES))
def test_any_numbers_are_read_to_the_bit(writer, values, tmp_path):
    text = WRITERS[writer](values)
    frames = one_list(tmp_path / "xyz.json", text)
    assert len(frames) == len(values)
    assert frames.read(0, len(frames), 2).tobytes() == array(text).tobytes()


@MANY
@given(values=frames_of(SPELLED, points=1), spaces=st.lists(SPACE, min_size=1, max_size=40))
def test_any_spelling_and_white_space_is_read_to_the_bit(values, spaces, tmp_path):
    text = spaced(values, cycle(spaces))
    frames = one_list(tmp_path / "xyz.json", text)
    assert len(frames) == len(values)
    assert frames.read(0, len(frames), 1).tobytes() == array(text, 1).tobytes()


@pytest.mark.parametrize(
    ("spelling", "value"),
    [
        ("0.1", 0.1),
        ("-0", 0.0),
        ("-0.0", -0.0),
        ("5e-324", 5e-324),
        ("1e-400", 0.0),
        ("1E+3", 1000.0),
        ("1e0000000000000000000000003", 1000.0),
        ("1" + "0" * 400 + "e-400", 1.0),
        ("0." + "0" * 400 + "25e402", 25.0),
        ("9007199254740993e-10", 900719.9254740993),
        ("0.1000000000000000055511151231257827021181583404541015625", 0.1),
        ("0.50000000000000005551115123125782702118158340454101562500001", 0.5000000000000001),
        ("-1000000000", -1e9),
    ],
)
def test_number_notations_at_the_limits_of_a_double_are_read_exactly(spelling, value, tmp_path):
    found = one_list(tmp_path / "xyz.json", f"[[[{spelling},2,3]]]").read(0, 1, 1)
    assert found.tobytes() == np.array([value, 2.0, 3.0]).tobytes()


@MANY
@given(values=frames_of(COORDINATES), ends=st.tuples(st.integers(0, 12), st.integers(0, 12)))
def test_any_slice_is_that_slice_of_the_whole(values, ends, tmp_path):
    first, last = sorted(min(end, len(values)) for end in ends)
    text = json.dumps(values, indent=1)
    part = one_list(tmp_path / "xyz.json", text).read(first, last, 2)
    assert part.shape == (last - first, 2, 3)
    assert part.tobytes() == array(text)[first:last].tobytes()


@settings(MANY, max_examples=80)
@given(
    lists=st.tuples(frames_of(SPELLED, points=1), frames_of(SPELLED, points=2)),
    spaces=st.lists(SPACE, min_size=1, max_size=20),
    read=st.sampled_from([1, 7, 64]),
)
def test_frames_that_straddle_the_window_are_read_to_the_bit(lists, spaces, read, tmp_path):
    path = tmp_path / "pred.json"
    lists = [frames * 4 for frames in lists]
    text = spaced(lists, cycle(spaces))
    path.write_text(text, newline="")
    widest = cycle([max(spaces, key=len)])
    with pytest.MonkeyPatch.context() as patch:
        tiny(patch, read, max([len(spaced(frame, widest)) for frames in lists for frame in frames], default=16))
        found = index_frames(path, ["xyz", "verts"], wrapped=True)
    for frames, expected, points in zip(found, json.loads(text), (1, 2), strict=True):
        assert len(frames) == len(expected)
        assert frames.read(0, len(frames), points).tobytes() == np.array(expected, np.float64).tobytes()


def test_a_file_longer_than_the_read_window_is_read_correctly(tmp_path):
    values = np.random.default_rng(0).normal(0, 0.1, (7, 21, 3))
    count = 14_000
    text = f"[{', '.join(json.dumps(values[frame % 7].tolist()) for frame in range(count))}]"
    assert len(text) > json_frames._READ
    frames = one_list(tmp_path / "xyz.json", text)
    assert len(frames) == count
    assert (frames.read(0, count, 21) == np.tile(values, (2000, 1, 1))).all()


def test_lists_of_one_file_are_labelled_and_located(tmp_path):
    path = tmp_path / "17.upload"
    path.write_text("[ [[[1,2,3]],[[4,5,6]]] , [[[7,8,9],[10,11,12]]] ]")
    xyz, verts = index_frames(path, ["xyz", "verts"], wrapped=True, name="pred.json")
    assert (xyz.label, verts.label) == ("`xyz` of pred.json", "`verts` of pred.json")
    assert (xyz.starts.tolist(), xyz.stops.tolist()) == ([3, 13], [12, 22])
    assert (verts.starts.tolist(), verts.stops.tolist()) == ([27], [47])
    assert xyz.read(1, 2, 1).tolist() == [[[4, 5, 6]]]
    assert (xyz.count_points(0), verts.count_points(0)) == (1, 2)


POINT_FAULTS = {
    "a coordinate more": ("[1,2,3,4]", "point 2 has 4 coordinates, expected 3"),
    "no coordinates": ("[]", "point 2 has 0 coordinates, expected 3"),
    "a point more": ("[1,2,3],[1,2,3]", "5 points, expected 4"),
    "a list for a number": ("[1,[2],3]", r"point 2 holds \[2\], expected finite numbers"),
    "a number for a point": ("5", r"point 2 is 5, expected \[x, y, z\]"),
    "an object for a point": ('{"x":1}', r'point 2 is {"x":1}, expected \[x, y, z\]'),
    "an object for a number": ("[1,{},3]", "point 2 holds {}, expected finite numbers"),
    "a text of digits": ('[1,"2",3]', 'point 2 holds "2", expected finite numbers'),
    "an empty text": ('[1,"",3]', 'point 2 holds "", expected finite numbers'),
    "false": ("[1,false,3]", "point 2 holds false, expected finite numbers"),
    "null": ("[1,2,null]", "point 2 holds null, expected finite numbers"),
    "beyond all reach": ("[1,1.1e9,3]", r"point 2 is \[1, 1.1e\+09, 3\], expected coordinates of a hand"),
    "more than 64 bits": ("[1,-100000000000000000000,3]", r"point 2 holds -1e\+?20, expected coordinates of a hand"),
    "-Infinity": ("[1,-Infinity,3]", "Infinity, expected finite numbers"),
    **{
        f"`{number}`": (f"[1,{number},3]", r", expected a list of \[x, y, z\]")
        for number in ("01", "1.", ".5", "+1", "1e", "1e+", "--1", "-", "0x10", "1_0", "1 0", "", "nan", "1\v", "1\u00a0")
    },
    "no comma": ("[1 2,3]", r", expected a list of \[x, y, z\]"),
    "a comma more": ("[1,2,3,]", r", expected a list of \[x, y, z\]"),
    "broken UTF-8": (b'[1,"\xff",3]', r", expected a list of \[x, y, z\]"),
}


@pytest.mark.parametrize("fault", POINT_FAULTS)
def test_a_faulty_point_is_named_with_its_frame(fault, tmp_path):
    point, says = POINT_FAULTS[fault]
    frame = b"[[1,2,3],[1,2,3],[1,2,3],[1,2,3]]"
    # The third of four points, so that its `]` does not end the frame.
    bad = b"[[1,2,3],[1,2,3],%b,[1,2,3]]" % (point if isinstance(point, bytes) else point.encode())
    frames = one_list(tmp_path / "xyz.json", b"[%b]" % b",".join([*[frame] * 812, bad, *[frame] * 10]))
    assert (frames.read(0, 812, 4) == [1, 2, 3]).all()
    assert (frames.read(813, 823, 4) == [1, 2, 3]).all()
    for first in (0, 800, 812):
        with pytest.raises(FormatError, match=rf"^frame 812 of xyz.json: .*{says}$"):
            frames.read(first, 820, 4)


def test_the_right_count_of_numbers_in_wrong_points_is_refused(tmp_path):
    with pytest.raises(FormatError, match=r"^frame 0 of xyz.json: point 0 has 2 coordinates, expected 3$"):
        one_list(tmp_path / "xyz.json", "[[[1,2],[3,4,5,6]]]").read(0, 1, 2)


def test_the_largest_allowed_coordinate_is_accepted(tmp_path):
    assert one_list(tmp_path / "xyz.json", "[[[1e9,-1e9,0]]]").read(0, 1, 1).tolist() == [[[1e9, -1e9, 0]]]


@pytest.mark.parametrize(("count", "thing"), [(20, "20 joints"), (22, "22 joints"), (0, "0 joints")])
def test_a_frame_with_another_number_of_joints_is_named(count, thing, tmp_path):
    frames = one_list(tmp_path / "xyz.json", json.dumps([[[0, 0, 1]] * 21] * 812 + [[[0, 0, 1]] * count]))
    with pytest.raises(FormatError, match=rf"^frame 812 of xyz.json: {thing}, expected 21$"):
        frames.read(0, 813, 21)


WALK_FAULTS = {
    "a semicolon": ("[[[1,2,3]];[[4,5,6]]]", r"byte 10 of p begins ';\[\[4,5,6\]\]\]', expected `,` or `\]` after frame 0"),
    "no separator": ("[[[1,2,3]] [[4,5,6]]]", r"byte 11 of p begins .*, expected `,` or `\]` after frame 0 of `xyz`"),
    "a comma more": ("[[[1,2,3]],]", r"byte 11 of p begins '\]', expected frame 1 of `xyz`"),
    "a comma first": ("[,[[1,2,3]]]", "byte 1 of p begins .*, expected frame 0 of `xyz`"),
    "null for a frame": ("[[[1,2,3]],null]", r"byte 11 of p begins 'null\]', expected frame 1 of `xyz`, a list of"),
    "a second text": ("[[[1,2,3]]]\n[]", r"byte 12 of p begins '\[\]', expected the end of the file"),
    "zeros after the end": ("[[[1,2,3]]]\0\0", "byte 11 of p begins .*, expected the end of the file"),
    "a form feed": ("[\f[[1,2,3]]]", "byte 1 of p begins '.x0c.*, expected frame 0 of `xyz`"),
    "a byte-order mark": ("\ufeff[[[1,2,3]]]", "p is text with a byte-order mark, expected `xyz`, a list of frames"),
}


@pytest.mark.parametrize("read", [1, 16 << 20])
@pytest.mark.parametrize("fault", WALK_FAULTS)
def test_unexpected_content_between_frames_is_reported_with_its_byte_offset(fault, read, tmp_path, monkeypatch):
    content, says = WALK_FAULTS[fault]
    tiny(monkeypatch, read, 16)
    with pytest.raises(FormatError, match=f"^{says}"):
        one_list(tmp_path / "p", content)


def test_every_truncated_file_is_refused(tmp_path):
    path = tmp_path / "pred.json"
    text = " [ [[[1,2,3],[4,5,6]], [[1,2,3],[4,5,6]]], [ [ ],[[7, 8,9] ] ] ]"
    path.write_text(text)
    assert [len(frames) for frames in index_frames(path, ["xyz", "verts"], wrapped=True)] == [2, 2]
    for length in range(1, len(text)):
        path.write_text(text[:length])
        with pytest.raises(FormatError, match=r"pred\.json .*the file is truncated$"):
            index_frames(path, ["xyz", "verts"], wrapped=True)


def test_content_at_a_limit_is_read_and_beyond_it_is_refused(tmp_path, monkeypatch):
    tiny(monkeypatch, 8, 32)
    monkeypatch.setattr(json_frames, "MAX_FRAMES", 3)
    frame = f"[[1,2,{'3':>24}]]"
    assert len(frame) == 32
    assert len(one_list(tmp_path / "p", f"[{frame},{frame},{frame}]")) == 3
    with pytest.raises(FormatError, match=r"^`xyz` of p has more than 3 frames$"):
        one_list(tmp_path / "p", f"[{frame},{frame},{frame},{frame}]")
    with pytest.raises(FormatError, match=r"^frame 1 of `xyz` of p does not end: longer than 0 MB$"):
        one_list(tmp_path / "p", f"[{frame},{frame[:-2]} ]],{frame}]")
    with pytest.raises(FormatError, match=r"of white space before byte 72, expected JSON$"):
        one_list(tmp_path / "p", f"[{frame}{' ' * 40},{frame}]")

"""Files that must not be scored, each refused with a message that says what was wrong, where, and what would be right."""

from __future__ import annotations

import io
import json
import pickle
import stat
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest

from ml.formats.faults import FormatError
from ml.metrics.pairing import open_pair
from ml.metrics.protocol import PROTOCOLS
from ml.metrics.scoring import score_pair

FRAMES, VERTICES = 4, 30
RNG = np.random.default_rng(0)
XYZ = RNG.normal(0, 0.04, (FRAMES, 21, 3)) + np.array([0, 0, 0.6])
VERTS = RNG.normal(0, 0.04, (FRAMES, VERTICES, 3)) + np.array([0, 0, 0.6])
GOOD = json.dumps([XYZ.tolist(), VERTS.tolist()])


@pytest.fixture
def truth(tmp_path):
    folder = tmp_path / "truth"
    folder.mkdir()
    (folder / "evaluation_xyz.json").write_text(json.dumps(XYZ.tolist()))
    (folder / "evaluation_verts.json").write_text(json.dumps(VERTS.tolist()))
    return folder


def score(protocol, truth, path):
    with open_pair(PROTOCOLS[protocol], truth, path) as pair:
        return score_pair(PROTOCOLS[protocol], pair)


def with_change(change):
    content = json.loads(GOOD)
    change(content)
    return json.dumps(content).encode()


def drop_joint(content):
    content[0][2].pop()


def drop_vertex(content):
    content[1][3].pop()


def drop_coordinate(content):
    content[1][1][7].pop()


def text_for_number(content):
    content[0][1][4][2] = "0.1"


def true_for_number(content):
    content[0][1][4][2] = True


def null_for_point(content):
    content[0][1][4] = None


def drop_frame(content):
    content[0].pop()
    content[1].pop()


def drop_frame_of_one(content):
    content[1].pop()


def huge(content):
    content[0][0][0][0] = 1e200


def object_for_frame(content):
    content[0][1] = {"joints": content[0][1]}


JSON_FAULTS = {
    "truncated": (GOOD[:-40].encode(), "truncated"),
    "truncated within a number": (GOOD[: len(GOOD) // 3].encode(), "truncated"),
    "NaN": (GOOD.replace(str(XYZ[2, 5, 1]), "NaN").encode(), r"frame 2 of `xyz`.*NaN, expected finite numbers"),
    "Infinity": (GOOD.replace(str(VERTS[1, 5, 1]), "-Infinity").encode(), r"frame 1 of `verts`.*Infinity"),
    "number overflow": (GOOD.replace(str(XYZ[2, 5, 1]), "1e999").encode(), r"frame 2 of `xyz`"),
    "integer overflow": (GOOD.replace(str(XYZ[2, 5, 1]), "9" * 400).encode(), r"frame 2 of `xyz`"),
    "squares that overflow": (with_change(huge), r"frame 0 of `xyz`.*point 0 is \[1e\+200"),
    "20 joints": (with_change(drop_joint), r"frame 2 of `xyz` of pred.json: 20 joints, expected 21"),
    "a vertex short": (with_change(drop_vertex), r"frame 3 of `verts` of pred.json: 29 points, expected 30"),
    "a coordinate short": (with_change(drop_coordinate), r"frame 1 of `verts`.*point 7 has 2 coordinates, expected 3"),
    "a text": (with_change(text_for_number), r'frame 1 of `xyz`.*point 4 holds "0.1", expected finite numbers'),
    "a boolean": (with_change(true_for_number), r"frame 1 of `xyz`.*point 4 holds true"),
    "null": (with_change(null_for_point), r"frame 1 of `xyz`.*point 4 is null, expected \[x, y, z\]"),
    "an object": (with_change(object_for_frame), r"expected frame 1 of `xyz`, a list of \[x, y, z\]"),
    "a frame short": (with_change(drop_frame), r"3 frames, expected 4 as in the truth"),
    "lists of two lengths": (with_change(drop_frame_of_one), r"4 frames and .* 3, expected as many"),
    "empty": (b"", "empty, expected JSON"),
    "white space": (b" " * (5 << 20), "white space"),
    "an object at the top": (b'{"xyz": []}', "expected a list of 2 lists, xyz and verts"),
    "a number at the top": (b"17", "expected a list of 2 lists"),
    "one list": (json.dumps([XYZ.tolist()]).encode(), "expected `verts` after `xyz`"),
    "three lists": (json.dumps([XYZ.tolist(), VERTS.tolist(), []]).encode(), "expected the end after 2 lists"),
    "no frames": (b"[[], []]", "0 frames, expected 4"),
    "something after the end": (GOOD.encode() + b"x", "expected the end of the file"),
    "nested 10 000 deep": (b"[" * 10_000, r"^pred.json is nested too deep from byte 4 on, expected a list of frames"),
    "nested 10 000 deep and closed": (b"[" * 10_000 + b"]" * 10_000, r"^pred.json is nested too deep from byte 4 on"),
    "a deep frame": (b"[[" + b"[" * 10_000 + b"1]]" + b"]" * 9_998 + b"], []]", r"nested too deep from byte 4 on"),
    "a batch axis too many": (json.dumps([XYZ[:, None].tolist(), VERTS.tolist()]).encode(), "nested too deep from byte 4 on"),
    "a deep point": (b"[[[[1,2,3],[4," + b"[" * 10_000 + b"]" * 10_000 + b",6]]], []]", "nested too deep from byte 14 on"),
    "a deep point, cut off": (b"[[[[1,2,3], [\n" + b"[" * 10_000, "nested too deep from byte 14 on"),
    "a pickle": (pickle.dumps([1, 2]), "a pickle, which is never loaded, expected a list"),
    "an image": (b"\x89PNG\r\n\x1a\n", "a PNG image, expected a list"),
    "HTML": (b"<html></html>", "HTML or XML, expected a list"),
}


@pytest.mark.parametrize("fault", JSON_FAULTS)
def test_json_that_must_not_be_scored(fault, truth, tmp_path):
    content, says = JSON_FAULTS[fault]
    (tmp_path / "pred.json").write_bytes(content)
    with pytest.raises(FormatError, match=says):
        score("freihand", truth, tmp_path / "pred.json")


def test_good_json_however_it_is_spaced(truth, tmp_path):
    for number, content in enumerate(
        (GOOD, json.dumps(json.loads(GOOD), indent=3), json.dumps(json.loads(GOOD), separators=(",", ":")))
    ):
        path = tmp_path / f"{number}.json"
        path.write_text(content)
        assert score("freihand", truth, path).per_frame["mpjpe"].tolist() == [0, 0, 0, 0]


def test_three_gigabytes_of_spaces_are_refused_at_once(truth, tmp_path):
    path = tmp_path / "pred.json"
    with path.open("wb") as stream:
        stream.write(b" " * (64 << 20))  # a sparse file would read as zeros
        stream.truncate(3 << 30)
    tracemalloc.start()
    with pytest.raises(FormatError, match="white space"):
        score("freihand", truth, path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 << 20


def zipped(path, *members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def test_a_zip_is_scored_as_its_json_is(truth, tmp_path):
    path = zipped(tmp_path / "pred.zip", ("pred.json", GOOD), ("__MACOSX/._pred.json", b"x"), ("notes.txt", b"x"))
    assert score("freihand", truth, path).per_frame["mpjpe"].tolist() == [0, 0, 0, 0]


def claim(path, offset, size):
    """A zip whose directory claims that its member unpacks to `size` bytes."""
    zipped(path, ("pred.json", GOOD))
    content = bytearray(path.read_bytes())
    place = content.rfind(b"PK\x01\x02")
    struct.pack_into("<I", content, place + offset, size)
    path.write_bytes(content)
    return path


def link():
    info = zipfile.ZipInfo("pred.json")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


ZIP_FAULTS = {
    "a path up": (lambda p: zipped(p, ("../pred.json", GOOD)), "leads out of the archive"),
    "an absolute path": (lambda p: zipped(p, ("/etc/pred.json", GOOD)), "leads out of the archive"),
    "a drive": (lambda p: zipped(p, ("C:\\pred.json", GOOD)), "leads out of the archive"),
    "a symbolic link": (lambda p: zipped(p, (link(), "/etc/passwd")), "a symbolic link"),
    "two JSON files": (lambda p: zipped(p, ("a.json", GOOD), ("b.json", GOOD)), "holds `a.json`, `b.json`; expected one"),
    "no JSON file": (lambda p: zipped(p, ("readme.txt", b"x")), "holds `readme.txt`; expected one `.json` file"),
    "nothing": (zipped, "holds nothing|a zip archive"),
    "white space": (lambda p: zipped(p, ("pred.json", b" " * (20 << 20))), "times its size, expected at most 100"),
    "4 GB claimed": (lambda p: claim(p, 24, 0xFFFFFFF0), "times its size|at most"),
    "a broken stream": (
        lambda p: p.write_bytes(zipped(p, ("pred.json", GOOD)).read_bytes().replace(GOOD[:4].encode(), b"xx")) and p,
        ".",
    ),
    "cut in half": (lambda p: p.write_bytes(zipped(p, ("pred.json", GOOD)).read_bytes()[:2000]) and p, "truncated"),
}


@pytest.mark.parametrize("fault", ZIP_FAULTS)
def test_archives_that_must_not_be_scored(fault, truth, tmp_path):
    if fault == "a broken stream":
        path = zipped(tmp_path / "pred.zip", ("pred.json", GOOD))
        content = bytearray(path.read_bytes())
        content[200:400] = bytes(200)
        path.write_bytes(content)
        says = "a broken zip archive"
    else:
        make, says = ZIP_FAULTS[fault]
        path = tmp_path / "pred.zip"
        make(path)
    with pytest.raises(FormatError, match=says):
        score("freihand", truth, path)


def test_a_hundred_gigabytes_claimed_in_the_header(truth, tmp_path):
    path = tmp_path / "pred.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("pred.json", GOOD)
        archive.infolist()[0].file_size = 100 << 30
    with pytest.raises(FormatError, match=r"claims 107.4 GB, at most 8.6 GB are read"):
        score("freihand", truth, path)


@pytest.mark.parametrize("protocol", ["freihand", "palmares"])
@pytest.mark.parametrize("fault", ["two files", "cut", "a million names", "claim", "white space", "other packing"])
def test_an_archive_is_called_what_its_sender_called_it(fault, protocol, truth, tmp_path):
    path, junk = tmp_path / "tmpv92y8pt0.zip", np.random.default_rng(0).bytes(5000)
    zipped(path, ("a.json", junk), ("b.json", junk))
    if fault == "cut":
        path.write_bytes(path.read_bytes()[:-40])
    elif fault == "a million names":
        zipped(path, *((f"{n:080}", b"") for n in range(10_000)))
    elif fault == "claim":
        claim(path, 24, 0xFFFFFFF0)
    elif fault == "white space":
        zipped(path, ("pred.json", b" " * (20 << 20)))
    elif fault == "other packing":
        zipped(path, ("pred.json", junk), compression=zipfile.ZIP_BZIP2)
    if protocol == "palmares":
        (tmp_path / "truth.npz").write_bytes(canonical())
        truth = tmp_path / "truth.npz"
    with pytest.raises(FormatError) as caught, open_pair(PROTOCOLS[protocol], truth, path, name="pred.zip"):
        pass
    assert "pred.zip" in str(caught.value)
    assert "tmpv92y8pt0" not in str(caught.value)


def test_a_directory_of_a_million_names(truth, tmp_path):
    path = zipped(tmp_path / "pred.zip", *((f"{n:080}", b"") for n in range(10_000)))
    with pytest.raises(FormatError, match="table of contents"):
        score("freihand", truth, path)


def npz(**arrays):
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def canonical(**changes):
    arrays = {
        "frame": np.arange(4, dtype=np.int32),
        "side": np.ones(4, np.uint8),
        "track": np.zeros(4, np.int32),
        "score": np.ones(4, np.float32),
        "joints": XYZ.astype(np.float32),
    }
    return npz(**{k: v for k, v in {**arrays, **changes}.items() if v is not None})


NPZ_FAULTS = {
    "a pickle": (pickle.dumps({"joints": XYZ}), "a pickle, which is never loaded"),
    "object arrays": (canonical(joints=np.array([{}], dtype=object)), "Python objects, which are never loaded"),
    "int overflow": (canonical(frame=np.array([0, 1, 2, 2**40])), "outside -2147483648"),
    "20 joints": (canonical(joints=XYZ[:, :20].astype("f4")), r"`joints` has shape \[4, 20, 3\]"),
    "no joints": (canonical(joints=None), "`joints` is missing"),
    "rows that disagree": (canonical(score=np.ones(3, np.float32)), "`score`|`joints`"),
    "a third side": (canonical(side=np.full(4, 2, np.uint8)), "expected 0 .left. or 1"),
    "a frame twice": (canonical(frame=np.zeros(4, np.int32)), "track 0 is in frame 0 twice"),
    "an unknown member": (canonical(extra=np.ones(2)), "unknown member `extra`"),
    "half a file": (canonical()[:700], "archive"),
    "nothing": (b"", "an empty file"),
}


@pytest.mark.parametrize("fault", NPZ_FAULTS)
def test_predictions_that_must_not_be_scored(fault, tmp_path):
    (tmp_path / "truth.npz").write_bytes(canonical())
    content, says = NPZ_FAULTS[fault]
    (tmp_path / "run.npz").write_bytes(content)
    with pytest.raises(FormatError, match=says) as caught:
        score("palmares", tmp_path / "truth.npz", tmp_path / "run.npz")
    assert str(caught.value).startswith("run.npz")


LINE = "3," + ",".join(["1.5"] * 63)
DEXYCB_FAULTS = {
    "a field short": (LINE.rsplit(",", 1)[0], r"line 1 of p.txt has 63 fields, expected 64"),
    "a word": (LINE.replace("1.5", "abc", 1), "could not convert"),
    "NaN": (LINE.replace("1.5", "nan", 1), r"joint 0 is \[nan"),
    "a fractional index": (LINE.replace("3,", "3.5,", 1), "expected an index"),
    "an index that overflows": (LINE.replace("3,", "99999999999,", 1), "expected 0"),
    "a sample missing": (LINE.replace("3,", "2,", 1), "no line for sample 3; 1 of 1 samples"),
    "a long line": ("3," + "1" * 100_000, "longer than 16384 bytes"),
    "bytes": ("\0\0\0", "expected an index and 63 numbers"),
    "nothing": ("", "no line for sample 3"),
}


@pytest.mark.parametrize("fault", DEXYCB_FAULTS)
def test_results_that_must_not_be_scored(fault, tmp_path):
    np.savez(tmp_path / "truth.npz", index=np.array([3]), joint_3d=XYZ[:1])
    content, says = DEXYCB_FAULTS[fault]
    (tmp_path / "p.txt").write_text(content)
    with pytest.raises(FormatError, match=says):
        score("dexycb", tmp_path / "truth.npz", tmp_path / "p.txt")


LIST_FAULTS = {
    "no unit": ({"joints": XYZ.tolist()}, "expected {"),
    "a strange unit": ({"unit": "inch", "joints": XYZ.tolist()}, "`unit` of p.json is 'inch', expected one of m, cm, mm"),
    "20 joints": ({"unit": "m", "joints": XYZ[:, :20].tolist()}, "frame 0 of p.json: 20 joints, expected 21"),
    "null": ({"unit": "m", "joints": [[[None] * 3] * 21] * 4}, "frame 0 of p.json: joint 0 is"),
    "a list": ([1], "expected {"),
    "a frame short": ({"unit": "m", "joints": XYZ[:3].tolist()}, "3 frames, expected 4"),
}


@pytest.mark.parametrize("fault", LIST_FAULTS)
def test_joint_lists_that_must_not_be_scored(fault, tmp_path):
    (tmp_path / "truth.json").write_text(json.dumps({"unit": "m", "joints": XYZ.tolist()}))
    content, says = LIST_FAULTS[fault]
    (tmp_path / "p.json").write_text(json.dumps(content))
    with pytest.raises(FormatError, match=says):
        score("stb", tmp_path / "truth.json", tmp_path / "p.json")

"""DexYCB's results and labels in the toolkit's layout: read exactly, and refused with the line or sample of the fault."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml.formats.dexycb import MAX_LINE, open_prediction, open_truth
from ml.formats.faults import FormatError
from ml.formats.frames import ArrayFrames

MANY = settings(
    max_examples=80,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NUMBERS = " ".join(str(number) for number in range(63))


def samples(*index):
    return ArrayFrames("truth.npz", np.zeros((len(index), 21, 3)), columns={"index": list(index)})


def results(folder, text, truth):
    path = folder / "content.txt"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return open_prediction(path, truth, "results.txt")


def label(path, joints, **others):
    """A `labels_*.npz` as the data set's authors wrote it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    members = {"joint_2d": np.zeros((1, 21, 2), "f4"), "pose_m": np.zeros((1, 51), "f4"), "seg": np.zeros((2, 3), "u1")}
    np.savez_compressed(path, joint_3d=joints, **{**members, **others})


def hand(z, dtype=np.float32):
    return np.full((1, 21, 3), z, dtype)


@MANY
@given(data=st.data())
def test_numbers_are_read_to_the_bit_in_the_order_of_the_truth(data, tmp_path):
    index = data.draw(st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=6, unique=True))
    seed, scale = data.draw(st.integers(0, 2**32 - 1)), data.draw(st.sampled_from([1e-300, 1e-3, 1.0, 1e9]))
    values = np.random.default_rng(seed).uniform(-scale, scale, (len(index), 63))
    spelling = data.draw(st.sampled_from([repr, "{:.17g}".format, "{:+.17e}".format, "{:.16E}".format]))
    between = data.draw(st.sampled_from([",", " ", ", ", "\t", " ,\t "]))
    end = data.draw(st.sampled_from(["\n", "\r\n", " \n", "\n\n \n"]))
    order = data.draw(st.permutations(range(len(index))))
    lines = [between.join([str(index[row]), *map(spelling, values[row].tolist())]) for row in order]
    wanted = data.draw(st.permutations(index[: data.draw(st.integers(1, len(index)))]))
    found = results(tmp_path, end.join(lines) + data.draw(st.sampled_from(["", end])), samples(*wanted))
    assert found.columns["index"] == wanted
    assert found.joints(0, len(wanted)).tobytes() == values[[index.index(i) for i in wanted]].tobytes()


def test_numbers_are_joint_by_joint_and_kept_in_millimetres(tmp_path):
    found = results(tmp_path, f"7,{NUMBERS.replace(' ', ',')}\n", samples(7))
    assert found.joints(0, 1)[0, [0, 1, 20]].tolist() == [[0, 1, 2], [3, 4, 5], [60, 61, 62]]
    assert found.sha256 == hashlib.sha256(f"7,{NUMBERS.replace(' ', ',')}\n".encode()).hexdigest()


def test_a_line_of_the_largest_length_is_read_and_a_longer_one_refused(tmp_path):
    line = f"7 {NUMBERS}".ljust(MAX_LINE - 2) + "\n"
    assert results(tmp_path, line, samples(7)).joints(0, 1)[0, 20, 2] == 62
    with pytest.raises(FormatError, match=r"^line 2 of results.txt is longer than 16384 bytes, expected an index and"):
        results(tmp_path, line + f"8 {NUMBERS}".ljust(MAX_LINE) + "\n", samples(7))


LINE_FAULTS = {
    "a field more": (f"9 {NUMBERS} 63", "has 65 fields, expected 64: an index and 21 × 3 numbers"),
    "an index alone": ("9", "has 1 fields, expected 64: an index and 21 × 3 numbers"),
    "a word": (f"9 {NUMBERS[:-2]}abc", ": could not convert string to float: b'abc', expected 63 numbers"),
    "bytes": (f"9 {NUMBERS[:-2]}".encode() + b"\xff", r": could not convert .*xff', expected 63 numbers"),
    "Infinity": (f"9 {NUMBERS[:-2]}inf", r": joint 20 is \[60, 61, inf\], expected coordinates of a hand"),
    "NaN": (f"9 NaN {NUMBERS[2:]}", r": joint 0 is \[nan, 1, 2\], expected coordinates of a hand"),
    "out of reach": (f"9 {NUMBERS[:-2]}-1.5e9", r": joint 20 is \[60, 61, -1.5e\+09\], expected coordinates of a hand"),
    "a negative index": (f"-9 {NUMBERS}", ": index '-9', expected 0 … 2147483647"),
    "an index past int32": (f"2147483648 {NUMBERS}", ": index '2147483648', expected 0 … 2147483647"),
    "a fraction for an index": (f"9.0 {NUMBERS}", ": index '9.0', expected 0 … 2147483647"),
}


@pytest.mark.parametrize("fault", LINE_FAULTS)
def test_a_faulty_line_is_named_by_its_number_in_the_file(fault, tmp_path):
    line, says = LINE_FAULTS[fault]
    good = "".join(f"{index} {NUMBERS}\n" for index in (5, 8, *range(100, 908)))
    # Two empty lines, which count: the fault is in line 813.
    text = f"{good}\n\n".encode() + (line if isinstance(line, bytes) else line.encode()) + f"\n10 {NUMBERS}".encode()
    with pytest.raises(FormatError, match=f"^line 813 of results.txt ?{says}$"):
        results(tmp_path, text, samples(8, 10))


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"index,x0,y0\n", "a file that begins with b'index,x0'"),
        (b"\xef\xbb\xbf", "text with a byte-order mark"),
        (b"# results\n", "a file that begins with b'# result'"),
    ],
)
def test_what_stands_before_the_first_line(head, kind, tmp_path):
    with pytest.raises(FormatError, match=r"^line 1 of results.txt begins b'.*, expected an index and 63 numbers$") as caught:
        results(tmp_path, head + f"7 {NUMBERS}".encode(), samples(7))
    assert f"({kind})" in str(caught.value)


def test_samples_without_a_line_are_counted_and_the_first_is_named(tmp_path):
    with pytest.raises(FormatError, match=r"^results.txt: no line for sample 6; 2 of 4 samples are missing, expected all$"):
        results(tmp_path, f"9 {NUMBERS}\n4 {NUMBERS}\n1 {NUMBERS}\n", samples(9, 6, 4, 2))


def test_labels_are_numbered_in_the_order_of_their_paths(tmp_path):
    label(tmp_path / "20200709-subject-01" / "b" / "labels_000001.npz", hand(0.5))
    label(tmp_path / "20200709-subject-01" / "b" / "labels_000000.npz", hand(0.25))
    label(tmp_path / "20200709-subject-01" / "a" / "labels_000007.npz", hand(0.75))
    (tmp_path / "20200709-subject-01" / "a" / "pose.npz").write_bytes(b"another file of the data set")
    found = open_truth(tmp_path)
    assert found.columns["index"] == [0, 1, 2]
    assert found.joints(0, 3)[:, 4, 1].tolist() == [750, 250, 500]
    assert found.joints(1, 2).tolist() == [np.full((21, 3), 250).tolist()]


def test_samples_that_show_no_hand_are_skipped_and_others_keep_their_index(tmp_path):
    partly = hand(-1.0)
    partly[0, 20, 2] = 0.5
    for number, joints in enumerate((hand(-1.0), hand(0.5), hand(0.0), partly)):
        label(tmp_path / "labels" / f"labels_{number:06}.npz", joints)
    np.savez(
        tmp_path / "table.npz",
        index=np.array([40, 30, 20, 10], np.uint16),
        joint_3d=np.concatenate([hand(0.5), hand(-1.0), partly, hand(0.0)]),
    )
    found, table = open_truth(tmp_path / "labels"), open_truth(tmp_path / "table.npz")
    assert (found.columns["index"], table.columns["index"]) == ([1, 3], [40, 20])
    assert len(found) == len(table) == 2
    for shown in (found, table):
        assert shown.joints(0, 2)[:, 20].tolist() == [[500, 500, 500], [-1000, -1000, 500]]


def test_metres_become_millimetres_in_the_precision_of_the_file(tmp_path):
    # float32's 0.1 is 0.100000001490…: a thousand of it is 100 in float32, 100.00000149… in float64.
    label(tmp_path / "single" / "labels_000000.npz", hand(0.1))
    label(tmp_path / "double" / "labels_000000.npz", hand(0.0001234567890123, np.float64))
    assert (open_truth(tmp_path / "single").joints(0, 1) == 100.0).all()
    assert (open_truth(tmp_path / "double").joints(0, 1) == 0.0001234567890123 * 1000).all()
    assert open_truth(tmp_path / "single").joints(0, 1).dtype == np.float64


def test_the_hash_is_that_of_the_table_or_of_the_hashes_of_all_label_files_in_order(tmp_path):
    digests = []
    for number in range(2):
        path = tmp_path / "labels" / f"labels_{number:06}.npz"
        label(path, hand(0.5 + number))
        digests.append(hashlib.sha256(path.read_bytes()).hexdigest())
    assert open_truth(tmp_path / "labels").sha256 == hashlib.sha256("".join(digests).encode()).hexdigest()
    np.savez(tmp_path / "table.npz", index=np.array([3]), joint_3d=hand(0.5))
    assert open_truth(tmp_path / "table.npz").sha256 == hashlib.sha256((tmp_path / "table.npz").read_bytes()).hexdigest()


THREE = np.concatenate([hand(0.5), hand(0.6), hand(0.7)])
BROKEN = THREE.copy()
BROKEN[2, 4, 1] = np.nan
TABLE_FAULTS = {
    "no joints": ({"joint_3d": None}, "table.npz: `joint_3d` is missing; the archive holds index"),
    "no index": ({"index": None}, "table.npz: `index` is missing; the archive holds joint_3d"),
    "20 joints": ({"joint_3d": THREE[:, :20]}, r"`joint_3d` of table.npz has shape \[3, 20, 3\], expected \[N, 21, 3\]"),
    "one hand": ({"joint_3d": THREE[0]}, r"`joint_3d` of table.npz has shape \[21, 3\], expected \[N, 21, 3\]"),
    "millimetres": ({"joint_3d": (THREE * 1000).astype("i4")}, "`joint_3d` of table.npz holds int32, expected metres as"),
    "objects": ({"joint_3d": np.array([{}] * 3)}, "table.npz: `joint_3d` holds Python objects, which are never loaded"),
    "NaN": ({"joint_3d": BROKEN}, "sample 2 of table.npz: a joint is not finite, expected metres"),
    "a short index": ({"index": np.arange(2)}, r"`index` of table.npz is int64 \[2\], expected whole numbers \[3\]"),
    "a table for an index": ({"index": np.zeros((3, 1), "i4")}, r"`index` of table.npz is int32 \[3, 1\], expected whole"),
    "fractions": ({"index": np.arange(3.0)}, r"`index` of table.npz is float64 \[3\], expected whole numbers \[3\]"),
    "a sample twice": ({"index": np.array([7, 8, 7])}, "`index` of table.npz names a sample twice"),
    "a third side": ({"side": np.array([0, 1, 2])}, r"`side` of table.npz is int64 \[3\], expected 0 \(left\) or 1 \(right\)"),
    "a side short": ({"side": np.array([0, 1])}, r"`side` of table.npz is int64 \[2\], expected .* for each of 3 samples$"),
    "named sides": ({"side": np.array(["left"] * 3)}, "`side` of table.npz is <U4"),
}


@pytest.mark.parametrize("fault", TABLE_FAULTS)
def test_invalid_tables_are_refused_with_a_reason(fault, tmp_path):
    change, says = TABLE_FAULTS[fault]
    members = {"index": np.arange(3), "joint_3d": THREE, **change}
    np.savez(tmp_path / "table.npz", **{name: array for name, array in members.items() if array is not None})
    with pytest.raises(FormatError, match=f"^{says}"):
        open_truth(tmp_path / "table.npz")


def test_sides_are_given_only_for_samples_that_show_a_hand(tmp_path):
    members = {"index": np.array([3, 5, 7]), "joint_3d": np.concatenate([hand(0.5), hand(-1.0), hand(0.7)])}
    np.savez(tmp_path / "table.npz", **members, side=np.array([1, 1, 0], np.uint8))
    assert open_truth(tmp_path / "table.npz").columns == {"index": [3, 7], "side": ["right", "left"]}
    np.savez(tmp_path / "table.npz", **members)
    assert open_truth(tmp_path / "table.npz").columns == {"index": [3, 7]}


def test_a_folder_without_labels(tmp_path):
    (tmp_path / "pose.npz").write_bytes(b"")
    with pytest.raises(FormatError, match=r" holds no `labels_\*.npz`, expected DexYCB's label files or one .npz$"):
        open_truth(tmp_path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (np.zeros((1, 20, 3), "f4"), r"^`joint_3d` of labels_000812.npz has shape \[1, 20, 3\], expected \[1, 21, 3\]$"),
        (np.zeros((1, 21, 3), "i2"), "^`joint_3d` of labels_000812.npz holds int16, expected metres"),
        (b"", "^labels_000812.npz is not a .npz archive: it is an empty file$"),
        (b"\x80\x04", "^labels_000812.npz is not a .npz archive: it is a pickle, which is never loaded$"),
    ],
)
def test_the_faulty_label_file_is_named(content, says, tmp_path):
    label(tmp_path / "labels_000811.npz", hand(0.5))
    if isinstance(content, bytes):
        (tmp_path / "labels_000812.npz").write_bytes(content)
    else:
        label(tmp_path / "labels_000812.npz", content)
    with pytest.raises(FormatError, match=says):
        open_truth(tmp_path)


@pytest.mark.parametrize("hands", [0, 2])
def test_a_label_file_is_of_one_hand(tmp_path, hands):
    np.savez(tmp_path / "labels_000812.npz", joint_3d=np.full((hands, 21, 3), 0.5, np.float32))
    with pytest.raises(FormatError, match=rf"shape \[{hands}, 21, 3\], expected \[1, 21, 3\]"):
        open_truth(tmp_path)


@pytest.mark.parametrize("index", [np.array([-1]), np.array([2**63 + 1], np.uint64)])
def test_an_index_is_a_whole_number_from_zero_on(tmp_path, index):
    np.savez(tmp_path / "t.npz", index=index, joint_3d=np.full((1, 21, 3), 0.5, np.float32))
    with pytest.raises(FormatError, match="holds numbers outside 0"):
        open_truth(tmp_path / "t.npz")

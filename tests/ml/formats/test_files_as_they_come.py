"""Files of users: archives with unrelated files, NaN in JSON, UTF-16, damage; each is read, or refused with a message."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest

from ml.formats import archive, dexycb, freihand, joint_lists, truth_archive
from ml.formats.archive import unpacked
from ml.formats.faults import FormatError
from ml.formats.sequences import load_sequences
from ml.formats.truth_archive import unpack_truth
from tests.predictions import hands, npz, zipped

RNG = np.random.default_rng(0)
JOINTS = RNG.normal([0, 0, 0.6], 0.04, (3, 21, 3)).tolist()
PREDICTION = json.dumps([JOINTS, JOINTS])


def made_zip(method: int = zipfile.ZIP_DEFLATED, **members: str | bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as opened:
        for name, content in members.items():
            opened.writestr(name, content)
    return sink.getvalue()


@pytest.mark.parametrize(
    "clutter",
    ["._pred.json", "__MACOSX/._pred.json", ".ipynb_checkpoints/pred-checkpoint.json", "config.json", "logs/metrics.json"],
)
def test_the_prediction_is_found_among_other_json_files(tmp_path, clutter):
    (tmp_path / "pred.zip").write_bytes(made_zip(**{clutter: "{}", "pred.json": PREDICTION}))
    with unpacked(tmp_path / "pred.zip", ".json") as path:
        assert len(freihand.open_prediction(path, "pred.json")) == 3


def test_two_predictions_are_refused(tmp_path):
    (tmp_path / "pred.zip").write_bytes(made_zip(**{"a/pred.json": PREDICTION, "b/pred.json": PREDICTION}))
    with pytest.raises(FormatError, match=r"expected one `\.json` file"), unpacked(tmp_path / "pred.zip", ".json"):
        pass


def test_sequences_beside_hidden_files_are_read(tmp_path):
    sink = io.BytesIO(zipped(one=hands(4)))
    with zipfile.ZipFile(sink, "a") as opened:
        opened.writestr("._one.npz", b"a resource fork")
        opened.writestr(".DS_Store", b"of a Mac")
    (tmp_path / "p.zip").write_bytes(sink.getvalue())
    assert load_sequences(tmp_path / "p.zip", "p.zip").names == ("one",)


def test_a_truth_may_hold_nan_as_python_writes_it_and_a_prediction_may_not(tmp_path):
    points = RNG.normal(0, 0.1, (2, 21, 3))
    points[0, 3] = np.nan
    (tmp_path / "truth.json").write_text(json.dumps({"unit": "m", "joints": points.tolist()}))
    seen = joint_lists.open_joints(tmp_path / "truth.json", "truth.json", truth=True).seen
    assert np.argwhere(~seen).tolist() == [[0, 3]]
    with pytest.raises(FormatError, match=r"frame 0 of truth.json: joint 3 is \[nan"):
        joint_lists.open_joints(tmp_path / "truth.json", "truth.json", truth=False)
    (tmp_path / "deep.json").write_text("[" * 100_000 + "NaN")
    with pytest.raises(FormatError, match="expected JSON"):
        joint_lists.open_joints(tmp_path / "deep.json", "deep.json", truth=True)


def test_joints_without_vertices_are_named_and_flat_frames_too(tmp_path):
    (tmp_path / "xyz.json").write_text(json.dumps(JOINTS))
    with pytest.raises(FormatError, match="expected a list of xyz and verts: is `verts` missing"):
        freihand.open_prediction(tmp_path / "xyz.json", "xyz.json")
    (tmp_path / "flat.json").write_text(json.dumps([np.reshape(JOINTS, (3, 63)).tolist(), JOINTS]))
    with pytest.raises(FormatError, match=r"frame 0 of `xyz` of flat.json is no list of \[x, y, z\]: is it flat"):
        freihand.open_prediction(tmp_path / "flat.json", "flat.json")


def table_of(tmp_path, count: int = 2):
    np.savez(tmp_path / "t.npz", index=np.arange(count), joint_3d=RNG.normal(0, 0.1, (count, 21, 3)).astype(np.float32))
    return dexycb.open_truth(tmp_path / "t.npz")


def test_of_two_lines_for_a_sample_the_last_one_counts(tmp_path):
    truth = table_of(tmp_path)
    lines = [f"{index} " + " ".join([str(value)] * 63) for index, value in ((0, 1), (1, 2), (0, 3), (7, 4), (7, 5))]
    (tmp_path / "p.txt").write_text("\n".join(lines))
    found = dexycb.open_prediction(tmp_path / "p.txt", truth, "p.txt")
    assert found.joints(0, 2)[:, 0, 0].tolist() == [3, 2]


def test_the_error_for_utf_16_names_the_encoding(tmp_path):
    (tmp_path / "p.txt").write_text("0 " + "1 " * 63, encoding="utf-16")
    with pytest.raises(FormatError, match="text in UTF-16"):
        dexycb.open_prediction(tmp_path / "p.txt", table_of(tmp_path), "p.txt")


def test_the_error_for_a_text_file_as_truth_does_not_show_its_folder(tmp_path):
    (tmp_path / "truth.txt").write_text("hello")
    with pytest.raises(FormatError) as caught:
        freihand.open_truth(tmp_path / "truth.txt")
    assert str(caught.value).startswith("truth.txt is a file that begins with b'hello'")
    assert str(tmp_path) not in str(caught.value)


def test_arrays_that_unpack_to_a_multiple_are_refused_before_they_are_read(tmp_path):
    np.savez_compressed(tmp_path / "bomb.npz", joints=np.zeros((200_000, 21, 3)), unit="m")
    with pytest.raises(FormatError, match=r"unpacks to \d+ times its size, expected at most 100"):
        joint_lists.open_joints(tmp_path / "bomb.npz", "bomb.npz", truth=False)
    (tmp_path / "bomb.zip").write_bytes(made_zip(**{"a.npz": bytes(4 << 20)}))
    with pytest.raises(FormatError, match="unpacks to"):
        load_sequences(tmp_path / "bomb.zip", "bomb.zip")


ENCRYPTED = bytearray(made_zip(zipfile.ZIP_STORED, **{"evaluation_xyz.json": PREDICTION}))
ENCRYPTED[6] |= 1
ENCRYPTED[ENCRYPTED.rindex(b"PK\x01\x02") + 8] |= 1


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (bytes(ENCRYPTED), "is encrypted; make the archive without a password"),
        (made_zip(**{"1" * 5000 + ".npz": npz(hands(2))}), "has no or more than 200 characters"),
        (made_zip(**{"evaluation_xyz.json": b" " * (8 << 20)}), "unpacks to .* times its size"),
        (made_zip(**{"a/x.json": "1", "b/x.json": "2"}), "holds two files called `x.json`"),
        (made_zip(zipfile.ZIP_BZIP2, **{"x.json": "1"}), "packed by method"),
    ],
)
def test_a_truth_that_cannot_be_unpacked_is_refused_with_a_sentence(tmp_path, content, sentence):
    (tmp_path / "truth.zip").write_bytes(content)
    (tmp_path / "out").mkdir()
    with pytest.raises(FormatError, match=sentence):
        unpack_truth(tmp_path / "truth.zip", tmp_path / "out", "truth.zip")


def test_a_truth_is_unpacked_flat_and_without_clutter(tmp_path):
    (tmp_path / "truth.zip").write_bytes(
        made_zip(**{"FreiHAND/x.json": "1", "__MACOSX/FreiHAND/._x.json": "2", ".DS_Store": "3"})
    )
    (tmp_path / "out").mkdir()
    unpack_truth(tmp_path / "truth.zip", tmp_path / "out", "truth.zip")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["x.json"]


@pytest.mark.parametrize("seed", range(60))
def test_damaged_archives_are_read_or_refused_with_a_message(tmp_path, seed):
    rng = np.random.default_rng(seed)
    content = bytearray(zipped(one=hands(3), two=hands(2)) if seed % 2 else made_zip(**{"pred.json": PREDICTION}))
    places = rng.integers(0, len(content), 8) if seed % 3 else len(content) - 1 - rng.integers(0, 200, 8)
    for place in places:
        content[place] = rng.integers(256)
    path = tmp_path / "p.zip"
    path.write_bytes(bytes(content[: len(content) - (seed % 5) * 10]))

    def truth() -> None:
        (tmp_path / "out").mkdir()
        unpack_truth(path, tmp_path / "out", "p.zip")

    def prediction() -> None:
        with unpacked(path, ".json") as found:
            freihand.open_prediction(found, "pred.json")

    for read in (truth, prediction, lambda: load_sequences(path, "p.zip")):
        try:
            read()
        except FormatError as error:
            assert str(tmp_path) not in str(error)  # noqa: PT017 - some damage does no harm


def test_the_limits_of_archives_agree():
    assert truth_archive.MAX_DIRECTORY >= archive.MAX_DIRECTORY

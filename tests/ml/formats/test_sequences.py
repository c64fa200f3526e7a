"""Canonical predictions of several clips as one: bit-exact rows, separate frame numbers, and errors that name their file."""

from __future__ import annotations

import io
import json
import stat
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml.formats import sequences
from ml.formats.faults import FormatError
from ml.formats.sequences import STRIDE, load_sequences

OPTIONAL = {"vertices": (5, 3), "pose": (16, 3), "betas": (10,), "translation": (3,)}


def clip(rows=2, *, seed=0, vertices=5, without=(), meta=None, **changes):
    """Members of a canonical prediction; float members hold any bits, not-a-number included."""
    generator = np.random.default_rng(seed)
    floats = {"score": (), "joints": (21, 3), **{k: v for k, v in OPTIONAL.items() if k not in without}}
    if "vertices" in floats:
        floats["vertices"] = (vertices, 3)
    members = {
        name: generator.integers(0, 256, (rows, *shape, 4), np.uint8).view("f4")[..., 0] for name, shape in floats.items()
    }
    members |= {"frame": np.arange(rows, dtype="i4"), "track": np.full(rows, seed, "i4"), "side": np.ones(rows, "u1")}
    if meta is not None:
        members["meta"] = np.array(json.dumps(meta))
    return {**members, **changes}


def npz(members, write=np.savez):
    sink = io.BytesIO()
    write(sink, **members)
    return sink.getvalue()


def folder_of(path, clips):
    path.mkdir(exist_ok=True)
    for name, members in clips.items():
        (path / f"{name}.npz").write_bytes(npz(members))
    return path


def zip_of(path, *members):
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members:
            archive.writestr(name, content)
    return path


def same_bits(found, clips, name):
    return getattr(found.rows, name).tobytes() == b"".join(members[name].tobytes() for members in clips)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lengths=st.lists(st.integers(0, 4), min_size=1, max_size=5),
    write=st.sampled_from([np.savez, np.savez_compressed]),
    packed=st.booleans(),
)
def test_rows_of_all_clips_follow_each_other_to_the_bit(lengths, write, packed, tmp_path_factory):
    path = tmp_path_factory.mktemp("clips")
    clips = [clip(length, seed=number) for number, length in enumerate(lengths)]
    files = [(f"s{number}.npz", npz(members, write)) for number, members in enumerate(clips)]
    if packed:
        path = zip_of(path / "run.zip", *reversed(files))
    else:
        for name, content in files:
            (path / name).write_bytes(content)
    found = load_sequences(path, "run")
    assert found.names == tuple(f"s{number}" for number in range(len(clips)))
    assert found.index.tolist() == [number for number, length in enumerate(lengths) for _ in range(length)]
    assert all(same_bits(found, clips, name) for name in ("side", "score", "joints", *OPTIONAL))
    assert found.frames.tobytes() == b"".join(members["frame"].astype("i8").tobytes() for members in clips)


def test_frames_and_tracks_of_two_clips_have_separate_numbers(tmp_path):
    last = {"frame": np.array([0, STRIDE - 1]), "track": np.array([STRIDE - 1, 4])}
    found = load_sequences(folder_of(tmp_path / "run", {"a": clip(**last), "b": clip(**last)}), "run")
    assert found.rows.frame.tolist() == [0, 999_999, 1_000_000, 1_999_999]
    assert found.rows.track.tolist() == [999_999, 4, 1_999_999, 1_000_004]
    assert found.frames.tolist() == [0, 999_999, 0, 999_999]
    assert found.index.tolist() == [0, 0, 1, 1]


def test_frame_numbers_of_the_largest_number_of_sequences_fit_into_int32(tmp_path):
    path = folder_of(tmp_path / "run", {"s1999": clip(frame=np.array([0, STRIDE - 1]))})
    found = load_sequences(path, "run", names=[f"s{number}" for number in range(2000)])
    assert found.rows.frame.tolist() == [1_999_000_000, 1_999_999_999]
    assert found.frames.tolist() == [0, 999_999]
    with pytest.raises(FormatError, match=r"^run: 2001 sequences, at most 2000 are read$"):
        load_sequences(path, "run", names=[f"s{number}" for number in range(2001)])


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sequences, "MAX_SEQUENCES", 2)
    with pytest.raises(FormatError, match=r"^run: 3 sequences, at most 2 are read$"):
        load_sequences(folder_of(tmp_path / "run", dict.fromkeys("abc", clip())), "run")


def test_names_give_the_order_and_clips_without_a_file_have_no_rows(tmp_path):
    clips = {"a": clip(1, seed=1, meta={"fps": 30}), "c": clip(3, seed=2, meta={"fps": 25})}
    found = load_sequences(folder_of(tmp_path / "run", clips), "run", names=["d", "c", "b", "a"])
    assert found.names == ("d", "c", "b", "a")
    assert found.index.tolist() == [1, 1, 1, 3]
    assert found.rows.track.tolist() == [1_000_002] * 3 + [3_000_001]
    assert same_bits(found, [clips["c"], clips["a"]], "joints")
    assert found.metas == ({}, {"fps": 25}, {}, {"fps": 30})


def test_a_file_that_belongs_to_no_sequence(tmp_path):
    path = folder_of(tmp_path / "run", dict.fromkeys(("one", "three", "two"), clip()))
    with pytest.raises(FormatError, match=r"^run: there is no sequence `three`; there are `one`, `two`$"):
        load_sequences(path, "run", names=["one", "two"])
    with pytest.raises(FormatError, match=r"no sequence `one`; there are `0`, `1`, `2`, `3`, `4`, …$"):
        load_sequences(path, "run", names=list("0123456"))


def test_a_single_file_is_used_for_a_single_sequence_of_any_name(tmp_path):
    (tmp_path / "upload.npz").write_bytes(npz(clip(meta={"sequence": "mine", "fps": 30})))
    (tmp_path / "nameless.npz").write_bytes(npz(clip()))
    assert load_sequences(tmp_path / "upload.npz", "run", names=["theirs"]).names == ("theirs",)
    assert load_sequences(tmp_path / "upload.npz", "run").names == ("mine",)
    assert load_sequences(tmp_path / "nameless.npz", "run").names == ("nameless",)
    with pytest.raises(FormatError, match=r"^run: there is no sequence `mine`; there are `one`, `two`$"):
        load_sequences(tmp_path / "upload.npz", "run", names=["one", "two"])


def test_the_metadata_has_the_values_common_to_all_clips(tmp_path):
    metas = [{"fps": 30, "method": "m", "sequence": "a", "extra": 1}, {"method": "m", "fps": 30, "sequence": "b"}]
    found = load_sequences(folder_of(tmp_path / "run", {k: clip(meta=m) for k, m in zip("ab", metas, strict=True)}), "run")
    assert found.rows.meta == {"fps": 30, "method": "m"}
    assert found.metas == tuple(metas)


@pytest.mark.parametrize("member", OPTIONAL)
def test_an_optional_array_that_one_clip_lacks_is_dropped(member, tmp_path):
    clips = {"a": clip(), "b": clip(without=[member])}
    found = load_sequences(folder_of(tmp_path / "run", clips), "run")
    assert [name for name in OPTIONAL if getattr(found.rows, name) is None] == [member]
    # A clip in which no hand was seen lacks nothing.
    folder_of(tmp_path / "run", {"b": clip(0, without=[member])})
    assert same_bits(load_sequences(tmp_path / "run", "run"), [clips["a"]], member)


def test_meshes_of_two_sizes(tmp_path):
    path = folder_of(tmp_path / "run", {"a": clip(vertices=778), "b": clip(vertices=5)})
    with pytest.raises(FormatError, match=r"^run: `vertices` has 5 a hand in one sequence and 778 in another$"):
        load_sequences(path, "run")


def test_other_files_in_folders_and_macos_metadata_in_archives_are_ignored(tmp_path):
    (folder_of(tmp_path / "run", {"a": clip()}) / "notes.txt").write_text("x")
    assert load_sequences(tmp_path / "run", "run").names == ("a",)
    path = zip_of(tmp_path / "run.zip", ("run/", b""), ("run/a.npz", npz(clip())), ("__MACOSX/run/._a.npz", b"x"))
    assert load_sequences(path, "run.zip").names == ("a",)


LINK = zipfile.ZipInfo("a.npz")
LINK.external_attr = (stat.S_IFLNK | 0o777) << 16
GOOD = npz(clip())
ZIP_FAULTS = {
    "another file": ([("a.npz", GOOD), ("x.txt", b"x")], "run.zip holds `x.txt`, expected one .npz a sequence and nothing"),
    "a path up": ([("../a.npz", GOOD)], "run.zip holds `../a.npz`: no paths that lead out, links or passwords are accepted"),
    "a path up on Windows": ([("x\\..\\..\\a.npz", GOOD)], ": no paths that lead out, links or passwords are accepted"),
    "an absolute path": ([("/a.npz", GOOD)], "run.zip holds `/a.npz`: no paths that lead out"),
    "a link": ([(LINK, b"/etc/passwd")], "run.zip holds `a.npz`: no paths that lead out, links"),
    "a sequence twice": ([("x/a.npz", GOOD), ("y/a.npz", GOOD)], "run.zip holds `a.npz` twice"),
    "nothing": ([], "run.zip is an empty archive, expected one .npz a sequence"),
    "no prediction": ([("a.npz", GOOD), ("b.npz", b"x")], "`b.npz` in run.zip: the file is not a .npz archive"),
    "a member missing": (
        [("a.npz", GOOD), ("b.npz", npz({"frame": np.zeros(1, "i4")}))],
        "`b.npz` in run.zip: `side` is missing",
    ),
    "20 joints": (
        [("a.npz", GOOD), ("b.npz", npz(clip(joints=np.zeros((2, 20, 3), "f4"))))],
        r"`b.npz` in run.zip: `joints` has shape \[2, 20, 3\], expected \[N, 21, 3\]",
    ),
    "a late frame": (
        [("a.npz", npz(clip(frame=np.array([0, STRIDE]))))],
        "`a.npz` in run.zip: `frame` holds numbers outside 0 … 999999",
    ),
    "a negative track": (
        [("a.npz", npz(clip(track=np.array([0, -1]))))],
        "`a.npz` in run.zip: `track` holds numbers outside 0 … 999999",
    ),
}


@pytest.mark.parametrize("fault", ZIP_FAULTS)
def test_invalid_archives_are_refused_with_a_reason(fault, tmp_path):
    members, says = ZIP_FAULTS[fault]
    with pytest.raises(FormatError, match=says) as caught:
        load_sequences(zip_of(tmp_path / "content.zip", *members), "run.zip")
    assert "content.zip" not in str(caught.value)


def test_a_member_with_a_password(tmp_path):
    content = bytearray(zip_of(tmp_path / "run.zip", ("a.npz", GOOD)).read_bytes())
    content[content.rfind(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "run.zip").write_bytes(content)
    with pytest.raises(FormatError, match=r"^run.zip holds `a.npz`: no paths that lead out, links or passwords are accepted$"):
        load_sequences(tmp_path / "run.zip", "run.zip")


def test_a_member_whose_bytes_have_changed(tmp_path):
    content = bytearray(zip_of(tmp_path / "run.zip", ("a.npz", GOOD), ("b.npz", GOOD)).read_bytes())
    content[len(content) // 4 * 3] ^= 1  # in the second
    (tmp_path / "run.zip").write_bytes(content)
    with pytest.raises(FormatError, match=r"^`b.npz` in run.zip cannot be unpacked: Bad CRC-32"):
        load_sequences(tmp_path / "run.zip", "run.zip")


def test_invalid_folders_and_files_are_refused(tmp_path):
    with pytest.raises(FormatError, match=r"^run holds no .npz, expected one a sequence$"):
        load_sequences(tmp_path, "run")
    kinds = {b"": "an empty file", b"\x80\x04": "a pickle, which is never loaded", GOOD[:-30]: "a zip archive"}
    for content, kind in kinds.items():
        (tmp_path / "b.npz").write_bytes(content)
        with pytest.raises(FormatError, match=f"^b.npz is {kind}, expected a canonical .npz, or a .zip of one a sequence$"):
            load_sequences(tmp_path / "b.npz", "b.npz")
        folder_of(tmp_path, {"a": clip()})
        with pytest.raises(FormatError, match=rf"^run/b.npz: the file is not a .npz archive: it is {kind}$"):
            load_sequences(tmp_path, "run")


def test_sizes_are_bounded_over_all_members(tmp_path):
    path = zip_of(tmp_path / "run.zip", ("a.npz", GOOD), ("b.npz", GOOD), ("c.npz", GOOD))
    assert load_sequences(path, "run.zip", max_bytes=6 * len(GOOD)).names == ("a", "b", "c")
    with pytest.raises(FormatError, match=r"run\.zip: .* once unpacked"):
        load_sequences(path, "run.zip", max_bytes=int(1.2 * len(GOOD)))
    (tmp_path / "one.npz").write_bytes(npz(clip(100), np.savez_compressed))
    with pytest.raises(FormatError, match=r"^one.npz: the file: 0.0 GB once unpacked, at most 0.0 GB are read$"):
        load_sequences(tmp_path / "one.npz", "one.npz", max_bytes=30_000)

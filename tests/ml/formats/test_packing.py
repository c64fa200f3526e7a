"""Archives that are packed in unusual ways, damaged, or larger than they seem: always a message, never another error."""

from __future__ import annotations

import io
import struct
import zipfile

import numpy as np
import pytest

from ml.formats import dexycb
from ml.formats.archive import unpacked
from ml.formats.faults import FormatError
from ml.formats.json_frames import index_frames
from ml.formats.sequences import load_sequences


def canonical(save=np.savez, **more) -> bytes:
    arrays = {
        "frame": np.arange(4, dtype="i4"),
        "side": np.ones(4, "u1"),
        "track": np.zeros(4, "i4"),
        "score": np.ones(4, "f4"),
        "joints": np.random.default_rng(0).normal(size=(4, 21, 3)).astype("f4"),
    }
    stream = io.BytesIO()
    save(stream, **arrays | more)
    return stream.getvalue()


def repacked(content: bytes, method: int, **instead: bytes) -> bytes:
    """The same archive by another method, with other bytes for some members."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(stream, "w", method) as target:
        for name in source.namelist():
            target.writestr(name, instead.get(name.removesuffix(".npy"), source.read(name)))
    return stream.getvalue()


def refused(path, content: bytes) -> str:
    path.write_bytes(content)
    with pytest.raises(FormatError) as caught:
        load_sequences(path, path.name)
    return str(caught.value)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_packings_than_zips_are_refused_before_anything_is_unpacked(tmp_path, method):
    assert "expected stored or deflated" in refused(tmp_path / "a.npz", repacked(canonical(), method))
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w", method) as archive:
        archive.writestr("pred.json", "[[], []]")
        archive.writestr("a.npz", canonical())
    (tmp_path / "p.zip").write_bytes(outer.getvalue())
    with pytest.raises(FormatError, match="expected stored or deflated"), unpacked(tmp_path / "p.zip", ".json"):
        pass
    (tmp_path / "t.npz").write_bytes(repacked(canonical(), method))
    with pytest.raises(FormatError, match="expected stored or deflated"):
        dexycb.open_truth(tmp_path / "t.npz")


def test_damaged_compression_is_refused(tmp_path):
    content = bytearray(canonical(np.savez_compressed))
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as archive:
        start = archive.getinfo("joints.npy").header_offset + 150
    content[start : start + 60] = b"\xff" * 60
    assert "`joints` cannot be read" in refused(tmp_path / "a.npz", bytes(content))


def header(text: str) -> bytes:
    padded = text.encode() + b" " * ((-len(text) - 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded + b"xxxx"


@pytest.mark.parametrize(
    "text",
    ['{"descr": ((((', '"""', "  x\n y", "-" * 9000 + "1", "(" * 190 + ")" * 190, "{'descr': '<f4', 'shape': (9,)}"],
    ids=["open", "quotes", "indented", "deep", "parentheses", "short"],
)
def test_malformed_headers_are_refused(tmp_path, text):
    assert "`joints` cannot be read" in refused(
        tmp_path / "a.npz", repacked(canonical(), zipfile.ZIP_STORED, joints=header(text))
    )


def test_a_central_directory_beyond_the_end_is_refused(tmp_path):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.npz", canonical())
    content = stream.getvalue()
    end = content.rfind(b"PK\x05\x06")
    locator = b"PK\x06\x07" + struct.pack("<LQL", 0, 2**40, 1)
    assert "beyond its end" in refused(tmp_path / "l.zip", content[:end] + locator + content[end:])


def test_the_size_limit_applies_to_the_total_of_all_unpacked_sequences(tmp_path):
    large = canonical(np.savez_compressed, vertices=np.zeros((4, 20_000, 3), "f4"))
    folder = tmp_path / "folder"
    folder.mkdir()
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        for name in "abc":
            archive.writestr(f"{name}.npz", large)
            (folder / f"{name}.npz").write_bytes(large)
    for path in (tmp_path / "b.zip", folder):
        assert load_sequences(path, path.name, max_bytes=4_000_000).names == ("a", "b", "c")
        with pytest.raises(FormatError, match="GB once unpacked"):
            load_sequences(path, path.name, max_bytes=1_200_000)


def test_flat_frames_and_deep_nesting_are_refused_with_a_reason(tmp_path):
    (tmp_path / "flat.json").write_text(str([[float(n) for n in range(63)]] * 4))
    with pytest.raises(FormatError, match="is it flat"):
        index_frames(tmp_path / "flat.json", ["xyz"], wrapped=False)
    (tmp_path / "deep.json").write_text("[[[" + '{"a":' * 300 + "1" + "}" * 300 + ",1,2]]]")
    (frames,) = index_frames(tmp_path / "deep.json", ["xyz"], wrapped=False)
    with pytest.raises(FormatError, match=r"frame 0 of .*a nest of lists and objects"):
        frames.read(0, 1, 1)


def test_long_white_space_before_a_long_frame_is_skipped(tmp_path):
    frame = "[[1,2,3" + " " * (3 << 20) + "]]"
    (tmp_path / "w.json").write_text("[" + ",".join([frame] * 4) + "," + " " * (3 << 20) + frame + "]")
    assert len(index_frames(tmp_path / "w.json", ["xyz"], wrapped=False)[0]) == 5

"""Damaged attachments of every format: read, or refused with a message, and no other error."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.formats.faults import FormatError
from ml.formats.prediction import PredictionArrays
from ml.intake.reading import READERS, Kind, read_attached
from tests.attachments import CLIP, archive, label_zip, list_zip, meshes
from tests.ml.intake.test_prediction_files import FACES, obj, parameters, ply
from tests.predictions import hands, npz

CASES: list[tuple[Kind, str]] = [(kind, name) for kind, readers in READERS.items() for name in readers]
ROUNDS = 150


def good(kind: Kind, file_format: str) -> bytes:
    """A small file of the format that can be used."""
    small: PredictionArrays = replace(hands(12), vertices=None)
    match kind, file_format:
        case _, "palmares":
            return npz(small)
        case _, "dexycb":
            return label_zip(small, meta=b"mano_sides: [left]")
        case _, "mano":
            return parameters(vertices=None)
        case _, "meshes":
            vertices = meshes(2).vertices[:, :60]
            faces = FACES[(FACES < 60).all(1)]
            sink = io.BytesIO()
            np.save(sink, np.tile(hands(1).joints, (2, 1, 1)))
            files = {"1_right__obj": obj(vertices[0], faces), "2_right__ply": ply(vertices[1], faces, "binary")}
            return archive(**files, joints__npy=sink.getvalue())
        case "prediction", layout:
            with zipfile.ZipFile(io.BytesIO(list_zip(meshes(12), layout))) as lists:
                joints, vertices = (lists.read(f"training_{name}.json") for name in ("xyz", "verts"))
            return archive(pred__json=b"[" + joints + b"," + vertices + b"]")
        case _, layout:
            return list_zip(small, layout)
    raise AssertionError


def damaged(content: bytes, rng: np.random.Generator) -> bytes:
    """The archive with some of its bytes changed, or packed anew with a member that was changed."""
    if rng.random() < 0.5:
        return changed(content, rng)
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(sink, "w") as target:
        hit = rng.integers(len(source.namelist()))
        for number, name in enumerate(source.namelist()):
            member = source.read(name)
            target.writestr(name, changed(member, rng) if number == hit else member)
    return sink.getvalue()


def changed(content: bytes, rng: np.random.Generator) -> bytes:
    """Some bytes replaced, mostly in the head, where headers are; at times cut off."""
    found = bytearray(content)
    span = min(len(found), 300) if rng.random() < 0.7 else len(found)
    for place in rng.integers(0, span, rng.integers(1, 6)):
        found[place] = rng.integers(256)
    return bytes(found[: rng.integers(len(found))] if rng.random() < 0.2 else found)


@pytest.mark.parametrize(("kind", "file_format"), CASES)
def test_it_is_read_or_refused_with_a_sentence(tmp_path: Path, kind: Kind, file_format: str):
    content, rng, refused = good(kind, file_format), np.random.default_rng(7), 0
    path = tmp_path / ("file.npz" if file_format in ("palmares", "mano") else "file.zip")
    clip = replace(CLIP, is_video=False)
    path.write_bytes(content)
    read_attached(kind, path, file_format, clip, called="the file", side="right")
    for _ in range(ROUNDS):
        path.write_bytes(damaged(content, rng))
        try:
            read_attached(kind, path, file_format, clip, called="the file", side="right")
        except FormatError as error:
            refused += 1
            assert str(tmp_path) not in str(error)  # noqa: PT017 - some damage does no harm
    assert refused > ROUNDS / 5

"""Random bytes, and files with random changes: scored or refused with a `FormatError`, never anything else."""

from __future__ import annotations

import json

import numpy as np
import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml.formats.faults import FormatError
from tests.ml.formats.test_bad_input import GOOD, XYZ, canonical, score, truth  # noqa: F401 - a fixture

FUZZ = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
JSON_ALPHABET = st.text(alphabet='[]{},:" 0123456789.-+eEtfnNaI\n', max_size=200)


@FUZZ
@given(data=st.data())
def test_json_with_random_changes_is_scored_or_refused(data, truth, tmp_path):  # noqa: F811
    content = bytearray(GOOD.encode())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        length = data.draw(st.integers(0, 30))
        content[place : place + length] = data.draw(JSON_ALPHABET).encode()
    path = tmp_path / "pred.json"
    path.write_bytes(content)
    try:
        whole = orjson.loads(bytes(content))
    except ValueError:
        whole = None
    try:
        scores = score("freihand", truth, path)
    except FormatError:
        return
    assert whole is not None, "scored what is not JSON"
    assert scores.per_frame["mpjpe"] == pytest.approx(np.linalg.norm(np.array(whole[0], float) - XYZ, axis=-1).mean(-1) * 1000)


@FUZZ
@given(
    content=st.binary(max_size=300),
    head=st.sampled_from([b"", b"PK\x03\x04", b"\x93NUMPY\x01\x00", b"[[", b"[[[[1,2,3]]],[", b"3,"]),
)
def test_every_reader_refuses_random_bytes(content, head, truth, tmp_path):  # noqa: F811
    np.savez(tmp_path / "table.npz", index=np.array([3]), joint_3d=XYZ[:1])
    (tmp_path / "list.json").write_text(json.dumps({"unit": "m", "joints": XYZ.tolist()}))
    (tmp_path / "run.npz").write_bytes(canonical())
    path = tmp_path / "file.npz"
    path.write_bytes(head + content)
    for name, where in (("freihand", truth), ("dexycb", "table.npz"), ("rhd", "list.json"), ("palmares", "run.npz")):
        with pytest.raises(FormatError):
            score(name, tmp_path / where, path)


@FUZZ
@given(data=st.data())
def test_npz_with_random_changes_is_scored_or_refused(data, tmp_path):
    content = bytearray(canonical())
    (tmp_path / "truth.npz").write_bytes(canonical())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place : place + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    path = tmp_path / "run.npz"
    path.write_bytes(content)
    try:
        score("palmares", tmp_path / "truth.npz", path)
    except FormatError as error:
        assert str(error)  # noqa: PT017 - refused or scored, and nothing else

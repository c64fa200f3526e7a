"""The check of a submitted file is bounded: in number, memory, time and disk space; and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import zipfile
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

import numpy as np
import pytest

from palmares.api import check_slots, limited_check
from palmares.api.check_slots import SLOTS, check_slot
from palmares.api.problems import InvalidError
from palmares.submissions.file_check import check_file
from palmares.submissions.models import Submission
from tests.predictions import zipped
from tests.scored_benchmarks import SEQUENCES

from .test_submit import send

FRAMES = 40


@pytest.fixture(autouse=True)
def temporary(settings, tmp_path) -> Path:
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "temporary"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    return settings.FILE_UPLOAD_TEMP_DIR


@pytest.fixture
def arguments(tmp_path):
    """Of a valid FreiHAND submission, a `.zip` that is unpacked to about 2 MB."""
    values = np.random.default_rng(0).normal(0.5, 0.03, (FRAMES, 21 + 778, 3))
    joints, vertices = values[:, :21].tolist(), values[:, 21:].tolist()
    truth, file = tmp_path / "truth", tmp_path / "pred.zip"
    truth.mkdir()
    (truth / "evaluation_xyz.json").write_text(json.dumps(joints))
    (truth / "evaluation_verts.json").write_text(json.dumps(vertices))
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("pred.json", json.dumps([joints, vertices]))
    return {"protocol": "freihand", "truth": truth, "file": file, "name": "pred.zip"}


def left(temporary: Path) -> list[Path]:
    return [path for path in temporary.rglob("*") if path.suffix != ".lock" and path.name != "checks"]


def test_the_check_of_a_valid_file_leaves_no_files(arguments, temporary):
    assert check_file(**arguments).rows == FRAMES
    assert left(temporary) == []


@pytest.mark.parametrize(
    ("limit", "value", "sentence"),
    [
        ("FILE_BYTES", 200_000, "needs more than 0.0 GB once unpacked"),
        ("MEMORY_BYTES", 1 << 20, "needs more than 0.0 GB of memory"),
        ("SECONDS", 0.01, "could not be read within"),
    ],
)
def test_a_check_that_exceeds_a_limit_gives_an_error_message_and_leaves_no_files(
    arguments, temporary, monkeypatch, limit, value, sentence
):
    monkeypatch.setattr(limited_check, limit, value)
    with pytest.raises(InvalidError, match=sentence):
        check_file(**arguments)
    assert left(temporary) == []


def test_one_more_check_than_there_are_slots_is_answered_503(api, contest, member, monkeypatch):
    monkeypatch.setattr(check_slots, "WAIT_SECONDS", 0.0)
    with ExitStack() as held:
        for _ in range(SLOTS):
            held.enter_context(check_slot())
        answer = send(api(member), zipped(**SEQUENCES))
    assert (answer.status_code, answer["Retry-After"]) == (503, "30")
    assert answer["Content-Type"] == "application/problem+json"
    assert not Submission.objects.exists()
    assert send(api(member), zipped(**SEQUENCES)).status_code == 201


def test_a_check_waits_for_a_slot(arguments, monkeypatch):
    monkeypatch.setattr(check_slots, "WAIT_SECONDS", 600.0)
    rows: list[int] = []
    waiting = Thread(target=lambda: rows.append(check_file(**arguments).rows))
    with check_slot(), check_slot():
        waiting.start()
        assert rows == []
    waiting.join()
    assert rows == [FRAMES]


_HOLDER = """
import sys
from palmares.api.check_slots import check_slot
with check_slot() as slot:
    (slot.folder / "half").write_bytes(b"1")
    print(slot.folder, flush=True)
    sys.stdin.read()
"""


def test_what_a_killed_server_left_is_removed_by_the_next_check(temporary):
    script = (
        "import django; django.setup(); from django.conf import settings; from pathlib import Path;"
        f"settings.FILE_UPLOAD_TEMP_DIR = Path({str(temporary)!r})\n{_HOLDER}"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        folder = Path(holder.stdout.readline().decode().strip())
        with check_slot() as other:
            assert other.folder != folder
        os.kill(holder.pid, signal.SIGKILL)
    assert [path.name for path in left(temporary)] == [folder.name, "half"]
    with check_slot() as slot:
        assert slot.folder == folder
        assert left(temporary) == [folder]
    assert left(temporary) == []

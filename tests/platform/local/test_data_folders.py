"""Another user of the machine reads nothing of what is under `PALMARES_DATA`."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import uuid
from pathlib import Path

import psycopg
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from palmares.local import embedded_servers
from palmares.local.data_folders import FOLDERS, make_private

ROOT = Path(__file__).resolve().parents[3]
OTHERS = 0o077
ENTER = 0o011 if os.geteuid() == 0 else 0
"""What stays to others of `data` and `run`, which root's PostgreSQL passes through under its own account."""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def assert_private(data: Path) -> None:
    for name in FOLDERS:
        allowed = ENTER if name == "run" else 0
        assert mode(data / name) & OTHERS & ~allowed == 0, name
    assert mode(data) & OTHERS & ~ENTER == 0


def test_new_folders_are_accessible_to_their_owner_only(tmp_path):
    make_private(tmp_path / "deep" / "data")
    assert_private(tmp_path / "deep" / "data")


def test_folders_of_an_older_installation_are_tightened(tmp_path):
    data = tmp_path / "data"
    for folder in (data, *(data / name for name in FOLDERS)):
        folder.mkdir()
        folder.chmod(0o755)
    make_private(data)
    assert_private(data)
    assert mode(data / "media") == 0o700


def test_postgresql_starts_in_tightened_folders_and_answers_after_the_next_tightening(tmp_path):
    data = tmp_path / "data"
    previous = os.umask(0o077)
    try:
        url = embedded_servers.database_url(data)
        make_private(data)
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert_private(data)
    finally:
        os.umask(previous)
        embedded_servers.release(data)


def test_stored_media_are_readable_by_their_owner_only():
    name = default_storage.save(f"{uuid.uuid4()}/inner/truth.npz", ContentFile(b"secret"))
    path = Path(default_storage.path(name))
    try:
        assert mode(path) == 0o600
        assert mode(path.parent) == mode(path.parent.parent) == 0o700
    finally:
        default_storage.delete(name)


@pytest.mark.parametrize(
    "start",
    [
        "import palmares.local.launch as m; assert m.main(['unknown']) == 2",
        "import workers.__main__ as m, contextlib\nwith contextlib.suppress(ValueError): m.main()",
    ],
    ids=["manage.py up", "workers"],
)
def test_files_made_after_the_start_are_accessible_to_their_owner_only(tmp_path, start):
    command = f"{start}\nopen({str(tmp_path / 'made')!r}, 'w').close()"
    paths = os.pathsep.join([str(ROOT / "platform"), str(ROOT)])
    environment = {**os.environ, "PYTHONPATH": paths, "WORKER_PROCESSES": "not a number"}
    subprocess.run([sys.executable, "-c", command], check=True, env=environment)
    assert mode(tmp_path / "made") == 0o600

"""The client on macOS and Windows, as far as that can be checked on Linux: by types, and without what only Linux has."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.ml.commands.test_score import a_hand, lists
from tests.predictions import hands, moved, npz

ROOT = Path(__file__).resolve().parents[2]

ONLY_ON_LINUX = (
    "sched_getaffinity",
    "pread",
    "preadv",
    "pwrite",
    "posix_fadvise",
    "sendfile",
    "memfd_create",
    "copy_file_range",
)
"""Some names of `os` that are missing on macOS or Windows, and that Python's own library does not need on Linux."""
MODULES = ("resource", "fcntl", "grp")


def wheel_sources() -> list[Path]:
    """Every Python file that the client's wheel holds."""
    wheel = tomllib.loads((ROOT / "client/pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    included = [ROOT / "client" / name for name in (*wheel["packages"], *wheel["force-include"])]
    files = {file.resolve() for path in included for file in (path.rglob("*.py") if path.is_dir() else [path])}
    assert ROOT / "ml/formats/json_frames.py" in files
    assert ROOT / "client/palmares_client/command.py" in files
    return sorted(files)


@pytest.mark.parametrize("system", ["win32", "darwin"])
def test_the_types_of_another_system_have_all_names_that_the_client_uses(system, tmp_path):
    """Mypy knows which functions of Python's library exist on which system; other packages it need not read."""
    command = [sys.executable, "-m", "mypy", "--config-file=", f"--cache-dir={tmp_path}", f"--platform={system}"]
    flags = [
        "--no-site-packages",
        "--ignore-missing-imports",
        "--follow-imports=silent",
        "--check-untyped-defs",
        "--explicit-package-bases",
    ]
    done = subprocess.run([*command, *flags, *wheel_sources()], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


WITHOUT = f"""
import os, sys
for name in {ONLY_ON_LINUX!r}:
    if hasattr(os, name):
        delattr(os, name)
import mmap
mmap.mmap = type("mmap", (), {{}})  # without `madvise`
for name in {MODULES!r}:
    sys.modules[name] = None  # importing it fails
from palmares_client.command import main
sys.exit(main(sys.argv[1:]))
"""


def palmares(*arguments: object, **environment: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", WITHOUT, *map(str, arguments)]
    paths = {"PYTHONPATH": f"{ROOT}:{ROOT / 'client'}"}
    return subprocess.run(command, env=paths | environment, capture_output=True, check=False)


def test_files_are_scored_without_functions_that_only_linux_has(tmp_path):
    arrays = a_hand()
    (tmp_path / "evaluation_xyz.json").write_text(json.dumps(arrays[0].tolist()))
    (tmp_path / "evaluation_verts.json").write_text(json.dumps(arrays[1].tolist()))
    (tmp_path / "pred.json").write_text(lists(*arrays[2:]))
    done = palmares("score", "--protocol", "freihand", tmp_path, tmp_path / "pred.json", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["metrics"]["mpjpe"] > 0
    checked = palmares("check", "--protocol", "freihand", tmp_path / "pred.json")
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_commands_succeed_on_a_console_that_lacks_characters(scripted_server, tmp_path, encoding):
    (tmp_path / "truth.npz").write_bytes(npz(hands(6, seed=1)))
    (tmp_path / "pred.npz").write_bytes(npz(moved(hands(6, seed=1), 10)))
    scripted_server.way = [{**scripted_server.way[-1], "method": "名 ←"}]
    settings = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "PALMARES_TOKEN": "right", "PALMARES_CONFIG": str(tmp_path)}
    table = palmares("score", "--protocol", "palmares", tmp_path / "truth.npz", tmp_path / "pred.npz", **settings)
    assert table.returncode == 0, table.stderr
    board = palmares("wait", scripted_server.way[0]["id"], "--board", "--server", scripted_server.url, **settings)
    assert board.returncode == 0, board.stderr
    printed = palmares("wait", scripted_server.way[0]["id"], "--json", "--server", scripted_server.url, **settings)
    assert json.loads(printed.stdout.decode(encoding))["method"] == "名 ←"

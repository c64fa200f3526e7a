"""`.ci/venv` in a clone of its own: it must not need what some machines lack."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_it_runs_without_a_home(tmp_path):
    """Users of services have no `HOME`. The environment exists already, so that nothing is installed."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "venv", tmp_path / ".ci")
    (tmp_path / "requirements.lock").write_text("torch==0\n")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / ".venv" / "bin" / "python").symlink_to(sys.executable)
    pip = tmp_path / ".venv" / "bin" / "pip"
    pip.write_text('#!/bin/sh\necho "$@" >> "$(dirname "$0")/calls"\n')
    pip.chmod(0o755)
    path = os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"])
    done = subprocess.run([tmp_path / ".ci" / "venv"], env={"PATH": path}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "torch==0" in (tmp_path / ".venv" / "bin" / "calls").read_text()

"""`manage.py estimate`, from a file to a prediction, as a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from ml.formats.prediction import PredictionArrays
from ml.synthetic.clips import make_clip, write_clip
from ml.synthetic.subjects import make_subject

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fifteen frames of a hand."""
    folder = tmp_path_factory.mktemp("rendered")
    write_clip(make_clip(11, make_subject(0, "validation", 0), seconds=0.5, turn=0.3), folder)
    return folder / "video.mp4"


def _estimate(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "estimate", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("method", ["mediapipe-ik", "2d-fit"])
def test_it_works(video, tmp_path, method):
    done = _estimate(video, "--method", method, "--out", tmp_path / "out" / "hands.npz", "--focal", 554)
    assert done.returncode == 0, done.stderr
    found = PredictionArrays.load(tmp_path / "out" / "hands.npz")
    assert found.meta["method"] == method
    assert len(found) >= 12


def test_a_file_that_is_no_video(tmp_path):
    (tmp_path / "notes.mp4").write_text("these are notes")
    done = _estimate(tmp_path / "notes.mp4", "--method", "2d-fit", "--out", tmp_path / "hands.npz")
    assert done.returncode == 2
    assert "notes.mp4" in done.stderr
    assert not (tmp_path / "hands.npz").exists()

"""The wheel: it holds the scorer itself, gives the same numbers and needs neither Django nor torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path
from typing import Any

import pytest

from ml.commands import score
from ml.metrics.report import scorer_sha256
from tests.predictions import hands, moved, npz

ROOT = Path(__file__).resolve().parents[2]
NEITHER = ("django", "torch", "mediapipe", "celery", "av", "smplx")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The wheel, built and unpacked as an installer does."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    built = subprocess.run([*command, "--wheel-dir", folder, ROOT / "client"], capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("palmares_client-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert "entry_points.txt" in " ".join(archive.namelist())
        archive.extractall(folder / "site")
    return folder / "site"


def palmares(site: Path, code: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run in a process that sees the wheel and its dependencies, and nothing of this repository."""
    libraries = sysconfig.get_path("purelib")
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{site}{os.pathsep}{libraries}", "HOME": str(site)}
    command = [sys.executable, "-S", "-P", "-c", code, *map(str, arguments)]
    return subprocess.run(command, cwd=site, env=environment, capture_output=True, text=True, check=False)


RUN = f"""
import os, sys
from palmares_client.command import main
code = main(sys.argv[1:])
import ml, palmares_client.client, palmares_client.local_check
assert {{n.partition(".")[0] for n in sys.modules}}.isdisjoint({NEITHER}), sorted(sys.modules)
assert ml.__file__.startswith(os.getcwd()), ml.__file__
sys.exit(code)
"""


def test_it_scores_as_the_platform_does(site, tmp_path, capfdbinary):
    truth, prediction = tmp_path / "truth.npz", tmp_path / "pred.npz"
    truth.write_bytes(npz(hands(12, seed=1)))
    prediction.write_bytes(npz(moved(hands(12, seed=2), 5)))
    arguments = ["--protocol", "palmares", str(truth), str(prediction), "--json"]
    there = palmares(site, RUN, "score", *arguments)
    assert there.returncode == 0, there.stderr
    assert score.main(arguments) == 0
    there_found, here_found = _leaves(json.loads(there.stdout)), _leaves(json.loads(capfdbinary.readouterr().out))
    assert there_found.keys() == here_found.keys()
    for place, value in here_found.items():
        # the last digits depend on where arrays lie in memory
        assert there_found[place] == (pytest.approx(value, rel=1e-9, abs=1e-6) if isinstance(value, float) else value), place


def _leaves(found: Any, place: str = "") -> dict[str, Any]:
    """Every value of a JSON document by its place."""
    if not isinstance(found, dict | list):
        return {place: found}
    entries = found.items() if isinstance(found, dict) else enumerate(found)
    return {key: value for name, part in entries for key, value in _leaves(part, f"{place}/{name}").items()}


def test_the_scorer_in_the_wheel_has_the_same_hash(site):
    there = palmares(site, "from ml.metrics.report import scorer_sha256; print(scorer_sha256())")
    assert there.stdout.strip() == scorer_sha256(), there.stderr


def test_the_wheel_has_working_check_and_help_commands(site, tmp_path):
    prediction = tmp_path / "pred.npz"
    prediction.write_bytes(npz(hands(4)))
    checked = palmares(site, RUN, "check", "--protocol", "palmares", prediction)
    assert checked.returncode == 0, checked.stderr
    told = palmares(site, "from palmares_client.command import main; main(['--help'])")
    assert "submit" in told.stdout, told.stderr
    assert "score" in told.stdout


def test_every_module_in_it_can_be_imported(site):
    modules = [".".join(p.relative_to(site).with_suffix("").parts) for p in site.rglob("*.py") if p.name != "__init__.py"]
    there = palmares(site, f"import importlib\nfor name in {sorted(modules)!r}: importlib.import_module(name)")
    assert there.returncode == 0, there.stderr

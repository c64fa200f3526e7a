"""Rules that keep the source easy to navigate: short files and functions, and unique names of modules and classes."""

from __future__ import annotations

import ast
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
CONVENTIONAL = {
    "__init__", "__main__", "admin", "apps", "conftest", "forms", "models", "pages", "serializers", "services", "viewsets",
    "main", "urls",  # `main` of the entry points in `frontend`
}  # fmt: skip
"""Names of modules that every app may have."""
CONVENTIONAL_CLASSES = {"Command", "Meta"}


def sources() -> list[Path]:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False).stdout.splitlines()
    found = [ROOT / name for name in listed if name.endswith((".py", ".ts", ".tsx", ".css")) and "/migrations/" not in name]
    return [path for path in found if path.exists()]


if not sources():
    pytest.skip("This is no git clone", allow_module_level=True)


def test_files_are_short():
    counts = {path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
    assert {name: lines for name, lines in counts.items() if lines > MAX_FILE_LINES} == {}


def test_functions_are_short():
    too_long = {}
    for path in (path for path in sources() if path.suffix == ".py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MAX_FUNCTION_LINES:
                    too_long[f"{path.relative_to(ROOT)}:{node.name}"] = lines
    assert too_long == {}


def test_no_two_modules_have_one_name():
    places = defaultdict(list)
    for path in sources():
        name = path.name.removesuffix(path.suffix).removesuffix(".test")
        is_test = path.name.startswith("test_") or ".test." in path.name  # tests mirror the tree
        if name not in CONVENTIONAL and not is_test:
            places[name, path.suffix].append(path.relative_to(ROOT).as_posix())
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_no_two_classes_have_one_name():
    places = defaultdict(list)
    for path in (path for path in sources() if path.suffix == ".py" and not path.name.startswith("test_")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and node.name not in CONVENTIONAL_CLASSES:
                places[node.name].append(path.relative_to(ROOT).as_posix())
    assert {name: found for name, found in places.items() if len(found) > 1} == {}

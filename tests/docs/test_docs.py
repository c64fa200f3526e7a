"""Everything named in the documents exists, and everything that must be documented is."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
from django.core.management import get_commands

from ml.catalog import METHODS, METRICS, PROTOCOLS
from ml.metrics import protocol
from palmares.calibrations import services as calibrations

ROOT = Path(__file__).parents[2]
DOCS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
MAKEFILE = (ROOT / "Makefile").read_text()
CODE = [path for folder in ("platform", "workers", "ml", "client/palmares_client") for path in (ROOT / folder).rglob("*.py")]
NOT_SETTINGS = {"DJANGO_SETTINGS_MODULE", "PATH", "PYTHONPATH", "PYTHONUNBUFFERED", "TF_CPP_MIN_LOG_LEVEL", "XDG_RUNTIME_DIR"}
"""Of Python, the shell or a library, not ours."""


def read(name: str) -> str:
    return (ROOT / name).read_text()


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_to_a_file_leads_to_one(path):
    for target in re.findall(r"\]\((?!https?:|#|mailto:)([^)#\s]+)", path.read_text()):
        assert (path.parent / target).exists(), target


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_file_named_in_code_type_is_there(path):
    for target in re.findall(r"`((?:ml|platform|workers|frontend|tests|client|docs)/[\w./-]+)`", path.read_text()):
        assert (ROOT / target).exists(), target


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_target_of_make_is_there(path):
    for target in re.findall(r"`?make ([a-z]+)\b", "\n".join(re.findall(r"```.*?```|`[^`]+`", path.read_text(), re.DOTALL))):
        assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target


@pytest.mark.parametrize("name", list(METHODS))
def test_every_method_is_in_the_documents(name):
    entry = METHODS[name]
    text = read("docs/methods.md")
    assert f"`{name}`, version {entry.version}. {entry.summary}\n" in text
    assert entry.title in text
    assert entry.citation.split(",")[0] in text


@pytest.mark.parametrize("name", list(METHODS))
def test_every_method_that_the_command_takes_is_named_there(name):
    assert f"`{name}`" in read("docs/commands.md").partition("## estimate")[2]


@pytest.mark.parametrize("name", list(METRICS))
def test_every_metric_is_in_the_documents_with_its_unit_and_direction(name):
    entry = METRICS[name]
    (row,) = [line for line in read("docs/metrics.md").splitlines() if line.startswith(f"| `{name}` |")]
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    unit = "–" if entry.unit == "1" else entry.unit
    assert cells[1:] == [entry.title, unit, entry.direction, entry.definition, entry.source]


@pytest.mark.parametrize("name", list(PROTOCOLS))
def test_every_protocol_is_in_the_documents(name):
    assert f"`{name}`" in read("docs/scoring.md")


def test_the_protocols_of_the_web_are_those_of_the_scorer():
    assert set(PROTOCOLS) == set(protocol.PROTOCOLS)
    for name, entry in PROTOCOLS.items():
        assert set(entry.metrics) <= set(METRICS), name


@pytest.mark.parametrize("source", list(calibrations.SCALES))
def test_every_source_of_scale_is_in_the_documents(source):
    assert f'"{source}"' in read("docs/calibration.md")


@pytest.mark.parametrize("name", sorted(name for name, app in get_commands().items() if app.startswith("palmares")))
def test_every_command_is_in_the_documents(name):
    assert re.search(rf"`{name}\b", read("docs/commands.md"))


def test_every_dependency_is_in_the_notice_with_its_licence():
    words = {word.lower() for word in re.findall(r"[@\w/.-]+", read("NOTICE"))}
    named = {requirement for file in ("pyproject.toml", "client/pyproject.toml") for requirement in dependencies(file)}
    browser = json.loads(read("frontend/package.json"))["dependencies"]
    fonts = {name for name in browser if name.startswith("@fontsource")}
    packages = {name.removesuffix(".org") for name in browser if name not in fonts}
    assert {name.lower() for name in named | packages} - words == set()
    assert {"inter", "jetbrains"} <= words or not fonts


def dependencies(file: str) -> set[str]:
    """Names of what a distribution needs, without extras and versions."""
    found = tomllib.loads(read(file))["project"]["dependencies"]
    aliases = {"av": "pyav", "opencv-contrib-python-headless": "opencv-contrib-python"}
    names = {re.split(r"[\[<>=!~; ]", requirement)[0].lower() for requirement in found}
    return {aliases.get(name, name) for name in names}


def test_every_variable_of_the_environment_is_in_the_documents():
    found = set()
    for path in CODE:
        for line in path.read_text().splitlines():
            if re.search(r"environ\b|\benv[.(]", line):
                found |= set(re.findall(r"""["']([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)["']""", line))
    documented = set(re.findall(r"`([A-Z][A-Z0-9_]+)\b", read("docs/settings.md") + read("docs/client.md")))
    levels = {"INFO", "BACKEND", "OPTIONS"}
    assert found - NOT_SETTINGS - levels <= documented
    assert documented >= {"PORT", "DATABASE_URL", "REDIS_URL", "PALMARES_DATA", "SECRET_KEY"}

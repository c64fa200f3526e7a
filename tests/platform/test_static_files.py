"""Scripts and styles as `make run` serves them: compressed, and kept by browsers for good."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

ROOT = Path(__file__).resolve().parents[2]
DIST = ROOT / "platform" / "palmares" / "static" / "dist"


@pytest.fixture
def served(settings: Any, tmp_path: Path, db: None) -> Client:
    """A client of a web whose static files were collected without a manifest, as on a workstation.

    Static files need no database, but the middleware checks the connection that an earlier test may have left open.
    """
    shutil.copytree(DIST, tmp_path / "static" / "dist")
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    return Client()


def addresses() -> list[str]:
    manifest = json.loads((DIST / "manifest.json").read_text())
    return sorted(f"/static/dist/{entry['file']}" for entry in manifest.values() if entry["file"].endswith((".js", ".css")))


def test_hashed_files_are_immutable(served: Client):
    assert len(addresses()) >= 6
    for address in addresses():
        answer = served.get(address)
        answer.getvalue()
        assert (answer.status_code, "immutable" in answer["Cache-Control"]) == (200, True), address


@pytest.mark.parametrize("encoding", ["br", "gzip"])
def test_scripts_and_styles_are_compressed(served: Client, encoding: str):
    for address in addresses():
        plain, packed = served.get(address), served.get(address, headers={"Accept-Encoding": encoding})
        whole, sent = len(plain.getvalue()), len(packed.getvalue())
        if whole >= 1024:
            assert (packed["Content-Encoding"], sent < 0.6 * whole) == (encoding, True), address


def test_files_that_may_change_are_not_kept_for_long(served: Client):
    answer = served.get("/static/dist/manifest.json")
    answer.getvalue()
    assert "immutable" not in answer["Cache-Control"]

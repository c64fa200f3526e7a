"""A folder that is chosen: the images of each of its folders become one set, videos uploads of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import expect

from palmares.uploads.models import Upload
from tests.browser.pages.conftest import OpenPage

pytestmark = [pytest.mark.browser]


def test_a_chosen_folder_is_uploaded(open_page: OpenPage, tmp_path: Path, subject_of_ours: Any):
    folder = tmp_path / "session"
    for name in ("left/1.png", "left/2.png", "right/1.png", "right/2.png"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32), "red").save(path)
    (folder / "notes.txt").write_text("not a clip")
    page = open_page(f"/subjects/{subject_of_ours.pk}/")
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Choose a folder").click()
    chooser.value.set_files(folder)
    expect(page.get_by_text("Left out, not a supported image or video: session/notes.txt.")).to_be_visible()
    for name in ("left (2).zip", "right (2).zip"):
        expect(page.locator("tbody th", has_text=name)).to_be_visible()
    assert sorted(Upload.objects.values_list("name", flat=True)) == ["left (2).zip", "right (2).zip"]

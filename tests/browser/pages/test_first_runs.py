"""Runs that start with an upload: HMP and Fused fit on a video, Fused fit on images, none where the box was cleared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from palmares.runs.models import Run
from tests.browser.pages.conftest import OpenPage

pytestmark = [pytest.mark.browser]
BOX = "Then run HMP and Fused fit"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "hand.png"
    Image.new("RGB", (32, 32), "red").save(path)
    return path


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """What an MP4 begins with; no worker reads on."""
    path = tmp_path / "hands.mp4"
    path.write_bytes(b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isomiso2" + bytes(2000))
    return path


def _drop(page: Page, path: Path) -> None:
    page.locator("#files").set_input_files(path)
    expect(page.locator("tbody th", has_text=path.stem)).to_be_visible()


def _methods_of(page: Page, name: str, count: int) -> list[str]:
    """Of an upload, by name, once the list shows so many runs."""
    expect(page.locator("tbody tr", has_text=name).locator("[data-label=Runs]")).to_have_text(str(count))
    return sorted(Run.objects.filter(upload__name__startswith=name).values_list("method", flat=True))


def test_a_video_gets_two_runs_and_images_one(open_page: OpenPage, subject_of_ours: Any, video: Path, image: Path):
    page = open_page(f"/subjects/{subject_of_ours.pk}/")
    _drop(page, video)
    assert _methods_of(page, "hands", 2) == ["fused-fit", "hmp2024"]
    _drop(page, image)
    assert _methods_of(page, "hand.png", 1) == ["fused-fit"]


def test_no_run_starts_where_the_box_was_cleared_also_after_a_reload(open_page: OpenPage, subject_of_ours: Any, video: Path):
    page = open_page(f"/subjects/{subject_of_ours.pk}/")
    page.get_by_label(BOX).uncheck()
    page.reload()
    expect(page.get_by_label(BOX)).not_to_be_checked()
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    _drop(page, video)
    assert not any("runs/batch" in url for url in requests)
    assert not Run.objects.exists()


def test_the_page_says_why_no_run_was_started(open_page: OpenPage, subject_of_ours: Any, video: Path, settings: Any):
    settings.TEAM_OPEN_RUNS = 0
    page = open_page(f"/subjects/{subject_of_ours.pk}/")
    _drop(page, video)
    expect(page.get_by_text("The upload is complete, but no run was started:")).to_be_visible()

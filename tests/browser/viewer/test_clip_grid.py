"""The grid of clips and methods in a real browser: the frame asked for is the frame of every cell."""

from __future__ import annotations

import io
import random
import shutil
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from palmares.runs.models import Prediction, Run
from palmares.uploads.models import Upload
from tests.browser.viewer.viewer_clips import READ_FRAME_NUMBER, ViewerClip
from tests.browser.viewer.viewer_page import create_rows, session_cookie

pytestmark = [pytest.mark.browser]

NUMBERS = READ_FRAME_NUMBER.replace("() =>", "(video) =>").replace('video = document.querySelector("video"), ', "")
SEEKS = 25
SHOWN = """() => Array.from(document.querySelectorAll("[data-cell]"), (cell) => Number(cell.dataset.frame))"""


def second_clip(upload: Upload, media: Path) -> Upload:
    """The upload and its runs once more, without ground truth."""
    made = Upload.objects.get(pk=upload.pk)
    made.pk, made.name = uuid.uuid4(), "second.mp4"
    made.save(force_insert=True)
    for run in upload.runs.select_related("prediction"):
        kept = run.prediction
        folder = f"{kept.folder}/second"
        shutil.copytree(media / kept.folder, media / folder)
        prediction = Prediction.objects.create(
            folder=folder, sha256=kept.sha256, size_bytes=kept.size_bytes, rows=kept.rows, hand_model=kept.hand_model
        )
        about = {"method": run.method, "method_version": run.method_version, "status": run.status}
        Run.objects.create(upload=made, prediction=prediction, **about)
    return made


def settled(page: Page) -> None:
    page.wait_for_selector('.cells[data-settled="true"]', timeout=60_000)


def seek(page: Page, frame: int) -> None:
    page.get_by_label("Frame", exact=True).fill(str(frame))
    page.get_by_label("Frame", exact=True).press("Tab")
    expect(page.locator(".clip-grid")).to_have_attribute("data-frame", str(frame))
    settled(page)


def test_the_frame_asked_for_is_shown_in_all_cells(
    live_server: Any, browser: Browser, settings: Any, tmp_path: Path, viewer_clip: ViewerClip, axe: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    user, upload = create_rows(viewer_clip, tmp_path / "media", 2, truth=True)
    other = second_clip(upload, tmp_path / "media")
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.add_cookies([session_cookie(user, live_server.url)])
    page = context.new_page()
    said: list[str] = []
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(f"{live_server.url}/uploads/grid/?uploads={upload.pk},{other.pk}&frame=7")
    settled(page)
    assert page.evaluate(SHOWN) == [7] * 5  # the copy has no ground truth
    wrong = []
    for frame in random.Random(3).choices(range(viewer_clip.frame_count), k=SEEKS):
        seek(page, frame)
        shown = page.evaluate(SHOWN) + [video.evaluate(NUMBERS) for video in page.locator("video").all()]
        if shown != [frame] * 7:
            wrong.append((frame, shown))
    assert wrong == []
    before = pixels_of(page)
    seek(page, 0)
    assert (pixels_of(page) != before).any()
    box = page.locator(".cells").bounding_box()
    assert box is not None
    still = pixels_of(page)
    page.mouse.move(box["x"] + 500, box["y"] + 150)
    page.mouse.down()
    page.mouse.move(box["x"] + 620, box["y"] + 150, steps=4)
    page.mouse.up()
    settled(page)
    changed = (pixels_of(page) != still).any(-1)
    cells = [cell.bounding_box() for cell in page.locator("[data-cell]").all()]
    for cell in cells:
        assert cell is not None
        x, y = int(cell["x"] - box["x"]), int(cell["y"] - box["y"])
        assert changed[y : y + int(cell["height"]), x : x + int(cell["width"])].any(), "one camera turns in all cells"
    assert axe(page) == []
    page.get_by_role("link", name="Open Fused fit on clip.mp4 at this frame").click()
    expect(page.locator(".viewer")).to_have_attribute("data-frame", "0")
    assert said == []
    context.close()


def pixels_of(page: Page) -> Any:
    """What is on the screen there: uint8 [height, width, 3]."""
    settled(page)
    with Image.open(io.BytesIO(page.locator(".cells").screenshot())) as image:
        return np.asarray(image.convert("RGB"))

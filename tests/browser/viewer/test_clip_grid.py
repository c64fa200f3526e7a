"""The grid of clips and methods in a real browser: the frame asked for is the frame of every cell."""

from __future__ import annotations

import io
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.viewer.grid_page import SHOWN, copied_clip, frames_shown, seek, settled
from tests.browser.viewer.viewer_clips import ViewerClip
from tests.browser.viewer.viewer_page import create_rows, session_cookie

pytestmark = [pytest.mark.browser]

SEEKS = 25


def test_the_frame_asked_for_is_shown_in_all_cells(
    live_server: Any, browser: Browser, settings: Any, tmp_path: Path, viewer_clip: ViewerClip, axe: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    user, upload = create_rows(viewer_clip, tmp_path / "media", 2, truth=True)
    other = copied_clip(upload, tmp_path / "media", "second")
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
        shown = frames_shown(page)
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

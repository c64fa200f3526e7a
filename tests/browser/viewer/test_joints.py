"""Joints over the hands: which of them nothing saw, and how uncertain their places are."""

from __future__ import annotations

import re

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from ml.formats.prediction import PredictionArrays
from ml.hand.camera import project
from tests.browser.viewer.test_viewer import open_details, seek
from tests.browser.viewer.viewer_clips import HEIGHT, UNSEEN, WIDTH, ViewerClip
from tests.browser.viewer.viewer_page import OpenViewer, wait_for_picture

pytestmark = [pytest.mark.browser]
FRAME = UNSEEN[5]


def place_on_page(page: Page, clip: ViewerClip, joint: int) -> tuple[float, float]:
    """Where the page shows a joint of the left hand of the first prediction at `FRAME`, over the video."""
    found = PredictionArrays.load(clip.root / clip.runs[0] / "prediction.npz")
    row = found.rows((found.frame == FRAME) & (found.side == 0))
    x, y = project(row.joints[0, [joint]].astype(np.float64), np.asarray(row.intrinsics, np.float64))[0]
    pane = page.locator(".video-pane").bounding_box()
    assert pane
    scale = min(pane["width"] / WIDTH, pane["height"] / HEIGHT)
    left = pane["x"] + (pane["width"] - scale * WIDTH) / 2
    top = pane["y"] + (pane["height"] - scale * HEIGHT) / 2
    return left + scale * float(x), top + scale * float(y)


def test_unseen_joints_are_marked_and_named_in_the_readout(open_viewer: OpenViewer, viewer_clip: ViewerClip, axe):
    page = open_viewer()
    page.keyboard.press("2")  # the first method alone
    seek(page, FRAME)
    without = page.locator(".video-pane").screenshot()
    page.keyboard.press("j")
    expect(page.get_by_role("button", name="Joints", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".joint-legend")).to_contain_text("not seen, in a ring of ± 1 standard deviation")
    readout = page.locator(".joint-readout")
    page.mouse.move(*place_on_page(page, viewer_clip, 8))
    expect(readout).to_have_text("A left index 4: not seen, ± 32 mm")
    page.mouse.move(*place_on_page(page, viewer_clip, 20))
    expect(readout).to_have_text("A left pinky 4: ± 4 mm")
    wait_for_picture(page)
    assert page.locator(".video-pane").screenshot() != without
    open_details(page, "A")
    expect(page.locator(".unseen-joints")).to_have_text("left: 7 of 21 joints not seen (± 24–48 mm)")
    assert axe(page) == []

    seek(page, UNSEEN[-1] + 1)
    expect(page.locator(".unseen-joints")).to_have_count(0)
    page.wait_for_url(re.compile("skeleton=1"))
    page.reload()
    expect(page.locator(".joint-legend")).to_be_visible()
    page.keyboard.press("j")
    expect(page.locator(".joint-legend")).to_have_count(0)


def test_the_legend_says_when_methods_do_not_report_unseen_joints(open_viewer: OpenViewer):
    page = open_viewer(width=390, scheme="dark")
    page.keyboard.press("1")
    page.keyboard.press("j")
    expect(page.locator(".joint-legend")).to_have_text("These methods do not tell which joints were seen.")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

"""Where the keypoints of a method came from, on the viewer's timeline."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.viewer.viewer_page import OpenViewer

pytestmark = [pytest.mark.browser]

DETECTOR, PROJECTED = (0, 153, 136), (238, 119, 51)


def test_each_hand_has_a_strip_of_sources_with_a_legend_and_words(open_viewer: OpenViewer, axe):
    page = open_viewer()
    strips = page.get_by_role("img", name=re.compile("Keypoints: "))
    expect(strips).to_have_count(2)
    words = "Keypoints: the detector in 130 frames, projected from the refined run in 20 frames, mean confidence 0.8"
    expect(strips.first).to_have_attribute("aria-label", re.compile(rf"^A, .*left hand\. {words}"))
    expect(strips.first).to_have_attribute(
        "aria-label", re.compile("detector failures at frames 30, 31, the box jumps at frame 110$")
    )
    expect(strips.first.locator("i.failure")).to_have_count(2)
    expect(strips.last).to_have_attribute("aria-label", re.compile("missing in 20 frames"))
    expect(page.locator(".keypoint-legend")).to_contain_text("projected from the refined run")
    with Image.open(io.BytesIO(strips.first.screenshot())) as image:
        row = np.asarray(image.convert("RGB"))[image.height // 2].astype(int)
    for frame, colour, share in ((5, DETECTOR, 1.0), (90, PROJECTED, 0.25 + 0.75 * 4 / 9)):
        seen = row[int((frame + 0.5) / 150 * len(row))]
        assert np.abs(seen - (share * np.array(colour) + (1 - share) * 255)).max() < 16, "fainter where less trusted"
    assert axe(page) == []
    page.keyboard.press("1")
    expect(strips).to_have_count(0)
    expect(page.locator(".keypoint-legend")).to_have_count(0)

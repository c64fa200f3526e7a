"""Methods compared in the viewer: error colours, live metrics, alignment, wipe and blinking."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from ml.catalog import METHODS
from tests.browser.viewer.clips import OFFSETS
from tests.browser.viewer.page import OpenViewer, wait_for_picture

pytestmark = [pytest.mark.browser]

VIRIDIS = {0.25: (58, 82, 139), 0.5: (33, 144, 140), 0.75: (94, 201, 98)}
"""matplotlib's colours (sRGB) at a share of the scale."""


def pixels(page: Page, selector: str) -> np.ndarray:
    """What is on the screen there: uint8 [height, width, 3]."""
    wait_for_picture(page)
    page.wait_for_timeout(400)  # after a change the canvas is drawn again at full resolution
    with Image.open(io.BytesIO(page.locator(selector).screenshot())) as image:
        return np.asarray(image.convert("RGB"))


def share_of(image: np.ndarray, colour: tuple[int, int, int]) -> float:
    """Share of pixels that have a colour of the scale, shaded by at most a tenth."""
    wanted = np.array(colour, float)
    brightness = (image @ wanted) / (wanted @ wanted)
    close = np.abs(image - brightness[..., None] * wanted).max(-1) < 12
    return float((close & (brightness > 0.85) & (brightness < 1.06)).mean())


def test_error_colours_show_the_distance_to_another_method_on_the_chosen_scale(open_viewer: OpenViewer):
    page = open_viewer(query="?opacity=1,1")
    page.keyboard.press("e")
    expect(page.locator(".colour-bar")).to_contain_text("Distance to A")
    apart = OFFSETS[1] - OFFSETS[0]
    expect(page.locator(".plot").first).to_contain_text("Agreement")
    expect(page.locator(".plot").first.locator("li")).to_have_text([re.compile(rf"^B\s*{1000 * apart:.0f}\.0")])
    page.keyboard.press("1")  # A, which has no error
    assert share_of(pixels(page, ".orbit-pane"), VIRIDIS[0.5]) > 0.02
    page.get_by_label("Scale of the error colours").select_option("0–10 mm")
    assert share_of(pixels(page, ".orbit-pane"), VIRIDIS[0.5]) < 0.001
    assert share_of(pixels(page, ".orbit-pane"), (253, 231, 37)) > 0.02
    page.wait_for_url(re.compile(r"errors=1.*scale=10|scale=10.*errors=1"))
    page.reload()
    page.wait_for_selector("[data-drawn]", state="attached")
    expect(page.locator(".colour-bar")).to_contain_text("≥ 10 mm")
    page.get_by_label("Alignment").select_option("root")
    page.get_by_label("Scale of the error colours").select_option("0–100 mm")
    expect(page.locator(".colour-bar")).to_contain_text("Distance to A, root")
    assert share_of(pixels(page, ".orbit-pane"), (68, 1, 84)) > 0.02


def test_where_the_other_has_no_hand_the_error_is_unknown_and_has_no_colour_of_the_scale(open_viewer: OpenViewer):
    page = open_viewer(query="?opacity=1,1&frame=45")  # A has no right hand here
    page.keyboard.press("e")
    page.keyboard.press("1")
    image = pixels(page, ".orbit-pane")
    assert share_of(image, (138, 136, 132)) > 0.01
    assert share_of(image, VIRIDIS[0.5]) > 0.01


def redness(image: np.ndarray) -> tuple[int, int]:
    """How many pixels have the colour of method A, left and right of the middle."""
    red = (image[..., 0].astype(int) > image[..., 2].astype(int) + 60) & (image[..., 0] > 100)
    half = red.shape[1] // 2
    return int(red[:, :half].sum()), int(red[:, half:].sum())


def test_a_wipe_shows_one_method_on_each_side_of_its_handle(open_viewer: OpenViewer):
    page = open_viewer(query="?opacity=1,1")
    page.keyboard.press("v")
    handles = page.get_by_role("slider", name=re.compile("^Wipe between"))
    expect(handles).to_have_count(2)
    left, right = redness(pixels(page, ".video-pane"))
    assert left > 500
    assert right == 0
    box = handles.first.bounding_box()
    pane = page.locator(".video-pane").bounding_box()
    assert box
    assert pane
    page.mouse.move(box["x"] + 12, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(pane["x"] + pane["width"] - 2, box["y"] + 40, steps=4)
    page.mouse.up()
    left, right = redness(pixels(page, ".video-pane"))
    assert min(left, right) > 500
    handles.first.focus()
    before = int(handles.first.get_attribute("aria-valuenow") or -1)
    page.keyboard.press("ArrowLeft")
    expect(handles.last).to_have_attribute("aria-valuenow", str(before - 2))
    expect(page.locator(".viewer")).to_have_attribute("data-frame", "0")


def test_blinking_shows_two_methods_in_turn(open_viewer: OpenViewer):
    page = open_viewer()
    page.keyboard.press("b")
    first, second = [method.title for method in METHODS.values()][:2]
    for title in (first, second, first):
        expect(page.locator(".columns")).to_contain_text(title)
    page.keyboard.press("b")
    expect(page.locator(".columns")).to_have_count(0)


def test_the_table_is_sorted_by_a_heading(viewers, viewer_clip):
    page = viewers(viewer_clip, 3)(query="?metric=jitter")
    rows = page.locator(".methods tbody .swatch")
    expect(rows).to_have_text(["A", "B", "C"])
    page.get_by_role("button", name="Method", exact=True).click()
    titles = page.locator(".methods tbody .title").all_inner_texts()
    assert titles == sorted(titles, key=str.casefold)
    page.get_by_role("button", name="Method", exact=True).click()
    assert page.locator(".methods tbody .title").all_inner_texts() == titles[::-1]
    page.get_by_role("button", name="Method", exact=True).click()
    expect(rows).to_have_text(["A", "B", "C"])

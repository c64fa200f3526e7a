"""Methods compared in the viewer: error colours, live metrics, alignment, wipe and blinking."""

from __future__ import annotations

import io
import json
import re
from xml.etree import ElementTree

import av
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from ml.catalog import METHODS
from tests.browser.viewer.viewer_clips import OFFSETS
from tests.browser.viewer.viewer_page import OpenViewer, wait_for_picture

pytestmark = [pytest.mark.browser]

SLOW_MS = 30_000
"""Joints are loaded after the first meshes, and errors computed in a worker: on a busy machine this takes its time."""

VIRIDIS = {0.25: (58, 82, 139), 0.5: (33, 144, 140), 0.75: (94, 201, 98)}
"""matplotlib's colours (sRGB) at a share of the scale."""


def pixels(page: Page, selector: str) -> np.ndarray:
    """What is on the screen there: uint8 [height, width, 3]."""
    wait_for_picture(page)
    page.wait_for_timeout(400)  # after a change the canvas is drawn again at full resolution
    with Image.open(io.BytesIO(page.locator(selector).screenshot())) as image:
        return np.asarray(image.convert("RGB"))


def opaque(page: Page, query: str = "") -> None:
    """Open the page again with all its methods shown, opaque: what shows through would tint the colours."""
    runs = page.evaluate("JSON.parse(document.getElementById('viewer-data').textContent).runs.map((run) => run.id)")
    page.goto(f"{page.url.split('?')[0]}?runs={','.join(runs)}&opacity={','.join('1' for _ in runs)}&{query}")
    page.wait_for_selector("[data-drawn]", state="attached")


def share_of(image: np.ndarray, colour: tuple[int, int, int]) -> float:
    """Share of pixels that have a colour of the scale, shaded by at most a tenth."""
    wanted = np.array(colour, float)
    brightness = (image @ wanted) / (wanted @ wanted)
    close = np.abs(image - brightness[..., None] * wanted).max(-1) < 12
    return float((close & (brightness > 0.85) & (brightness < 1.06)).mean())


def millimetres(letter: str, metres: float) -> re.Pattern[str]:
    """A legend's value of a method, right to 0.1 mm: the noise of the hands moves it."""
    value = round(1000 * metres)
    return re.compile(rf"^{letter}\s*({value}\.0|{value - 1}\.9)")


@pytest.fixture
def with_truth(viewers, viewer_clip) -> OpenViewer:
    """The clip with its ground truth and runs of two methods."""
    return viewers(viewer_clip, 2, truth=True)


def test_errors_against_the_ground_truth_are_shown_as_numbers_and_as_colours(with_truth: OpenViewer):
    page = with_truth()
    opaque(page, "truth=off")
    expect(page.locator(".method.truth")).to_be_visible()
    plots = page.locator(".plots > .plot")
    expect(plots).to_have_count(4, timeout=SLOW_MS)
    errors = [millimetres(letter, offset) for letter, offset in zip("AB", OFFSETS, strict=True)]
    expect(plots.first).to_contain_text("MPJPE")
    expect(plots.first.locator("li")).to_have_text(errors)
    clip = page.locator(".methods tbody:not(.truth) td.number:last-child")
    expect(clip).to_have_text([re.compile(r"^5\.0"), re.compile(r"^15\.0")])
    page.keyboard.press("e")
    expect(page.locator(".colour-bar")).to_contain_text("Distance to ground truth")
    page.keyboard.press("1")
    image = pixels(page, ".orbit-pane")
    assert share_of(image, VIRIDIS[0.75]) > 0.02
    assert share_of(image, VIRIDIS[0.25]) < 0.005, "but for the scale itself"
    page.keyboard.press("1")
    page.keyboard.press("2")
    assert share_of(pixels(page, ".orbit-pane"), VIRIDIS[0.25]) > 0.02
    page.get_by_label("Alignment").select_option("PA")
    expect(plots.first).to_contain_text("PA-MPJPE")
    assert share_of(pixels(page, ".orbit-pane"), (68, 1, 84)) > 0.02, "after alignment, errors are those of the noise"
    assert share_of(pixels(page, ".video-pane"), (68, 1, 84)) > 0.005


def test_the_truth_is_a_ghost_a_wireframe_or_off(with_truth: OpenViewer):
    page = with_truth(query="?runs=")
    page.wait_for_selector("[data-drawn]", state="attached")
    row = page.locator(".method.truth")
    images = []
    for style in ("ghost", "wireframe", "off", "ghost"):
        expect(row).to_contain_text(style)
        images.append(pixels(page, ".orbit-pane").astype(int))
        page.keyboard.press("g")
    assert (images[0] == images[3]).all()
    for one, other in ((0, 1), (1, 2), (0, 2)):
        assert (np.abs(images[one] - images[other]).max(-1) > 20).mean() > 0.005
    page.wait_for_url(re.compile("truth=wireframe"))


def test_worst_frames_joints_and_reference_are_chosen_and_in_the_link(with_truth: OpenViewer):
    page = with_truth()
    page.get_by_label("Joints").select_option("fingertips")
    expect(page.locator(".plots > .plot").first).to_contain_text("MPJPE (fingertips)", timeout=SLOW_MS)
    worst = page.get_by_role("button", name=re.compile("among the worst of PA-MPJPE")).first
    frame = worst.inner_text()
    worst.click()
    expect(page.locator(".viewer")).to_have_attribute("data-frame", frame)
    reference = page.get_by_label("Compare with")
    reference.select_option(reference.locator("option", has_text=re.compile("^A ")).get_attribute("value"))
    expect(page.get_by_role("heading", name="Agreement with A")).to_be_visible()
    page.wait_for_url(lambda url: "joints=tips" in url and "reference=" in url)
    link = page.url
    page.goto("about:blank")
    page.goto(link)
    expect(page.get_by_role("heading", name="Agreement with A")).to_be_visible()
    expect(page.get_by_label("Joints")).to_have_value("tips")


def test_smooth_or_true_has_a_point_for_each_method(with_truth: OpenViewer):
    page = with_truth()
    page.get_by_text("Smooth or true?").click(timeout=SLOW_MS)
    rows = page.locator(".smooth tbody tr")
    expect(rows).to_have_count(3, timeout=SLOW_MS)
    expect(page.locator(".smooth svg").first.locator("circle")).to_have_count(2)
    for row in rows.all():
        assert re.search(r"\t0\t(99|100|101)%$", row.inner_text()), "both follow the truth without lag, with noise"


def test_what_is_shown_is_saved_as_svg_json_and_mp4(with_truth: OpenViewer, tmp_path):
    page = with_truth(query="?errors=1&alignment=root&zoom=3,7")

    def save(label: str) -> bytes:
        page.locator(".export > summary").click()
        with page.expect_download() as saved:
            page.get_by_role("button", name=label).click()
        path = tmp_path / saved.value.suggested_filename
        saved.value.save_as(path)
        return path.read_bytes()

    drawing = save("Drawing (SVG)").decode()
    root = ElementTree.fromstring(drawing)
    texts = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert "Distance to ground truth, root" in texts
    assert any("Ground truth" in (text or "") for text in texts)
    kept = json.loads(save("Description (JSON)"))
    assert kept["alignment"] == "root"
    assert kept["error_colours"] == {"map": "viridis", "from_mm": 0, "to_mm": 20}
    assert len(kept["methods"]) == 2
    (tmp_path / "clip.mp4").write_bytes(save("Video (MP4)"))
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert len(list(container.decode(video=0))) == 5
    page.goto(kept["link"])
    page.wait_for_selector("[data-drawn]", state="attached")
    expect(page.get_by_label("Alignment")).to_have_value("root")
    expect(page.locator(".colour-bar")).to_be_visible()


def test_error_colours_show_the_distance_to_another_method_on_the_chosen_scale(open_viewer: OpenViewer):
    page = open_viewer()
    opaque(page)
    page.keyboard.press("e")
    expect(page.locator(".colour-bar")).to_contain_text("Distance to A")
    apart = OFFSETS[1] - OFFSETS[0]
    expect(page.locator(".plot").first).to_contain_text("Agreement", timeout=SLOW_MS)
    expect(page.locator(".plot").first.locator("li")).to_have_text([millimetres("B", apart)])
    page.keyboard.press("1")  # A, which has no error
    assert share_of(pixels(page, ".orbit-pane"), VIRIDIS[0.5]) > 0.02
    page.get_by_label("Scale of the error colours").select_option("0–10 mm")
    assert share_of(pixels(page, ".orbit-pane"), VIRIDIS[0.5]) < 0.005, "but for the scale itself"
    assert share_of(pixels(page, ".orbit-pane"), (253, 231, 37)) > 0.02
    page.wait_for_url(re.compile(r"errors=1.*scale=10|scale=10.*errors=1"))
    page.reload()
    page.wait_for_selector("[data-drawn]", state="attached")
    expect(page.locator(".colour-bar")).to_contain_text("≥ 10 mm")
    page.get_by_label("Alignment").select_option("root")
    page.get_by_label("Scale of the error colours").select_option("0–100 mm")
    expect(page.locator(".colour-bar")).to_contain_text("Distance to A, root")
    assert share_of(pixels(page, ".orbit-pane"), (68, 1, 84)) > 0.02


def test_where_the_reference_has_no_hand_the_mesh_is_grey_instead_of_an_error_colour(open_viewer: OpenViewer):
    page = open_viewer()
    opaque(page, "frame=45")  # A has no right hand here
    page.keyboard.press("e")
    expect(page.locator(".plot").first).to_contain_text("Agreement", timeout=SLOW_MS)
    page.keyboard.press("1")
    image = pixels(page, ".orbit-pane")
    assert share_of(image, (138, 136, 132)) > 0.01
    assert share_of(image, VIRIDIS[0.5]) > 0.01


def redness(image: np.ndarray) -> tuple[int, int]:
    """How many pixels have the colour of Fused fit, left and right of the middle."""
    red = (image[..., 0].astype(int) > image[..., 2].astype(int) + 60) & (image[..., 0] > 100)
    half = red.shape[1] // 2
    return int(red[:, :half].sum()), int(red[:, half:].sum())


def test_a_wipe_shows_one_method_on_each_side_of_its_handle(open_viewer: OpenViewer):
    page = open_viewer(query="?opacity=1,1")
    page.keyboard.press("v")
    handles = page.get_by_role("slider", name=re.compile("^Wipe between"))
    expect(handles).to_have_count(2)
    left, right = redness(pixels(page, ".video-pane"))
    assert left == 0
    assert right > 500
    box = handles.first.bounding_box()
    pane = page.locator(".video-pane").bounding_box()
    assert box
    assert pane
    page.mouse.move(box["x"] + 12, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(pane["x"] + 2, box["y"] + 40, steps=4)
    page.mouse.up()
    left, right = redness(pixels(page, ".video-pane"))
    assert min(left, right) > 500
    handles.first.focus()
    before = int(handles.first.get_attribute("aria-valuenow") or -1)
    page.keyboard.press("ArrowRight")
    expect(handles.last).to_have_attribute("aria-valuenow", str(before + 2))
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

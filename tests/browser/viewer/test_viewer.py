"""The Run / Compare page in a real browser: the requested frame, keys, switches, links, images, plots."""

from __future__ import annotations

import random
import re

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from ml.catalog import METHODS
from tests.browser.viewer.viewer_clips import GAP, READ_FRAME_NUMBER, ViewerClip
from tests.browser.viewer.viewer_page import OpenViewer, wait_for_picture

pytestmark = [pytest.mark.browser]


def seek(page: Page, frame: int) -> None:
    page.locator(".frame-field input").fill(str(frame))
    page.locator(".frame-field input").press("Tab")
    expect(page.locator(".viewer")).to_have_attribute("data-frame", str(frame))
    wait_for_picture(page)


def open_details(page: Page, letter: str) -> None:
    page.locator(".methods button.name", has=page.locator(".swatch", has_text=letter)).click()


def test_the_video_shows_the_requested_frame_in_100_random_seeks(open_viewer: OpenViewer, viewer_clip: ViewerClip):
    page = open_viewer()
    frames = random.Random(7).choices(range(viewer_clip.frame_count), k=100)
    wrong = []
    for frame in frames:
        seek(page, frame)
        if (painted := page.evaluate(READ_FRAME_NUMBER)) != frame:
            wrong.append((frame, painted))
    assert wrong == []


def test_after_playing_the_reported_frame_is_the_one_shown(open_viewer: OpenViewer):
    page = open_viewer()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="Pause (space)")).to_be_visible()
    expect(page.locator(".viewer")).to_have_attribute("data-frame", re.compile(r"^(2\d|[3-9]\d|1\d\d)$"))
    page.keyboard.press("Space")
    wait_for_picture(page)
    assert page.evaluate(READ_FRAME_NUMBER) == int(page.locator(".viewer").get_attribute("data-frame") or -1)


def test_keys_step_and_switch(open_viewer: OpenViewer):
    page = open_viewer()
    viewer = page.locator(".viewer")
    for key, frame in (("ArrowRight", 1), ("Shift+ArrowRight", 11), ("ArrowLeft", 10), ("End", 149), ("Home", 0)):
        page.keyboard.press(key)
        expect(viewer).to_have_attribute("data-frame", str(frame))
    first = page.get_by_role("button", name=re.compile(r"^Show A"))
    expect(first).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("1")
    expect(first).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("1")
    page.keyboard.press("w")
    expect(page.get_by_role("button", name="Wireframe")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("c")
    expect(page.locator(".columns > span")).to_have_count(2)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_contain_text("side by side")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_hidden()


def test_opening_the_address_restores_the_same_view(open_viewer: OpenViewer):
    page = open_viewer()
    seek(page, 33)
    page.keyboard.press("c")
    page.keyboard.press("w")
    open_details(page, "B")
    page.get_by_role("slider", name=re.compile("Opacity of B")).fill("40")
    page.get_by_role("button", name="Top", exact=True).click()
    page.get_by_label("Speed").select_option("0.5")
    page.wait_for_url(
        lambda url: all(part in url for part in ("frame=33", "layout=side", "camera=", "speed=0.5", "opacity=,0.4"))
    )
    link = page.url
    page.goto("about:blank")
    page.goto(link)
    expect(page.locator("[data-drawn]")).to_be_attached()
    expect(page.locator(".viewer")).to_have_attribute("data-frame", "33")
    expect(page.locator(".columns > span")).to_have_count(2)
    open_details(page, "B")
    expect(page.get_by_role("slider", name=re.compile("Opacity of B"))).to_have_value("40")
    expect(page.get_by_label("Speed")).to_have_value("0.5")
    wait_for_picture(page)
    page.wait_for_timeout(400)
    assert page.url == link


def test_a_gap_is_hatched_and_hides_the_hand(open_viewer: OpenViewer):
    page = open_viewer()
    lane = page.get_by_role("img", name=re.compile(f"^A.*right hand: missing in {len(GAP)} of"))
    expect(lane.locator(".gap")).to_have_count(1)
    reds = []
    for frame in (GAP[0] - 1, GAP[0] + 5):
        seek(page, frame)
        page.wait_for_timeout(400)
        reds.append(page.locator(".orbit-pane").screenshot())
    assert reds[0] != reds[1]


def test_the_timeline_is_dragged_and_the_plot_clicked(open_viewer: OpenViewer, viewer_clip: ViewerClip):
    page = open_viewer()
    scrubber = page.get_by_role("slider", name="Frame")
    box = scrubber.bounding_box()
    assert box
    page.mouse.move(box["x"] + 10, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.501, box["y"] + 10, steps=8)
    page.mouse.up()
    expect(page.locator(".viewer")).to_have_attribute("data-frame", str(viewer_clip.frame_count // 2))
    wait_for_picture(page)
    assert page.evaluate(READ_FRAME_NUMBER) == viewer_clip.frame_count // 2
    over = page.locator(".plot .u-over").first
    area = over.bounding_box()
    assert area
    over.click(position={"x": area["width"] * 0.25, "y": 20})
    expect(page.locator(".viewer")).to_have_attribute("data-frame", re.compile(r"^3[678]$"))
    over.hover(position={"x": area["width"] * 0.2, "y": 20})
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * 0.6, area["y"] + 20, steps=6)
    page.mouse.up()
    expect(page.get_by_role("button", name="whole clip")).to_be_visible()
    page.wait_for_url(re.compile(r"zoom=\d+,\d+"))


def test_an_image_of_the_view_is_saved(open_viewer: OpenViewer, tmp_path):
    page = open_viewer()
    seek(page, 12)
    with page.expect_download() as saved:
        page.keyboard.press("s")
    assert saved.value.suggested_filename == "clip-frame-0012.png"
    path = tmp_path / "picture.png"
    saved.value.save_as(path)
    with Image.open(path) as picture:
        width = page.locator(".stage").evaluate("e => e.clientWidth")
        assert picture.size[0] == 2 * width
        colours = {
            picture.convert("RGB").getpixel((x, y)) for x in range(0, picture.width, 16) for y in range(0, picture.height, 16)
        }
    assert any(red > blue + 60 for red, _, blue in colours), "no hand of the second method in the picture"


def test_the_files_of_a_frame_and_of_the_run_come(open_viewer: OpenViewer):
    page = open_viewer()
    open_details(page, "A")
    for name in ("This frame of A as GLB", "This frame of A as OBJ", "This frame of A as PLY", "The whole run A as NPZ"):
        answer = page.request.get(page.get_by_role("link", name=name).evaluate("a => a.href"))
        assert (answer.status, len(answer.body()) > 10_000) == (200, True), name


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible_and_does_not_scroll_sideways(open_viewer: OpenViewer, axe, width: int, scheme: str):
    page = open_viewer(width=width, scheme=scheme)
    assert axe(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_shortcuts_work_after_a_slider_a_menu_and_the_frame_field_were_used(open_viewer: OpenViewer):
    page = open_viewer()
    viewer = page.locator(".viewer")
    open_details(page, "A")
    slider = page.get_by_role("slider", name=re.compile("Opacity of A"))
    slider.click(position={"x": 20, "y": 5})
    before = slider.input_value()
    page.keyboard.press("ArrowRight")
    expect(viewer).to_have_attribute("data-frame", "1")
    page.keyboard.press("w")
    expect(page.get_by_role("button", name="Wireframe")).to_have_attribute("aria-pressed", "true")
    assert slider.input_value() == before
    page.locator(".frame-field input").fill("20")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    expect(viewer).to_have_attribute("data-frame", "21")


def test_a_slider_reached_by_keyboard_keeps_its_arrows(open_viewer: OpenViewer):
    page = open_viewer()
    open_details(page, "A")
    slider = page.get_by_role("slider", name=re.compile("Opacity of A"))
    slider.focus()
    before = int(slider.input_value())
    page.keyboard.press("ArrowLeft")
    assert int(slider.input_value()) == before - 5
    page.keyboard.press("1")
    expect(page.get_by_role("button", name=re.compile("^Show A"))).to_have_attribute("aria-pressed", "false")
    expect(page.locator(".viewer")).to_have_attribute("data-frame", "0")


def test_the_legend_of_a_saved_image_has_every_method_and_nothing_is_printed_over_it(
    viewers, viewer_clip: ViewerClip, tmp_path
):
    page = viewers(viewer_clip, 8)(width=700, query="?frame=1")
    page.evaluate("""() => {
      window.texts = [];
      const { fillText } = CanvasRenderingContext2D.prototype;
      CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
        const { a } = this.getTransform();
        if (!this.canvas.isConnected) window.texts.push([text, x, y, this.measureText(text).width, this.canvas.width / a]);
        fillText.call(this, text, x, y);
      };
    }""")
    for key in "12345678":
        if page.get_by_role("button", name=re.compile(rf"^Show .*\({key}\)")).get_attribute("aria-pressed") == "false":
            page.keyboard.press(key)
    expect(page.locator(".lane")).to_have_count(8)
    with page.expect_download():
        page.keyboard.press("s")
    texts = [text for text in page.evaluate("window.texts") if len(text[0]) > 1]
    titles = [method.title for method in METHODS.values()][:8]
    assert [text[0].partition("  ")[2] for text in texts[:-1]] == titles
    assert texts[-1][0] == "clip.mp4 · frame 1"
    for k, (text, x, y, width, whole) in enumerate(texts):
        assert x + width <= whole, text
        for other, left, at, _, _ in texts[k + 1 :]:
            assert at != y or left >= x + width, (text, other)


def test_a_link_to_a_run_that_is_gone_says_so_and_shows_the_others(open_viewer: OpenViewer):
    page = open_viewer(query="?runs=00000000-0000-4000-8000-000000000000&camera=0,0,0,0,0,0")
    expect(page.get_by_text("A run of this link cannot be shown")).to_be_visible()
    expect(page.locator("[aria-pressed=true]", has=page.locator("svg")).first).to_be_visible()
    expect(page.locator(".lane")).to_have_count(2)


def test_with_no_method_shown_the_page_says_how_to_show_one(open_viewer: OpenViewer):
    page = open_viewer(query="?runs=")
    expect(page.get_by_text("No method is shown.")).to_be_visible()
    page.keyboard.press("1")
    expect(page.get_by_text("No method is shown.")).to_be_hidden()


def test_a_single_image_has_no_player_and_no_plots(viewers, single_image: ViewerClip):
    page = viewers(single_image, 2)()
    expect(page.get_by_role("toolbar", name="Playback")).to_have_count(0)
    expect(page.get_by_role("slider", name="Frame")).to_have_count(0)
    expect(page.locator(".plots")).to_have_count(0)
    assert "/ 0" not in page.locator(".viewer").inner_text()


RECORD = """() => {
  window.order = [];
  const { fetch } = window, { getContext } = HTMLCanvasElement.prototype;
  window.fetch = (url, ...rest) => { window.order.push(String(url)); return fetch(url, ...rest); };
  HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
    if (String(kind).startsWith("webgl")) window.order.push("webgl");
    return getContext.call(this, kind, ...rest);
  };
}"""


def test_meshes_are_requested_before_webgl_starts(viewers, viewer_clip: ViewerClip, browser):
    page = viewers(viewer_clip, 2)()
    page.context.add_init_script(f"({RECORD})()")
    page.reload()
    page.wait_for_selector("[data-drawn]", state="attached")
    order = page.evaluate("window.order")
    assert "webgl" in order
    before = order[: order.index("webgl")]
    assert [url for url in before if url.endswith(".bin")], order


def test_two_of_eight_methods_are_shown_and_only_their_files_are_fetched(viewers, viewer_clip: ViewerClip):
    page = viewers(viewer_clip, 8)()
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url))
    page.reload()
    page.wait_for_selector("[data-drawn]", state="attached")
    expect(page.locator(".lane")).to_have_count(2)

    def runs() -> set[str]:
        return {url.split("/runs/")[1].split("/")[0] for url in fetched if "/api/v1/runs/" in url}

    assert len(runs()) == 2
    page.keyboard.press("5")
    expect(page.locator(".lane")).to_have_count(3)
    assert len(runs()) == 3


def test_eight_methods_are_listed_without_scrolling(viewers, viewer_clip: ViewerClip):
    page = viewers(viewer_clip, 8)()
    expect(page.locator(".methods tbody")).to_have_count(8)
    panel = page.locator(".panel").bounding_box()
    last = page.locator(".methods tbody").last.bounding_box()
    assert panel
    assert last
    assert last["y"] + last["height"] <= panel["y"] + panel["height"] + 1
    cells = page.locator(".methods tbody").first.locator("td.number")
    assert all(re.fullmatch(r"\d+\.\d", text) for text in cells.all_inner_texts())
    page.get_by_label("Metric of the table").select_option("jitter")
    assert all(re.fullmatch(r"\d+\.\d\d", text) for text in cells.all_inner_texts())

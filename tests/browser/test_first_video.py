"""The first hour of a newcomer, in a real browser against everything that `make run` starts."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from ml.synthetic.clips import make_clip, write_clip
from ml.synthetic.subjects import make_subject
from tests.predictions import hands, zipped

MEDIA = Path(__file__).resolve().parents[3] / "shared" / "media"
SETTINGS = "/benchmarks/palmares-synth/settings/"
TABS = [f"/benchmarks/palmares-synth/?tab={tab}" for tab in ("plots", "sequences", "submit", "about", "manage")]
SECONDS = 1.0
"""Length of the video that is rendered and uploaded."""
LONG = 180_000
"""Milliseconds that ingestion and methods may take on a slow machine."""

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def page(browser: Browser, installation) -> Page:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    opened.goto(installation.link)
    opened.get_by_role("button", name="Sign in").click()
    expect(opened.get_by_role("heading", name="Home")).to_be_visible()
    yield opened
    context.close()


@pytest.fixture(scope="module")
def video(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("rendered")
    write_clip(make_clip(5, make_subject(0, "validation", 1), seconds=SECONDS, hands=("right",), activities=("grasp",)), folder)
    return folder / "video.mp4"


def _upload(page: Page, video: Path) -> str:
    page.goto(page.url.split("/", 3)[0] + "//" + page.url.split("/", 3)[2] + "/subjects/")
    page.get_by_label("Name").fill(f"Subject of {video.stem}")
    page.get_by_role("button", name="Add subject").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(video.stem)
    page.locator("#files").set_input_files(video)
    row = page.locator("tbody th a", has_text=video.name)
    expect(row).to_be_visible(timeout=LONG)
    row.click()
    expect(page.get_by_role("link", name="Open the viewer").first).to_be_visible(timeout=LONG)
    return page.url


def _run_one_more(page: Page) -> None:
    """Beside the two methods that the video got by itself."""
    page.get_by_role("button", name="Run 2D fit").click()
    for title in ("HMP", "Fused fit", "2D fit"):
        expect(page.locator("tbody tr", has_text=title)).to_be_visible()
    expect(page.locator("tbody .status-succeeded")).to_have_count(3, timeout=LONG)


def _look(page: Page) -> None:
    page.get_by_role("link", name="Open the viewer").first.click()
    page.wait_for_selector("[data-drawn]", state="attached", timeout=LONG)
    page.keyboard.press("ArrowRight")
    page.wait_for_url("**frame=1**", timeout=LONG)


def test_a_rendered_video_from_file_to_meshes(page, video, tmp_path):
    _upload(page, video)
    _run_one_more(page)
    with page.expect_download() as download:
        page.get_by_role("link", name=".npz").first.click()
    download.value.save_as(tmp_path / "prediction.npz")
    with np.load(tmp_path / "prediction.npz", allow_pickle=False) as archive:
        assert archive["joints"].shape[1:] == (21, 3)
        assert 0.95 * SECONDS * 30 <= len(archive["frame"]) <= SECONDS * 30
    _look(page)


@pytest.mark.media
@pytest.mark.skipif(not (MEDIA / "hands_pan.mp4").exists(), reason="the real clips are not beside this clone (shared/media)")
def test_a_real_video_from_file_to_meshes(page, tmp_path):
    _upload(page, MEDIA / "hands_pan.mp4")
    _run_one_more(page)
    _look(page)


def test_another_team_sees_nothing_of_it(page, browser, installation):
    page.goto(f"{installation.url}/uploads/")
    address = page.locator("tbody th a").first.get_attribute("href")
    context = browser.new_context()
    outsider = context.new_page()
    outsider.goto(f"{installation.url}/accounts/signup/")
    outsider.locator("[name=email]").fill("outsider@example.org")
    for name in ("password1", "password2"):
        outsider.locator(f"[name={name}]").fill("an unlikely long password")
    outsider.get_by_role("button", name="Create account").click()
    expect(outsider.get_by_role("heading", name="Home")).to_be_visible()
    assert outsider.goto(installation.url + address).status == 404
    assert outsider.request.get(f"{installation.url}/api/v1{address}").status == 404
    context.close()


@pytest.mark.parametrize(
    "path", ["/", "/subjects/", "/uploads/", "/account/", "/benchmarks/", "/benchmarks/palmares-synth/", *TABS, SETTINGS]
)
def test_pages_are_accessible_and_log_no_console_errors(page, axe, installation, path):
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        answer = page.goto(installation.url + path)
        assert answer.status == 200, answer.text()
        assert axe(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": 1280, "height": 900})
    assert said == []


def test_a_request_is_tried_on_the_page_of_the_api(page, installation):
    page.goto(installation.url + "/api/docs/")
    page.locator("#operations-me-me_retrieve .opblock-summary-control").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table .response-col_status").last).to_contain_text("200")
    expect(page.locator(".live-responses-table")).to_contain_text("demo@palmares.local")


def test_the_demo_hand_is_calibrated(page, axe, installation):
    page.goto(installation.url + "/subjects/")
    page.get_by_role("link", name="Synthetic A").click()
    page.locator("#shapes").get_by_role("link", name="both").click(timeout=LONG)
    expect(page.locator(".verdict")).to_contain_text("201.5 ±")
    hand = page.locator(".hand3d")
    expect(hand.locator(".measure")).to_have_text(["201.5 mm", re.compile(r"\d\d\.\d mm")])
    assert axe(page) == []


def test_a_card_is_measured_in_an_image(page, axe, installation):
    page.goto(installation.url + "/subjects/")
    page.get_by_role("link", name="Synthetic A").click()
    page.get_by_role("link", name="Calibrate").click()
    end = page.get_by_role("button", name="one end: drag")
    expect(end).to_be_hidden()
    page.get_by_label("Object of known size beside the hand").fill("85.6")
    page.get_by_label("Frame").first.fill("40")
    assert axe(page) == []
    end.scroll_into_view_if_needed()
    at = end.bounding_box()
    page.mouse.move(at["x"] + at["width"] / 2, at["y"] + at["height"] / 2)
    page.mouse.down()
    page.mouse.move(at["x"] + 300, at["y"] + at["height"] / 2, steps=4)
    page.mouse.up()
    dragged = float(page.get_by_label("Size of the object in the image").input_value())
    page.keyboard.press("Shift+ArrowRight")
    moved = float(page.get_by_label("Size of the object in the image").input_value())
    assert abs(moved - dragged) == pytest.approx(10, abs=0.5)
    page.get_by_role("button", name="Calibrate").click()
    expect(page.locator(".notice.error")).to_contain_text("By the card the hand would be", timeout=LONG)


def test_a_prediction_is_submitted_and_refused_or_ranked(page, installation, tmp_path):
    board = f"{installation.url}/benchmarks/palmares-synth/"
    page.goto(board)
    expect(page.locator(".board tbody tr").first).to_be_visible(timeout=LONG)  # other methods may still be at work
    wrong, right = tmp_path / "wrong.zip", tmp_path / "right.zip"
    page.get_by_role("link", name="Sequences").click()
    sequence = page.locator("#sequences + .scroll tbody th").first.inner_text()
    wrong.write_bytes(zipped(**{"no-such-sequence": hands(5)}))
    right.write_bytes(zipped(**{sequence: hands(90)}))
    page.get_by_role("navigation", name="Sections of the benchmark").get_by_role("link", name="Submit").click()
    page.get_by_label("Method").fill("A single sequence")
    page.locator("form[data-submit] input[type=file]").set_input_files(wrong)
    page.get_by_role("button", name="Submit for Demo").click()
    expect(page.locator("[data-result] .error")).to_contain_text("there is no sequence `no-such-sequence`", timeout=LONG)
    page.locator("form[data-submit] input[type=file]").set_input_files(right)
    page.get_by_role("button", name="Submit for Demo").click()
    expect(page.get_by_role("heading", name="A single sequence")).to_be_visible(timeout=LONG)
    expect(page.locator(".verdict")).to_contain_text(
        re.compile(r"mm PA-MPJPE, (\d+)(nd|rd|th) of \1\b"), timeout=LONG
    )  # the last
    page.goto(board)
    expect(page.locator(".board tbody tr", has_text="A single sequence")).to_contain_text("unpublished")
    page.get_by_role("link", name="Plots").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save SVG: PCK").click()
    drawing = ElementTree.parse(download.value.path())
    names = [item.inner_text() for item in page.locator(".figures figure").first.locator(".legend li").all()]
    assert 2 <= len(names) == len(drawing.findall(".//{*}polyline")) <= 3
    assert names == [text.text for text in drawing.findall(".//{*}text")][-len(names) :]


def test_signing_out(page, installation):
    page.goto(installation.url)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.goto(installation.url)
    expect(page.get_by_role("main").get_by_role("link", name="Sign in")).to_be_visible()

"""A box drawn around a hand that was missed: kept, listed, deleted, and looked into by the methods that are run again."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from palmares.queue.models import Status
from palmares.runs.models import Run
from palmares.teams.models import Membership, Role
from palmares.uploads.models import HandBox
from tests.browser.viewer.test_refine import finish
from tests.browser.viewer.test_viewer import seek
from tests.browser.viewer.viewer_clips import HEIGHT, WIDTH, ViewerClip
from tests.browser.viewer.viewer_page import OpenViewer

pytestmark = [pytest.mark.browser]


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Across the video's image, in shares of its width and height."""
    area = page.locator(".drawing-area").bounding_box()
    assert area
    points = [(area["x"] + x * area["width"], area["y"] + y * area["height"]) for x, y in (start, end)]
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(*points[1], steps=5)
    page.mouse.up()


def test_a_box_is_drawn_and_the_methods_run_again(open_viewer: OpenViewer, viewer_clip: ViewerClip, axe):
    page = open_viewer()
    seek(page, 45)
    page.keyboard.press("h")
    expect(page.get_by_text("Draw a box around the hand in the video.")).to_be_visible()
    drag(page, (0.75, 0.6), (0.5, 0.25))
    assert axe(page) == []
    page.get_by_role("button", name="Right hand").click()
    listed = page.get_by_role("button", name="Frame 45, right", exact=True)
    expect(listed).to_be_visible()
    expect(page.locator(".drawing-area")).to_have_count(0)
    made = HandBox.objects.get()
    assert (made.frame, made.side) == (45, "right")
    assert [made.x, made.y, made.width, made.height] == pytest.approx(
        [0.5 * WIDTH, 0.25 * HEIGHT, 0.25 * WIDTH, 0.35 * HEIGHT], abs=2
    )
    expect(page.locator(".hand-box")).to_have_count(1)
    seek(page, 44)
    expect(page.locator(".hand-box")).to_have_count(0)
    listed.click()
    expect(page.locator(".viewer")).to_have_attribute("data-frame", "45")

    page.get_by_role("button", name="Run again").click()
    expect(page.locator(".methods tbody")).to_have_count(4)
    expect(page.get_by_role("button", name="Run again")).to_have_count(0)
    queued = Run.objects.filter(status=Status.QUEUED)
    assert sorted(run.method for run in queued) == ["fused-fit", "hmp2024"]
    assert {run.boxes[0]["id"] for run in queued} == {str(made.pk)}

    message = "No right hand was found in the box that was drawn in frame 45."
    again = queued.get(method="fused-fit")
    again.findings = [{"level": "note", "message": message, "place": "frame 45"}]
    finish(again, viewer_clip)
    expect(page.locator(".methods tbody").filter(has_text="It is ready.")).to_contain_text(message)

    page.get_by_role("button", name="Delete the box of frame 45, right").click()
    expect(listed).to_have_count(0)
    assert not HandBox.objects.exists()


def test_a_box_is_drawn_by_keys_on_a_phone_and_what_is_wrong_is_said(open_viewer: OpenViewer):
    page = open_viewer(width=390, scheme="dark")
    page.get_by_role("button", name="Add a hand").press("Enter")
    expect(page.locator(".drawing-area")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    expect(page.locator(".hand-box.drawn")).to_be_visible()
    Membership.objects.update(role=Role.VIEWER)
    page.get_by_role("button", name="Left hand").click()
    expect(page.locator(".boxes .problem")).to_be_visible()
    Membership.objects.update(role=Role.MEMBER)
    page.get_by_role("button", name="Left hand").click()
    expect(page.get_by_role("button", name="Frame 0, left", exact=True)).to_be_visible()
    assert HandBox.objects.get().x == pytest.approx(0.4 * WIDTH + 0.02 * HEIGHT, abs=0.1)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_viewers_of_the_team_are_not_offered_to_draw_boxes(open_viewer: OpenViewer):
    Membership.objects.update(role=Role.VIEWER)
    page = open_viewer()
    expect(page.get_by_role("button", name="Add a hand")).to_have_count(0)
    page.keyboard.press("h")
    expect(page.locator(".drawing-area")).to_have_count(0)
    expect(page.get_by_role("button", name="Refine B, Fused fit, with HMP")).to_have_count(0)

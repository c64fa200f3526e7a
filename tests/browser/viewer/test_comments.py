"""Comments in the viewer: written on a frame, opened by their link, resolved."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.viewer.viewer_page import OpenViewer


def test_a_comment_is_written_opened_by_its_link_and_resolved(open_viewer: OpenViewer) -> None:
    page = open_viewer(query="?frame=70")
    page.keyboard.press("m")
    section = page.locator(".comments")
    expect(section.locator("textarea")).to_be_focused()
    section.locator("textarea").fill("The thumb is bent\nbackwards.")
    section.get_by_label("Method").select_option(index=1)
    section.get_by_label("Joint").select_option("left thumb 4")
    section.get_by_role("button", name="Comment on frame 70").click()
    comment = section.locator(".comment")
    expect(comment).to_contain_text("left thumb 4")
    expect(comment.locator(".words")).to_have_text("The thumb is bent\nbackwards.")
    expect(page.locator(".comment-mark")).to_have_count(1)
    link = comment.get_by_role("link", name="Frame 70")
    address = link.get_attribute("href")

    page.locator(".frame-field input").fill("3")
    page.locator(".frame-field input").press("Enter")
    expect(page.locator(".viewer")).to_have_attribute("data-frame", "3")
    link.click()
    expect(page.locator(".viewer")).to_have_attribute("data-frame", "70")
    expect(comment).to_have_class(re.compile("selected"))
    rings = page.locator(".joint-mark i")
    expect(rings).to_have_count(2)  # over the video, and in 3D
    video = page.locator(".video-pane").bounding_box()
    ring = rings.first.bounding_box()
    assert video
    assert ring
    assert video["x"] < ring["x"] < video["x"] + video["width"]

    page.goto(page.url.partition("/uploads/")[0] + str(address))
    page.wait_for_selector("[data-drawn]", state="attached")
    expect(page.locator(".viewer")).to_have_attribute("data-frame", "70")
    expect(page.locator(".comment.selected")).to_have_count(1)
    page.get_by_role("button", name="Resolve the comment on frame 70").click()
    expect(page.locator(".comment")).to_have_count(0)
    expect(page.locator(".comment-mark")).to_have_count(0)
    page.get_by_label("Show 1 resolved").check()
    expect(page.locator(".comment")).to_contain_text("resolved")

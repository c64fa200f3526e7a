"""Comments in the viewer: written on a frame about a method's joint, marked, linked, resolved; and read only."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from ml.catalog import METHODS
from palmares.comments.models import Comment
from palmares.teams.models import Membership, Role
from tests.browser.viewer.test_viewer import seek
from tests.browser.viewer.viewer_page import OpenViewer, wait_for_picture

pytestmark = [pytest.mark.browser]
FIRST = next(iter(METHODS.values())).title


def write(page: Page, frame: int, text: str) -> None:
    """A comment on the thumb's tip of the left hand of the first method."""
    seek(page, frame)
    page.keyboard.press("m")
    expect(page.get_by_label(f"Comment on frame {frame}")).to_be_focused()
    page.keyboard.type(text)
    page.get_by_label("Method", exact=True).select_option(index=1)
    page.get_by_label("Joint", exact=True).select_option("left 4")
    page.get_by_role("button", name=f"Comment on frame {frame}").click()


def ring(page: Page) -> list[dict[str, float]]:
    """Where the joint is marked: boxes on the page, all read at one moment."""
    return page.locator(".joint-mark i").evaluate_all("rings => rings.map((ring) => ring.getBoundingClientRect().toJSON())")


def test_one_is_written_marked_linked_and_resolved(open_viewer: OpenViewer, axe) -> None:
    page = open_viewer()
    write(page, 12, "The thumb bends backwards.")
    listed = page.locator(".comment")
    expect(listed).to_contain_text(re.compile(rf"Frame 12.*{FIRST}.*left thumb 4.*The thumb bends backwards\."))
    expect(page.locator(".comment-mark")).to_have_count(1)
    made = Comment.objects.get()
    assert made.joint_name == "left thumb 4"

    seek(page, 40)
    listed.get_by_role("link", name="Frame 12").click()
    expect(page.locator(".viewer")).to_have_attribute("data-frame", "12")
    expect(page.locator(".joint-mark i")).to_have_count(2, timeout=30_000)
    wait_for_picture(page)
    marks, stage = ring(page), page.locator(".stage").bounding_box()
    assert stage is not None
    for mark in marks:
        assert stage["x"] < mark["x"] < stage["x"] + stage["width"]
        assert stage["y"] < mark["y"] < stage["y"] + stage["height"]
    page.wait_for_url(re.compile(f"comment={made.pk}"))
    assert axe(page) == []

    page.goto(page.url.split("/uploads/")[0] + made.address)
    page.wait_for_selector("[data-drawn]", state="attached")
    expect(page.locator(".viewer")).to_have_attribute("data-frame", "12")
    expect(page.locator(".comment.selected")).to_have_count(1)
    expect(page.locator(".joint-mark i")).to_have_count(2, timeout=30_000)

    page.get_by_role("button", name="Resolve the comment on frame 12").click()
    expect(page.locator(".comment")).to_have_count(0)
    expect(page.locator(".comment-mark")).to_have_count(0)
    page.get_by_label("Show 1 resolved").check()
    page.get_by_role("button", name="Open the comment on frame 12").click()
    page.get_by_role("button", name="Delete the comment on frame 12").click()
    expect(page.locator(".comment")).to_have_count(0)
    assert not Comment.objects.exists()


def test_viewers_of_the_team_read_only(open_viewer: OpenViewer) -> None:
    page = open_viewer()
    write(page, 3, "A gap.")
    expect(page.locator(".comment")).to_have_count(1)
    Membership.objects.update(role=Role.VIEWER)
    page.reload()
    expect(page.locator(".comment")).to_contain_text("A gap.")
    expect(page.locator(".comments form, .comments button")).to_have_count(0)

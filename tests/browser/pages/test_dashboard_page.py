"""A dashboard is built, arranged by pointer and keyboard, and shared with somebody who has no account."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from palmares.dashboards.content import OPTIONS, new_panel
from palmares.dashboards.models import Dashboard
from palmares.dashboards.services import create_dashboard
from palmares.queue.models import Status
from palmares.runs.models import Prediction
from palmares.shares.services import create_share
from tests.browser.pages.conftest import OpenPage
from tests.factories import RunFactory, UploadFactory


@pytest.fixture
def clips(subject_of_ours: Any) -> None:
    """Three clips with two methods each."""
    for n in range(3):
        upload = UploadFactory(subject=subject_of_ours, name=f"secret name {n}.mp4")
        for method, value in (("mediapipe-ik", 2.0 + n), ("2d-fit", 3.0)):
            run = RunFactory(upload=upload, method=method, status=Status.SUCCEEDED)
            values = {"reprojection": value, "jitter": 1.0 + n}
            run.prediction = Prediction.objects.create(
                folder=f"runs/{run.pk}/1", sha256="1" * 64, size_bytes=1, rows=1, hand_model="open", summary=values
            )
            run.save()


def tile(page: Page, number: int) -> Any:
    return page.locator("[data-panel]").nth(number)


def test_a_dashboard_is_built_arranged_and_saved(open_page: OpenPage, clips: None, axe: Any) -> None:
    page = open_page("/dashboards/")
    page.get_by_label("New dashboard").fill("Our methods")
    page.get_by_role("button", name="Make dashboard").click()
    page.get_by_role("link", name="Text", exact=True).click()
    page.get_by_label("Text").fill("# What we found\n\nMediaPipe is **ahead**.")
    page.get_by_role("button", name="Save").click()
    expect(tile(page, 0).locator("strong")).to_have_text("ahead")
    page.get_by_label("Add a panel").select_option("Metrics table")
    page.get_by_role("button", name="Save").click()
    expect(tile(page, 1).locator("tbody tr")).to_have_count(3)

    table = tile(page, 1)
    table.get_by_role("button", name=re.compile("^Resize")).focus()
    for _ in range(3):
        page.keyboard.press("ArrowLeft")
    expect(table).to_have_attribute("data-w", "9")
    table.get_by_role("button", name=re.compile("^Move")).focus()
    page.keyboard.press("ArrowUp")
    expect(table).to_have_attribute("data-y", "0")
    expect(tile(page, 0)).to_have_attribute("data-y", "8")
    handle = table.get_by_role("button", name=re.compile("^Move")).bounding_box()
    assert handle
    page.mouse.move(handle["x"] + 8, handle["y"] + 8)
    page.mouse.down()
    page.mouse.move(handle["x"] + 330, handle["y"] + 12, steps=5)
    page.mouse.up()
    expect(table).to_have_attribute("data-x", "3")
    page.get_by_role("button", name="Save layout").click()
    expect(page.locator("[data-edit-status]")).to_have_text("Saved as version 4.")
    saved = Dashboard.objects.get().versions.first()
    assert saved
    assert {panel["kind"]: (panel["x"], panel["y"], panel["w"]) for panel in saved.content["panels"]} == {
        "text": (0, 8, 12),
        "metrics": (3, 0, 9),
    }
    page.reload()
    expect(tile(page, 0)).to_have_attribute("data-x", "3")
    tile(page, 0).locator("tbody tr").first.wait_for()
    assert axe(page) == []


def test_edit_mode_is_stored_in_the_address(open_page: OpenPage, clips: None, team: Any, member: Any) -> None:
    panels = [new_panel("metrics", OPTIONS["metrics"]), new_panel("text", {"markdown": "Notes"}, y=12)]
    made = create_dashboard(team=team, name="Ours", by=member, content={"panels": panels})
    page = open_page(f"/dashboards/{made.pk}/?edit=1")
    expect(tile(page, 0).get_by_role("button", name=re.compile("^Move"))).to_be_visible()
    expect(page.get_by_role("button", name="Edit", exact=True)).to_be_hidden()
    expect(page.get_by_role("link", name="Reset")).to_have_count(0)  # no filter is set
    tile(page, 1).get_by_role("link", name=re.compile("^Options")).click()
    page.get_by_label("Text").fill("Other notes")
    page.get_by_role("button", name="Save").click()
    expect(tile(page, 1)).to_contain_text("Other notes")
    tile(page, 1).get_by_role("button", name=re.compile("^Remove")).click()
    expect(page.locator("[data-panel]")).to_have_count(1)
    page.get_by_role("button", name="Done").click()
    expect(tile(page, 0).get_by_role("button", name=re.compile("^Move"))).to_be_hidden()
    assert page.url.endswith(f"/dashboards/{made.pk}/")
    page.get_by_role("button", name="Edit", exact=True).click()
    page.reload()
    expect(tile(page, 0).get_by_role("button", name=re.compile("^Move"))).to_be_visible()


def test_filters_are_stored_in_the_address(open_page: OpenPage, clips: None, team: Any, member: Any) -> None:
    made = create_dashboard(team=team, name="Ours", by=member, content={"panels": [new_panel("metrics", OPTIONS["metrics"])]})
    page = open_page(f"/dashboards/{made.pk}/")
    expect(tile(page, 0).locator("thead th")).to_have_count(3)
    page.locator("summary", has_text="Methods").click()
    page.get_by_label("2D fit").check()
    page.get_by_role("button", name="Apply").click()
    expect(tile(page, 0).locator("thead th")).to_have_count(2)
    assert "methods=2d-fit" in page.url


@pytest.mark.parametrize("width", [1280, 390])
def test_a_shared_dashboard_hides_names_and_fits_the_screen(
    browser: Browser, live_server: Any, clips: None, team: Any, member: Any, width: int, axe: Any
) -> None:
    panels = [new_panel(kind, OPTIONS[kind], y=9 * n) for n, kind in enumerate(("metrics", "scatter", "smooth", "board"))]
    made = create_dashboard(team=team, name="For everybody", by=member, content={"panels": panels})
    _, token = create_share(by=member, kind="dashboard", id=str(made.pk))
    context = browser.new_context(viewport={"width": width, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{live_server.url}/shared/{token}/")
    expect(tile(page, 0).locator("tbody th").first).to_have_text("Clip 1")
    expect(tile(page, 1).locator("circle")).to_have_count(6)
    expect(tile(page, 3)).to_contain_text("No benchmark is chosen for this panel.")
    assert "secret name" not in page.content()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert axe(page) == []
    assert errors == []
    context.close()

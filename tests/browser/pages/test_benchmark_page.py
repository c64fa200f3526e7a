"""A benchmark's page: in sections, of readable height, and never clipped by long names."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from palmares.benchmarks.models import Benchmark
from tests.browser.pages.conftest import OpenPage
from tests.factories import TeamFactory

pytestmark = [pytest.mark.browser]

FIGURES = {
    "pa_mpjpe": 10.0,
    "ra_mpjpe": 20.0,
    "pa_mpvpe": 11.0,
    "ra_acceleration_error": 5.0,
    "pa_auc_joints": 0.8,
}


@pytest.fixture
def board(contest: Benchmark, scored: Any) -> str:
    """Address of a board of ten rows, some with long names and every tag."""
    long = "Institute for Advanced Studies of Articulated Hands and Their Shapes, Group 3"
    for number in range(10):
        team = TeamFactory(name=f"{long} {number}") if number % 3 == 0 else None
        scored(
            f"A method whose name is a whole sentence {number}" if number % 2 else f"m{number}",
            by_team=team,
            figures=FIGURES,
            is_baseline=True,
            is_optimised=True,
            shape="calibrated",
            is_public=number % 3 == 0,
        )
    Benchmark.objects.filter(pk=contest.pk).update(visibility="public")
    return f"/benchmarks/{contest.slug}/"


def overflow(page: Page) -> int:
    """By how many pixels the table is wider than what shows it."""
    return page.locator(".scroll:has(.board)").evaluate("e => e.scrollWidth - e.clientWidth")


def test_long_names_wrap_and_the_board_fits_1280_pixels(open_page: OpenPage, board: str):
    page = open_page(board)
    expect(page.locator(".board tbody tr")).to_have_count(10)
    assert overflow(page) <= 0
    heights = page.locator(".board tbody tr").evaluate_all("rows => rows.map((row) => row.getBoundingClientRect().height)")
    line = 21
    assert max(heights) < 6 * line  # a team's name of 80 letters
    tags = page.locator(".board .tags").evaluate_all("all => all.map((tags) => tags.getBoundingClientRect().height)")
    assert max(tags) <= 2 * line + 4


def test_the_page_is_in_sections_each_of_which_is_a_link(open_page: OpenPage, board: str):
    page = open_page(f"{board}?metric=ra_mpjpe")
    sections = page.get_by_role("navigation", name="Sections of the benchmark")
    titles = sections.get_by_role("link").all_inner_texts()
    assert titles == ["Leaderboard", "Plots", "Sequences", "Submit", "About"]
    heights = {}
    for title in titles:
        sections.get_by_role("link", name=title).click()
        expect(sections.get_by_role("link", name=title)).to_have_attribute("aria-current", "page")
        assert "metric=ra_mpjpe" in page.url
        heights[title] = page.evaluate("document.documentElement.scrollHeight")
    assert max(heights.values()) < 1800, heights


def test_rows_are_tagged_reference_and_the_word_baseline_is_not_used(open_page: OpenPage, board: str):
    page = open_page(f"{board}?group=shape")
    assert "baseline" not in page.locator("main").inner_text().lower()
    expect(page.locator(".tag", has_text="reference").first).to_be_visible()

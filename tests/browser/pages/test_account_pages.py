"""A signed-in person's own account on a phone: found by what is on the screen, with the look of the other pages."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.pages.conftest import OpenPage

pytestmark = [pytest.mark.browser]

STYLE = "e => ['backgroundColor', 'fontFamily', 'padding', 'display'].map((name) => getComputedStyle(e)[name])"


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_home_links_to_the_account_page_and_that_to_the_email_page(
    open_page: OpenPage, axe: Any, member: Any, owner: Any, scheme: str
):
    page = open_page("/", width=390, scheme=scheme)
    header, body = (page.locator(where).evaluate(STYLE) for where in ("header.site", "body"))
    link = page.locator("header.site").get_by_text("Account", exact=True)
    expect(link).to_be_visible()
    box = link.bounding_box()
    assert box is not None
    assert (box["x"] >= 0, box["x"] + box["width"] <= 390) == (True, True)
    link.click()
    expect(page).to_have_url(re.compile("/account/$"))
    expect(page.locator("main")).to_contain_text(member.email)
    assert fits(page)

    page.get_by_role("link", name="Change email address").click()
    expect(page).to_have_url(re.compile("/accounts/email/$"))
    assert [page.locator(where).evaluate(STYLE) for where in ("header.site", "body")] == [header, body]
    assert page.get_by_role("navigation", name="Main").get_by_role("link").all_inner_texts() == [
        "Home", "Subjects", "Uploads", "Dashboards", "Benchmarks",
    ]  # fmt: skip
    assert (axe(page), fits(page)) == ([], True)

    page.get_by_label("Email").fill(owner.email)
    page.get_by_role("button", name="Change address").click()
    expect(page.locator("main")).to_contain_text("This address cannot be used. Choose another one.")
    assert (axe(page), fits(page)) == ([], True)

"""A viewer is shared, opened without a session, embedded by a page of another origin that steers it, and closed again."""

from __future__ import annotations

import functools
import http.server
import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.viewer.viewer_page import OpenViewer

ROOT = Path(__file__).resolve().parents[3]


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def other_site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A site of another origin than the platform's: its address, and the folder it serves."""
    folder = tmp_path / "site"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", folder
    server.shutdown()
    server.server_close()


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Callable[[], Page]]:
    """Pages of somebody who never signed in."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page
    assert context.cookies() == []
    context.close()


def share(page: Page, site: str) -> str:
    """Make a link on the pages; its address."""
    page.get_by_role("link", name="Share", exact=True).click()
    page.get_by_label("Show videos").check()
    page.get_by_label("Sites that may embed it").fill(site)
    page.get_by_role("button", name="Make the link").click()
    found = re.search(r"http://\S+/shared/\S+/", page.get_by_role("status").first.inner_text())
    assert found
    return found[0]


def test_share_open_embed_steer_and_revoke(
    open_viewer: OpenViewer, visitor: Callable[[], Page], other_site: tuple[str, Path]
) -> None:
    site, folder = other_site
    owner = open_viewer(query="?frame=12")
    url = share(owner, site)

    opened = visitor()
    opened.goto(url)
    opened.wait_for_selector("[data-drawn]", state="attached")
    expect(opened.locator(".viewer")).to_have_attribute("data-frame", "12")
    expect(opened.locator("h1")).to_have_text("Shared clip")
    expect(opened.get_by_role("link", name=re.compile("GLB"))).to_have_count(0)

    example = (ROOT / "docs/embed-example.html").read_text()
    (folder / "page.html").write_text(example.replace("https://palmares.example.org/shared/TOKEN/", url))
    host = visitor()
    host.goto(f"{site}/page.html")
    frame = host.frame_locator("#view")
    frame.locator("[data-drawn]").wait_for(state="attached")
    host.get_by_role("button", name="Frame 30").click()
    expect(frame.locator(".viewer")).to_have_attribute("data-frame", "30")
    expect(host.locator("#state")).to_contain_text("Frame 30")
    methods = host.locator("#state").inner_text().count(",")
    assert methods == 2
    host.get_by_role("button", name="Only the first method").click()
    expect(frame.locator("tbody.off")).to_have_count(1)
    host.get_by_role("button", name="Play").click()
    expect(host.locator("#state")).not_to_contain_text("Frame 30")
    host.get_by_role("button", name="Pause").click()
    host.evaluate("send({ type: 'palmares:seek', frame: -4 })")
    expect(host.locator("#state")).to_contain_text("whole number")

    outsider = visitor()
    outsider.goto(f"{site.replace('127.0.0.1', 'localhost')}/page.html")
    expect(outsider.frame_locator("#view").locator("h1")).to_have_text("Not embedded here")

    owner.goto(f"{url.partition('/shared/')[0]}/shares/")
    owner.get_by_role("button", name=re.compile("^Revoke clip")).first.click()
    owner.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    answer = opened.goto(url)
    assert answer
    assert answer.status == 410
    expect(opened.locator("main")).to_contain_text("was revoked by the team")

"""The viewer's page on a live server, with real files behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page

from tests.browser.viewer.viewer_clips import ViewerClip, make_clip
from tests.browser.viewer.viewer_page import OpenViewer, create_rows, session_cookie


@pytest.fixture(scope="session")
def viewer_clip(tmp_path_factory: pytest.TempPathFactory) -> ViewerClip:
    return make_clip(tmp_path_factory.mktemp("viewer"), 150)


@pytest.fixture(scope="session")
def single_image(tmp_path_factory: pytest.TempPathFactory) -> ViewerClip:
    return make_clip(tmp_path_factory.mktemp("single"), 1)


@pytest.fixture
def viewers(live_server: Any, browser: Browser, settings: Any, tmp_path: Path) -> Iterator[Callable[..., OpenViewer]]:
    """Makes an opener of a clip with runs of so many methods; at the end, nothing may have been said on the console."""
    settings.MEDIA_ROOT = tmp_path / "media"
    contexts: list[BrowserContext] = []
    said: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        # The test's server has no event streams, so pages poll; what is refused is said on the page.
        is_expected = "/api/v1/events/" in message.location["url"] or "status of 4" in message.text
        if message.type in ("error", "warning") and not is_expected:
            said.append(message.text)

    def opener(clip: ViewerClip, methods: int, *, truth: bool = False) -> OpenViewer:
        user, upload = create_rows(clip, tmp_path / "media", methods, truth=truth)

        def open_page(*, width: int = 1280, scheme: str = "light", query: str = "") -> Page:
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
            contexts.append(context)
            context.add_cookies([session_cookie(user, live_server.url)])
            page = context.new_page()
            page.on("console", heard)
            page.on("pageerror", lambda error: said.append(str(error)))
            page.goto(f"{live_server.url}/uploads/{upload.pk}/view/{query}")
            page.wait_for_selector(".viewer" if query == "?runs=" else "[data-drawn]", state="attached")
            return page

        return open_page

    yield opener
    for context in contexts:
        context.close()
    assert said == []


@pytest.fixture
def open_viewer(viewers: Callable[..., OpenViewer], viewer_clip: ViewerClip) -> OpenViewer:
    """The clip with runs of two methods."""
    return viewers(viewer_clip, 2)

"""Pages on a live server, looked at by a member of a team in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from palmares.subjects.models import Subject
from palmares.teams.models import Team, User
from tests.browser.viewer.viewer_page import session_cookie
from tests.factories import SubjectFactory
from tests.scored_benchmarks import contest, scored  # noqa: F401 - fixtures


class OpenPage(Protocol):
    """Opens an address in a fresh browser context, signed in."""

    def __call__(self, path: str, *, width: int = 1280, scheme: str = "light") -> Page: ...


@pytest.fixture
def open_page(live_server: Any, browser: Browser, media_root: Path, member: User) -> Iterator[OpenPage]:
    """Opens pages as `member`; at the end, no script may have failed."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_page(path: str, *, width: int = 1280, scheme: str = "light") -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)  # type: ignore[arg-type]
        contexts.append(context)
        context.add_cookies([session_cookie(member, live_server.url)])
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{live_server.url}{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def subject_of_ours(team: Team) -> Subject:
    return SubjectFactory(team=team)

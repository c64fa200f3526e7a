"""Every page as each kind of user: what it links to, embeds or sends forms to exists, and opens for that user."""

from __future__ import annotations

import re
from html import unescape
from urllib.parse import urljoin, urlsplit

import pytest
from django.test import Client
from django.urls import get_resolver

from tests.platform.api.test_leak_walk import signed_in
from tests.route_samples import ROUTES, address, patterns, world  # noqa: F401 - a fixture

LINK = re.compile(r"<(?P<tag>\w+)[^>]*?\s(?P<name>href|src|action|poster|hx-get|data-video|data-src)=\"(?P<url>[^\"]*)\"[^>]*>")
MADE_BY_THE_BUILD = ("/static/",)
"""Held by `test_static_files.py`."""
PAGES = [(r, p) for r, p in ROUTES if not r.startswith("api/")]
ACCOUNT_PAGES = [p for r, p in patterns(get_resolver("allauth.account.urls")) if not p.pattern.converters and "(" not in r]


def links(page: str, text: str) -> list[tuple[str, str]]:
    """Method and path of everything on this site that a page leads to."""
    found = []
    for match in LINK.finditer(text):
        url = urlsplit(urljoin(page, unescape(match["url"])))
        if match["url"].startswith(("#", "data:", "blob:", "mailto:")) or url.netloc or url.path.startswith(MADE_BY_THE_BUILD):
            continue
        method = "post" if match["tag"] == "form" and re.search(r'method="?post', match[0], re.I) else "get"
        found.append((method, f"{url.path}?{url.query}" if url.query else url.path))
    return found


@pytest.mark.parametrize("role", ["nobody", "outsider", "viewer", "member", "owner"])
def test_no_link_of_any_page_is_dead(request, world, role):  # noqa: F811
    caller = Client() if role == "nobody" else signed_in(request.getfixturevalue(role))
    caller.raise_request_exception = False
    seen: dict[tuple[str, str], str] = {}
    opened = 0
    for route, pattern in PAGES:
        page = address(pattern, route, world)
        answer = caller.get(page, follow=True)
        text = answer.getvalue().decode("utf-8", "replace")
        if answer.status_code == 200 and answer["Content-Type"].startswith("text/html"):
            opened += 1
            for link in links(page, text):
                seen.setdefault(link, page)
    assert opened > (3 if role == "nobody" else 10)
    dead = [f"{page}: {fault}" for link, page in seen.items() if (fault := fault_of(caller, *link))]
    assert dead == []


def fault_of(caller: Client, method: str, url: str) -> str:
    """Why an address does not open, or an empty text. Forms are not sent: a GET shows that their address exists."""
    answer = caller.get(url, follow=True)
    answer.getvalue()
    good = answer.status_code == 200 or (method == "post" and answer.status_code == 405)
    return "" if good else f"{method} {url} {answer.redirect_chain}: {answer.status_code}"


@pytest.mark.parametrize("pattern", ACCOUNT_PAGES, ids=[str(p.name) for p in ACCOUNT_PAGES])
@pytest.mark.parametrize("role", ["nobody", "member"])
def test_every_account_page_has_the_site_layout_and_no_dead_links(request, db, role, pattern):
    caller = Client() if role == "nobody" else signed_in(request.getfixturevalue(role))
    answer = caller.get(f"/accounts/{pattern.pattern}", follow=True)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert ("<title>" in text and "Palmarès</title>" in text, 'class="skip"' in text) == (True, True)
    assert [fault for link in links("/accounts/", text) if (fault := fault_of(caller, *link))] == []

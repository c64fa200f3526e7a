"""Addresses come from connections and trusted proxies, and not from what the caller writes into X-Forwarded-For."""

from __future__ import annotations

import asyncio

import pytest
from allauth.account.adapter import get_adapter
from django.core.handlers.asgi import ASGIRequest
from rest_framework.throttling import AnonRateThrottle

from palmares.api.proxies import TrustedProxies

PROXY = "172.18.0.1"
OUTSIDE = "198.51.100.7"


def seen(peer: str, forwarded: str, proto: str = "https", trusted: tuple[str, ...] = ("172.16.0.0/12",)) -> ASGIRequest:
    """The request as views get it."""
    requests = []

    async def application(scope, receive, send):
        requests.append(ASGIRequest(scope, None))

    headers = [(b"host", b"localhost"), (b"x-forwarded-for", forwarded.encode()), (b"x-forwarded-proto", proto.encode())]
    scope = {"type": "http", "method": "GET", "path": "/", "scheme": "http", "client": (peer, 1), "headers": headers}
    asyncio.run(TrustedProxies(application, trusted=list(trusted))(scope, None, None))
    return requests[0]


@pytest.mark.parametrize(
    ("peer", "forwarded", "address", "secure"),
    [
        (OUTSIDE, "10.9.9.9", OUTSIDE, False),
        ("127.0.0.1", "10.9.9.9", "127.0.0.1", False),
        (PROXY, OUTSIDE, OUTSIDE, True),
        (PROXY, f"10.9.9.9, {OUTSIDE}", OUTSIDE, True),
        (PROXY, f"10.9.9.9, {OUTSIDE}, 172.18.0.9", OUTSIDE, True),
        (PROXY, "2001:db8::7", "2001:db8::7", True),
    ],
)
def test_every_limit_uses_the_same_client_address(peer, forwarded, address, secure):
    request = seen(peer, forwarded)
    assert request.META["REMOTE_ADDR"] == address
    assert get_adapter().get_client_ip(request) == address
    assert AnonRateThrottle().get_ident(request) == address
    assert request.is_secure() == secure
    assert "HTTP_X_FORWARDED_FOR" not in request.META


def test_no_proxy_is_trusted_unless_it_is_listed(settings):
    assert settings.TRUSTED_PROXIES == []
    assert seen("127.0.0.1", "10.9.9.9", trusted=()).META["REMOTE_ADDR"] == "127.0.0.1"

"""Which address a request comes from, and whether it came encrypted: said by the connection, or by a proxy that is trusted."""

from __future__ import annotations

from typing import Any

from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from palmares.api.refusals import Application, Receive, Scope, Send


class TrustedProxies:
    """ASGI middleware: takes client address and scheme from X-Forwarded-For and -Proto of trusted proxies only.

    The headers are removed from every request: rate limits, logs and redirects further in know one address and one scheme,
    which nobody else can choose.

    Args:
        application: what is asked.
        trusted: addresses and networks, such as `127.0.0.1` or `172.16.0.0/12`.
    """

    def __init__(self, application: Application, *, trusted: list[str]) -> None:
        self.application = application
        self._proxied: Any = ProxyHeadersMiddleware(self._without_headers, trusted_hosts=trusted)  # type: ignore[arg-type]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._proxied(scope, receive, send)

    async def _without_headers(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(name, value) for name, value in scope["headers"] if not name.startswith(b"x-forwarded-")]
        await self.application({**scope, "headers": headers}, receive, send)

"""Which proxy a server is reached through: none for this machine, else what the environment or the system says."""

from __future__ import annotations

import importlib.util
import os
from typing import Final
from urllib.request import getproxies, proxy_bypass

import httpx

from palmares_client.account import is_loopback
from palmares_client.api_errors import PalmaresError

_SCHEMES: Final = ("http", "https", "socks5", "socks5h")


def proxy_for(server: str) -> httpx.Proxy | None:
    """The proxy for a server's address; None where it is reached directly.

    The token of a server on this machine is never given to a proxy, whatever the environment says. httpx's own reading of the
    environment is not used: it sends such requests to the proxy, and some values of `NO_PROXY` make it fail.

    Raises:
        PalmaresError: the proxy's address cannot be used. The message does not show it, since it may hold a password.
    """
    url = httpx.URL(server)
    if is_loopback(url.host) or url.host.lower().endswith(".localhost"):
        return None
    host = f"[{url.host}]" if ":" in url.host else url.host
    if any(proxy_bypass(name) for name in (host, url.host, f"{host}:{url.port or (443 if url.scheme == 'https' else 80)}")):
        return None
    found = getproxies()
    scheme = url.scheme if url.scheme in found else "all"
    if not (address := found.get(scheme, "").strip()):
        return None
    source = _variable(scheme)
    try:
        parsed = httpx.URL(address if "://" in address else f"http://{address}")
    except httpx.InvalidURL:
        raise PalmaresError(f"{source} is not a valid address, expected one such as http://proxy:3128.") from None
    if parsed.scheme not in _SCHEMES or not parsed.host:
        kinds = ", ".join(_SCHEMES)
        raise PalmaresError(
            f"{source} is a proxy of the kind {parsed.scheme}, expected one of {kinds}, such as http://proxy:3128."
        )
    if parsed.scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
        raise PalmaresError(
            f"{source} is a SOCKS proxy, for which a package is missing: `pip install 'palmares-client[socks]'` adds it. "
            f"To reach {url.host} without a proxy, set NO_PROXY={host}."
        )
    return httpx.Proxy(parsed)


def _variable(scheme: str) -> str:
    """The name of the variable that gives this proxy, as it is written in the environment."""
    names = [name for name in (f"{scheme}_proxy", f"{scheme}_proxy".upper()) if os.environ.get(name)]
    return names[0] if names else f"The {scheme} proxy of the system's settings"

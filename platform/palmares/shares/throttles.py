"""How often the holders of share links may ask."""

from __future__ import annotations

from typing import Any

from rest_framework.throttling import SimpleRateThrottle

from palmares.teams.secret import digest


class LinkThrottle(SimpleRateThrottle):
    """Requests by one address with one link; a page with a viewer needs dozens."""

    scope = "shared"

    def get_cache_key(self, request: Any, view: Any) -> str:
        return f"throttle_shared_{self.get_ident(request)}_{digest(view.kwargs['token'])[:16]}"


class AddressThrottle(SimpleRateThrottle):
    """Requests by one address with whatever links, so that nobody tries many."""

    scope = "shared_address"

    def get_cache_key(self, request: Any, view: Any) -> str:
        return f"throttle_shared_{self.get_ident(request)}"

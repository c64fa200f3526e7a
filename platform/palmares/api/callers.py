"""Who sends an ASGI request: looked up before Django is asked, and remembered for a short while."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from django.conf import settings
from django.db import Error
from django.http import parse_cookie

from palmares.api.authentication import user_id_of
from palmares.api.refusals import Scope, header

Result = TypeVar("Result")

LOOKUP_THREADS: Final = 2
REMEMBERED_SECONDS: Final = 60.0
"""How long a credential counts as a person's. It decides who goes first, never what may be seen: views check again."""
REMEMBERED: Final = 10_000
LOOKUPS_PER_ADDRESS: Final = 50
"""Credentials of one address that wait to be looked up; who sends more of them counts as nobody meanwhile."""


@dataclass(frozen=True)
class Caller:
    """Whoever shares limits: a person where `user_id` is known, else all of an address."""

    user_id: int | None
    address: str

    @property
    def key(self) -> str:
        return f"address {self.address}" if self.user_id is None else f"user {self.user_id}"


class Callers:
    """Looks callers up in a few threads of its own, so that forged credentials cannot take more than these."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUP_THREADS, "caller")
        self._remembered: OrderedDict[bytes, tuple[int, float]] = OrderedDict()
        self._waiting: Counter[str] = Counter()

    async def in_thread(self, function: Callable[..., Result], *arguments: Any) -> Result:
        """Run a function that needs the database in one of these threads."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, function, *arguments)

    async def is_known(self, scope: Scope) -> bool:
        """Whether a token or session in force comes with a request; looked up anew."""
        return await self.in_thread(user_id_of, scope) is not None

    async def identify(self, scope: Scope) -> Caller:
        """Who sends a request, as far as it matters for who goes first."""
        address = (scope.get("client") or ("unknown",))[0]
        nobody = Caller(None, address)
        if not (shown := credential(scope)):
            return nobody
        digest = hashlib.sha256(shown).digest()
        user_id, until = self._remembered.get(digest, (0, 0.0))
        if time.monotonic() < until:
            return Caller(user_id, address)
        if self._waiting[address] >= LOOKUPS_PER_ADDRESS:
            return nobody
        self._waiting[address] += 1
        try:
            found = await self.in_thread(user_id_of, scope)
        except Error:  # the database is away; the view will say so
            return nobody
        finally:
            self._waiting[address] -= 1
            if not self._waiting[address]:
                del self._waiting[address]
        if found is None:
            return nobody
        self._remember(digest, found)
        return Caller(found, address)

    def _remember(self, digest: bytes, user_id: int) -> None:
        self._remembered[digest] = user_id, time.monotonic() + REMEMBERED_SECONDS
        self._remembered.move_to_end(digest)
        if len(self._remembered) > REMEMBERED:
            self._remembered.popitem(last=False)


def credential(scope: Scope) -> bytes:
    """What a request shows of who sends it: its Authorization header, else its session cookie; empty where there is neither."""
    if shown := header(scope, b"authorization"):
        return b"authorization " + shown
    cookies = parse_cookie(header(scope, b"cookie").decode("latin-1"))
    session = cookies.get(settings.SESSION_COOKIE_NAME, "")
    return f"session {session}".encode() if session else b""

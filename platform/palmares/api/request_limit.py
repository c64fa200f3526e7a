"""How many requests a web process works on at the same time, and who goes first when there are more.

A request of Django's takes a thread and a database connection. So there are a fixed number of *slots*, some for people who
are signed in and some for everybody else, and neither can take the other's. Within a group, whoever has waited longest
since their last request goes first; one person never takes more than half of the slots.

A slot is taken when a request has been received whole and is given back when its answer begins to be sent, so that slow
connections hold none.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass, field
from typing import Final

from palmares.api.callers import Callers
from palmares.api.refusals import Application, Message, Receive, RefusedError, Scope, Send

HEALTH_PATH: Final = "/health/"
RETRY_AFTER_SECONDS: Final = 3


@dataclass
class Group:
    """Slots, and the requests that wait for one of them.

    Attributes:
        slots: requests worked on at the same time.
        slots_per_caller: the same, of one caller.
        waiting_limit: requests that may wait; more are refused.
        waiting_per_caller: the same, of one caller.
        open_limit: requests in any state, those that are being received or sent included.
        patience: seconds a request waits before it is refused.
    """

    slots: int
    slots_per_caller: int
    waiting_limit: int
    waiting_per_caller: int
    open_limit: int
    patience: float
    open: int = 0
    _taken: Counter[str] = field(default_factory=Counter)
    _waiting: OrderedDict[str, deque[asyncio.Future[None]]] = field(default_factory=OrderedDict)

    def enter(self) -> None:
        """Count a request as open. Raises `RefusedError` where there are too many."""
        if self.open >= self.open_limit:
            raise _busy()
        self.open += 1

    def leave(self) -> None:
        """The request is over."""
        self.open -= 1

    async def take(self, caller: str) -> None:
        """Wait for a slot and take it. Raises `RefusedError` where too many wait, or the wait is too long."""
        if self._may_start(caller):
            self._taken[caller] += 1
            return
        queue = self._waiting.setdefault(caller, deque())
        if len(queue) >= self.waiting_per_caller or sum(map(len, self._waiting.values())) >= self.waiting_limit:
            self._forget_if_empty(caller)
            raise _busy()
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            async with asyncio.timeout(self.patience):
                await turn
        except BaseException as error:
            if turn.done() and not turn.cancelled():  # the slot was handed over in the same moment
                self.give_back(caller)
            else:
                with contextlib.suppress(ValueError):
                    queue.remove(turn)
                self._forget_if_empty(caller)
            if isinstance(error, TimeoutError):
                raise _busy() from error
            raise

    def give_back(self, caller: str) -> None:
        """Give a slot back, to whoever is next."""
        self._taken[caller] -= 1
        if not self._taken[caller]:
            del self._taken[caller]
        for other in list(self._waiting):
            queue = self._waiting[other]
            while queue and queue[0].done():  # it has just given up
                queue.popleft()
            if queue and self._may_start(other):
                self._waiting.move_to_end(other)
                self._taken[other] += 1
                queue.popleft().set_result(None)
                self._forget_if_empty(other)
                return
            self._forget_if_empty(other)

    def _may_start(self, caller: str) -> bool:
        return self._taken.total() < self.slots and self._taken[caller] < self.slots_per_caller

    def _forget_if_empty(self, caller: str) -> None:
        if not self._waiting.get(caller, True):
            del self._waiting[caller]


def allow_open_files() -> None:
    """Let this process have as many open connections as the system grants it: often 1024 unless it asks."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _busy() -> RefusedError:
    detail = "The server has more requests than it can answer now. Try again in a few seconds."
    return RefusedError(503, detail, retry_after=RETRY_AFTER_SECONDS)


class RequestLimit:
    """ASGI middleware around Django: 503 with Retry-After for what is beyond the limits, raised as `RefusedError`.

    Args:
        application: what is asked.
        slots: requests worked on at the same time; a quarter of them (two at least) are for callers who are not signed in.
        callers: knows who sends a request.
    """

    def __init__(self, application: Application, *, slots: int, callers: Callers) -> None:
        nobodys = max(2, slots // 4)
        peoples = max(2, slots - nobodys)
        self.application = application
        self.callers = callers
        self.known = Group(peoples, max(1, peoples // 2), 500, 100, 1000, patience=30.0)
        self.unknown = Group(nobodys, nobodys, 200, 100, 600, patience=5.0)
        self.health = Group(1, 1, 20, 20, 50, patience=5.0)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = await self.callers.identify(scope)
        group = self.known if caller.user_id is not None else self.unknown
        group = self.health if scope["path"] == HEALTH_PATH else group
        holds = is_received = False

        async def received() -> Message:
            nonlocal holds, is_received
            message = await receive()
            if message["type"] == "http.request" and not message.get("more_body", False) and not is_received:
                is_received = True
                await group.take(caller.key)
                holds = True
            return message

        async def sending(message: Message) -> None:
            nonlocal holds
            if holds and message.get("more_body", False):
                holds = False
                group.give_back(caller.key)
            await send(message)

        group.enter()
        try:
            await self.application(scope, received, sending)
        finally:
            group.leave()
            if holds:
                group.give_back(caller.key)

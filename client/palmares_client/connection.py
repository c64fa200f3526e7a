"""Requests that are repeated while the server or the network fails, and whose refusals become clear errors."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Final, Self

import httpx

from palmares_client.account import Account
from palmares_client.api_errors import NetworkError, NotSignedInError, PalmaresError, RejectedError
from palmares_client.outgoing_proxy import proxy_for
from palmares_client.version import __version__

TEMPORARY: Final = (429, 502, 503, 504)
"""Statuses worth another try: the server is busy or unavailable for a moment."""
WAITS_S: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Seconds before each retry, varied a little by chance so that clients do not return all at once."""
LONGEST_WAIT_S: Final = 120.0
"""If the server asks for a longer wait (`Retry-After`), the request is not repeated."""
TIMEOUT: Final = httpx.Timeout(30.0, read=600.0)
"""Long to read: the server checks a file of a gigabyte before it answers."""

MessageCallback = Callable[[str], None]
"""Called with a sentence for the user, such as that a request is repeated."""


class Connection:
    """`/api/v1/` of one server, as one user.

    Raises:
        PalmaresError: the proxy or the certificates that the environment names cannot be used.
    """

    def __init__(self, account: Account, *, on_message: MessageCallback | None = None) -> None:
        headers = {"Accept": "application/json", "User-Agent": f"palmares-client/{__version__}"}
        if account.token:
            headers["Authorization"] = f"Bearer {account.token}"
        self.account = account
        self._on_message = on_message or (lambda _: None)
        proxy = proxy_for(account.server)
        try:
            transport = httpx.HTTPTransport(proxy=proxy)  # given, so that httpx does not read proxies from the environment
        except OSError as error:
            raise PalmaresError(f"The certificates of SSL_CERT_FILE or SSL_CERT_DIR cannot be read: {error}.") from error
        self._http = httpx.Client(base_url=f"{account.server}/api/v1/", headers=headers, timeout=TIMEOUT, transport=transport)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._http.close()

    def get(self, path: str, **params: Any) -> Any:
        """The answer's JSON. Raises as `send`."""
        return _json(self.send("GET", path, params=params))

    def send(self, method: str, path: str, *, retry: bool = True, **request: Any) -> httpx.Response:
        """A successful answer.

        Args:
            method: of HTTP.
            path: relative to `/api/v1/`.
            retry: whether the request may be repeated: it changes nothing, or carries an idempotency key.
            request: as of `httpx.Client.request`.

        Raises:
            NotSignedInError: 401.
            RejectedError: any other 4xx.
            NetworkError: the server was not reached or answered 5xx, after all retries.
        """
        if not self.account.token:
            raise NotSignedInError(f"You are not signed in to {self.account.server}; `palmares login` does that.")
        waits = iter(WAITS_S if retry else ())
        while True:
            answer, reason = self._once(method, path, request)
            wait = next(waits, None)
            pause = wait if wait is None or answer is None else _pause(answer, wait)
            if pause is None:
                return self._checked(answer, reason)
            self._on_message(f"{reason}; trying again in {pause:.0f} s" if pause >= 1 else f"{reason}; trying again")
            time.sleep(pause)

    def pages(self, path: str, **params: Any) -> Iterator[dict[str, Any]]:
        """The rows of a list, page after page. Raises as `send`."""
        query: Any = params
        while True:
            page = _json(self.send("GET", path, params=query))
            yield from page["results"]
            if not page.get("next"):
                return
            query = httpx.URL(page["next"]).params  # only the page: never another host

    def _once(self, method: str, path: str, request: dict[str, Any]) -> tuple[httpx.Response | None, str]:
        try:
            answer = self._http.request(method, path, **request)  # httpx reads a file from its beginning each time
        except httpx.RequestError as error:
            return None, f"{self.account.server} cannot be reached ({str(error) or type(error).__name__})"
        return answer, f"{self.account.server} answered {answer.status_code} {answer.reason_phrase}"

    def _checked(self, answer: httpx.Response | None, reason: str) -> httpx.Response:
        if answer is None:
            raise NetworkError(f"{reason}.")
        if answer.is_success:
            return answer
        problem = _problem(answer)
        detail = problem.get("detail") or f"{reason}."
        if answer.status_code == 401:
            raise NotSignedInError(
                f"{self.account.server} does not accept your token ({detail}) `palmares login` asks for another."
            )
        if answer.is_redirect:
            place = answer.headers.get("Location", "elsewhere")
            raise NetworkError(f"{reason}: it has moved to {place}. Give its new address: `palmares login --server URL`.")
        if answer.is_server_error:
            raise NetworkError(detail if "detail" in problem else f"{reason}.")
        errors, findings = problem.get("errors"), problem.get("findings")
        raise RejectedError(
            str(detail),
            status=answer.status_code,
            errors=errors if isinstance(errors, dict) else None,
            findings=findings if isinstance(findings, list) else None,
        )


def _pause(answer: httpx.Response, wait: float) -> float | None:
    """Seconds until the next try; None when it would not help."""
    if answer.status_code not in TEMPORARY:
        return None
    asked = answer.headers.get("Retry-After", "")
    if asked.isdigit():
        return float(asked) if float(asked) <= LONGEST_WAIT_S else None
    if answer.status_code == 429:
        return None  # a day's quota: waiting a few seconds does not help
    return wait * random.uniform(0.8, 1.2)  # noqa: S311 - no secret


def _problem(answer: httpx.Response) -> dict[str, Any]:
    try:
        content = answer.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        kind = answer.headers.get("Content-Type", "no type")
        raise NetworkError(f"{answer.url} answered {kind}, expected JSON: is this a Palmarès server?") from error

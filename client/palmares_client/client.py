"""Submissions and boards of a Palmarès server, from Python."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

import httpx

from palmares_client import pieces, unfinished
from palmares_client.account import load_account
from palmares_client.connection import Connection, Say
from palmares_client.errors import RefusedError, ScoringFailedError
from palmares_client.pieces import Sent

OVER: Final = ("succeeded", "failed", "cancelled")
POLL_S: Final = (0.5, 5.0)
"""Seconds between two looks at a submission: at first, and after a while."""

ATTEMPTS: Final = 3
"""So often a file is sent in pieces that the server then does not have; after that it goes in one request."""
PASSING: Final = (409, 429)
"""Refusals that may pass, as the day's quota does: the server keeps the file for the next try."""

Seen = Callable[[dict[str, Any]], None]
"""Called with a submission as the server tells it, each time it was looked at."""


class Client:
    """One person's view of one server.

    Args:
        server: its address; else `PALMARES_SERVER`, what `palmares login` kept, or http://localhost:8000.
        token: else `PALMARES_TOKEN`, or what `palmares login` kept.
        say: called with a sentence when something is tried again.
    """

    def __init__(self, server: str | None = None, token: str | None = None, *, say: Say | None = None) -> None:
        self._say = say or (lambda _: None)
        self._connection = Connection(load_account(server, token), say=say)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._connection.__exit__(kind, error, trace)

    @property
    def server(self) -> str:
        """Its address."""
        return self._connection.account.server

    def me(self) -> dict[str, Any]:
        """Who you are, and your teams."""
        return dict(self._connection.get("me/"))

    def benchmarks(self) -> Iterator[dict[str, Any]]:
        """All that you may see, newest first."""
        return self._connection.pages("benchmarks/")

    def benchmark(self, slug: str) -> dict[str, Any]:
        """One, by the name in its address."""
        return dict(self._connection.get(f"benchmarks/{_segment(slug)}/"))

    def leaderboard(self, slug: str, board: str = "all", metric: str = "") -> dict[str, Any]:
        """The first page of a board: `rows` with `rank`, `method`, `value`, `low`, `high`, `coverage`."""
        params = {"board": board, **({"metric": metric} if metric else {})}
        return dict(self._connection.get(f"benchmarks/{_segment(slug)}/leaderboard/", **params))

    def submit(
        self,
        benchmark: str,
        method: str,
        file: str | os.PathLike[str],
        *,
        description: str = "",
        links: tuple[str, ...] | list[str] = (),
        is_public: bool = False,
        shape: str = "estimated",
        is_optimised: bool = False,
        team: str | None = None,
        check: bool = True,
        sent: Sent | None = None,
    ) -> Submission:
        """Send a prediction. Interrupted and called again with the same, it gives the same submission, not a second one.

        A large file goes on where it stopped then (`palmares_client.pieces`).

        Args:
            benchmark: the name in its address.
            method: as boards will name it.
            file: as the benchmark's protocol asks for it.
            description: what others should know of the method.
            links: to its paper or code.
            is_public: whether other teams see it.
            shape: how the method came by the subject's hand shape: `estimated`, `true` or `calibrated`.
            is_optimised: whether parameters were optimised at inference time.
            team: whose it is, by name or id; the first that you may submit for, if not given.
            check: look at the file here first, before it is sent and a place of the day's quota is taken.
            sent: follows the upload.

        Raises:
            RefusedError: the file, or the benchmark's rules, do not allow it; nothing is stored, no quota taken.
            NotSignedInError, NetworkError: as everywhere.
        """
        path = Path(file)
        if not path.is_file():
            raise RefusedError(f"{path} is {'a folder' if path.exists() else 'missing'}, expected a file.")
        if check:
            from palmares_client.preflight import refuse_errors  # noqa: PLC0415 - numpy is not needed to look at a board

            refuse_errors(self.benchmark(benchmark)["protocol"], path)
        facts: dict[str, Any] = {"method": method, "description": description, "is_public": is_public, "links": list(links)}
        facts |= {"shape": shape, "is_optimised": is_optimised}
        if team is not None:
            facts["team"] = self._team_id(team)
        mark = unfinished.fingerprint(self.server, {"benchmark": benchmark, **facts}, path)
        try:
            answer = self._sent(benchmark, facts, path, mark, sent)
        except RefusedError as refusal:
            if refusal.status not in PASSING:
                pieces.give_up(self._connection, mark)
                unfinished.forget(mark)
            raise
        unfinished.forget(mark)
        return Submission(self, answer.json())

    def _sent(self, benchmark: str, facts: dict[str, Any], path: Path, mark: str, sent: Sent | None) -> httpx.Response:
        request: dict[str, Any] = {"data": facts, "headers": {"Idempotency-Key": unfinished.key_of(mark)}}
        place, size = f"benchmarks/{_segment(benchmark)}/submissions/", path.stat().st_size
        for _ in range(ATTEMPTS if size > pieces.PIECE else 0):
            pk = pieces.deliver(self._connection, path, mark=mark, sent=sent, say=self._say)
            if pk is None:
                break
            try:
                return self._connection.send("POST", place, files={"sent": (None, pk)}, **request)
            except RefusedError as refusal:
                if not pieces.is_unknown(refusal):
                    raise
            unfinished.keep_sent(mark, None)
        with path.open("rb") as stream:
            return self._connection.send("POST", place, files={"file": (path.name, _Followed(stream, size, sent))}, **request)

    def _team_id(self, team: str) -> str:
        teams = {str(one["id"]): str(one["name"]) for one in self.me()["teams"]}
        found = [pk for pk, name in teams.items() if team in (pk, name)]
        if len(found) != 1:
            names = ", ".join(f"«{name}» ({pk})" for pk, name in teams.items()) or "none"
            raise RefusedError(f"«{team}» is {'more than one' if found else 'none'} of your teams; they are {names}.")
        return found[0]

    def submission(self, pk: str) -> Submission:
        """One, by its id."""
        return Submission(self, dict(self._connection.get(f"submissions/{_segment(pk)}/")))

    def submissions(self, benchmark: str | None = None) -> Iterator[Submission]:
        """Those of your own teams, newest first team by team; their `scores` are asked for when they are looked at."""
        params = {"benchmark": benchmark} if benchmark else {}
        for team in self.me()["teams"]:
            for row in self._connection.pages("submissions/", team=team["id"], **params):
                yield Submission(self, row)

    def act(self, pk: str, action: str) -> dict[str, Any]:
        """`cancel` or `retry` a submission; how it stands then. It is not repeated: doing it twice is not doing it once."""
        return dict(self._connection.send("POST", f"submissions/{_segment(pk)}/{action}/", again=False).json())


class Submission:
    """One prediction on its way to a score.

    Attributes:
        facts: as the server told it last: `id`, `status`, `stage`, `progress`, `place`, `seconds_left`, `error`, …
    """

    def __init__(self, client: Client, facts: dict[str, Any]) -> None:
        self._client = client
        self.facts = facts

    def __repr__(self) -> str:
        return f"<Submission {self.id} {self.facts['method']!r}: {self.status}>"

    @property
    def id(self) -> str:
        """In addresses."""
        return str(self.facts["id"])

    @property
    def status(self) -> str:
        """`queued`, `running`, `succeeded`, `failed` or `cancelled`, when last looked at."""
        return str(self.facts["status"])

    @property
    def scores(self) -> dict[str, Any] | None:
        """`figures` (mm), `report` (official names and units), `coverage`, versions and hashes; None until scored."""
        if "scores" not in self.facts:
            self.refresh()
        found = self.facts["scores"]
        return None if found is None else dict(found)

    def refresh(self) -> Self:
        """Look at it again."""
        self.facts = self._client.submission(self.id).facts
        return self

    def wait(self, timeout_s: float | None = None, seen: Seen | None = None) -> Self:
        """Until it is scored.

        Args:
            timeout_s: for so long at most.
            seen: follows stage, fraction done, place in the queue and time left.

        Raises:
            ScoringFailedError: it failed or was cancelled; the message says why.
            TimeoutError: it is on its way still.
        """
        began, pause = time.monotonic(), POLL_S[0]
        while True:
            self.refresh()
            if seen:
                seen(self.facts)
            if self.status in OVER:
                break
            if timeout_s is not None and time.monotonic() - began + pause > timeout_s:
                raise TimeoutError(f"Submission {self.id} is {self.status} after {timeout_s:.0f} s; `palmares wait {self.id}`.")
            time.sleep(pause)
            pause = min(1.3 * pause, POLL_S[1])
        if self.status != "succeeded":
            raise ScoringFailedError(self.facts.get("error") or f"Submission {self.id} was {self.status}.")
        return self

    def cancel(self) -> Self:
        """Stop its scoring."""
        self.facts = self._client.act(self.id, "cancel")
        return self

    def retry(self) -> Self:
        """Queue it once more after it failed or was cancelled."""
        self.facts = self._client.act(self.id, "retry")
        return self


class _Followed:
    """A file whose reading is told. Only what httpx asks of a file."""

    def __init__(self, stream: BinaryIO, size: int, sent: Sent | None) -> None:
        self._stream, self._size, self._sent = stream, size, sent

    def read(self, count: int = -1) -> bytes:
        piece = self._stream.read(count)
        self._tell()
        return piece

    def seek(self, place: int, whence: int = os.SEEK_SET) -> int:
        found = self._stream.seek(place, whence)
        if whence == os.SEEK_SET:
            self._tell()
        return found

    def tell(self) -> int:
        return self._stream.tell()

    def fileno(self) -> int:
        return self._stream.fileno()

    def _tell(self) -> None:
        if self._sent:
            self._sent(self._stream.tell(), self._size)


def _segment(text: str) -> str:
    """One part of an address, as it was given and nothing else."""
    if not text or not all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in text):
        raise RefusedError(f"«{text}» is not the name of anything here: letters, digits, - and _ are used in addresses.")
    return text

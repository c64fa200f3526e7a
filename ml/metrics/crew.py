"""Processes that work beside this one on the pieces of one job.

They are started before the job is known, so that starting them costs nothing while files are opened; and this process takes
pieces, too, instead of waiting.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Final, TypeVar

Job = TypeVar("Job")
Piece = TypeVar("Piece")
Result = TypeVar("Result")

_AHEAD: Final = 2
"""Pieces a process has before it: one to work on and one to go on with."""


class Crew:
    """This process and `processes − 1` others, until the `with` ends. They die with it, whatever they are doing."""

    def __init__(self, processes: int | None = None) -> None:
        """`processes`: as many as this process may use cores, unless told."""
        count = len(os.sched_getaffinity(0)) if processes is None else processes
        # Spawned, not forked: a fork copies locks that another thread may hold.
        context = multiprocessing.get_context("spawn")
        self._others: list[tuple[Any, Connection]] = []
        for _ in range(count - 1):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs,), daemon=True)
            process.start()
            theirs.close()  # or the end of a dead process's pipe would never be seen
            self._others.append((process, ours))

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for process, connection in self._others:
            connection.close()
            process.terminate()
        for process, _ in self._others:
            process.join()

    def map(self, work: Callable[[Job, Piece], Result], job: Job, pieces: Sequence[Piece]) -> Iterator[Result]:
        """`work(job, piece)` of every piece, in their order. One map after the other: the next when this one is at its end.

        Raises:
            Exception: what `work` raised, wherever it ran.
            RuntimeError: a process was killed.
        """
        connections = [connection for _, connection in self._others]
        for connection in connections:
            connection.send((None, (work, job)))
        waiting = deque(enumerate(pieces))
        before = dict.fromkeys(connections, 0)
        done: dict[int, Result] = {}
        for number in range(len(pieces)):
            while number not in done:
                for connection in connections:
                    # the last piece is this process's own, which would wait for it otherwise
                    while len(waiting) > 1 and before[connection] < _AHEAD:
                        connection.send(waiting.popleft())
                        before[connection] += 1
                if waiting:
                    own, piece = waiting.popleft()
                    done[own] = work(job, piece)
                for ready in wait(connections, 0 if waiting or number in done else None) if connections else []:
                    assert isinstance(ready, Connection)
                    finished, result = _received(ready)
                    before[ready] -= 1
                    done[finished] = result
            yield done.pop(number)


def _received(connection: Connection) -> tuple[int, Any]:
    try:
        number, result, error = connection.recv()
    except (EOFError, ConnectionError) as end:
        raise RuntimeError("a process of the crew was killed; was there enough memory?") from end
    if error is not None:
        raise error
    return number, result


def _serve(connection: Connection) -> None:
    """Do as told until the other side is gone."""
    try:
        while True:
            number, piece = connection.recv()
            if number is None:
                work, job = piece
                continue
            answer: tuple[int, Any, Exception | None]
            try:
                answer = (number, work(job, piece), None)
            except Exception as error:  # raised again where the answer is awaited
                answer = (number, None, error)
            connection.send(answer)
    except (EOFError, ConnectionError, KeyboardInterrupt):
        return

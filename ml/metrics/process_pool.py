"""A pool of processes that share the items of one job with the process that made it.

The processes start before the job is known, so that starting them costs no time while files are opened; and the process that
made the pool works on items too, instead of waiting.
"""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import wait
from types import TracebackType
from typing import Any, Final, TypeAlias, TypeVar

Common = TypeVar("Common")
Item = TypeVar("Item")
Result = TypeVar("Result")

Connection: TypeAlias = Any
"""`multiprocessing.connection.Connection`, or on Windows `PipeConnection`; they have the same methods."""

_PREFETCH: Final = 2
"""Items that each process is sent at a time: one to work on and one to continue with."""


def usable_cores() -> int:
    """Cores that this process may use; all of the machine's where the system knows no such limit (macOS, Windows)."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class ProcessPool:
    """This process and `processes − 1` others, which end with the `with` block, whatever they are doing."""

    def __init__(self, processes: int | None = None) -> None:
        """`processes`: by default one for each core that this process may use."""
        count = usable_cores() if processes is None else processes
        # Spawned, not forked: a fork copies locks that another thread may hold.
        context = multiprocessing.get_context("spawn")
        self._others: list[tuple[Any, Connection]] = []
        for _ in range(count - 1):
            ours, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs,), daemon=True)
            process.start()
            theirs.close()  # otherwise the end of a dead process's pipe would never be seen
            self._others.append((process, ours))

    def __enter__(self) -> ProcessPool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for process, connection in self._others:
            connection.close()
            process.terminate()
        for process, _ in self._others:
            process.join()

    def map(self, work: Callable[[Common, Item], Result], common: Common, items: Sequence[Item]) -> Iterator[Result]:
        """`work(common, item)` of every item, in the order of the items. Finish one map before you start the next.

        Raises:
            Exception: what `work` raised, in whichever process.
            RuntimeError: a process was killed.
        """
        connections = [connection for _, connection in self._others]
        for connection in connections:
            connection.send((None, (work, common)))
        waiting = deque(enumerate(items))
        pending = dict.fromkeys(connections, 0)
        done: dict[int, Result] = {}
        for number in range(len(items)):
            while number not in done:
                for connection in connections:
                    # the last item is this process's own, which would wait for it otherwise
                    while len(waiting) > 1 and pending[connection] < _PREFETCH:
                        connection.send(waiting.popleft())
                        pending[connection] += 1
                if waiting:
                    own, item = waiting.popleft()
                    done[own] = work(common, item)
                ready: Connection
                for ready in wait(connections, 0 if waiting or number in done else None) if connections else []:
                    finished, result = _received(ready)
                    pending[ready] -= 1
                    done[finished] = result
            yield done.pop(number)


def _received(connection: Connection) -> tuple[int, Any]:
    try:
        number, result, error = connection.recv()
    except (EOFError, ConnectionError) as end:
        raise RuntimeError("A process of the pool was killed, probably because the machine ran out of memory.") from end
    if error is not None:
        raise error
    return number, result


def _serve(connection: Connection) -> None:
    """Work on items until the other side closes the connection."""
    try:
        while True:
            number, item = connection.recv()
            if number is None:
                work, common = item
                continue
            answer: tuple[int, Any, Exception | None]
            try:
                answer = (number, work(common, item), None)
            except Exception as error:  # raised again in the process that made the pool
                answer = (number, None, error)
            connection.send(answer)
    except (EOFError, ConnectionError, KeyboardInterrupt):
        return

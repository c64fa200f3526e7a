"""Work that is shared between processes: same answers, in order; errors and dead processes are told; none is left behind."""

from __future__ import annotations

import multiprocessing
import os
import signal

import pytest

from ml.metrics.crew import Crew


def product(job: int, piece: int) -> tuple[int, int]:
    return job * piece, os.getpid()


def fails_at_seven(job: int, piece: int) -> int:
    if piece == 7:
        raise ValueError(f"piece {piece} is bad")
    return job + piece


def dies_elsewhere(job: int, piece: int) -> int:
    if os.getpid() != job:
        os.kill(os.getpid(), signal.SIGKILL)
    return piece


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("pieces", [0, 1, 2, 50])
def test_answers_come_in_order_whoever_gives_them(processes, pieces):
    with Crew(processes) as crew:
        answers = list(crew.map(product, 3, range(pieces)))
    assert [value for value, _ in answers] == [3 * piece for piece in range(pieces)]


def test_other_processes_take_part():
    with Crew(2) as crew:
        workers = {pid for _, pid in crew.map(product, 1, range(200))}
    assert len(workers) == 2


def test_a_crew_does_one_job_after_the_other():
    with Crew(2) as crew:
        first = [value for value, _ in crew.map(product, 2, range(9))]
        second = [value for value, _ in crew.map(product, 5, range(9))]
    assert (first, second) == ([2 * n for n in range(9)], [5 * n for n in range(9)])


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_is_raised_where_the_answer_is_awaited(processes):
    with Crew(processes) as crew, pytest.raises(ValueError, match="piece 7 is bad"):
        list(crew.map(fails_at_seven, 1, range(20)))


def spawned() -> set[int | None]:
    """Living processes of this one's making; other tests' among them."""
    return {child.pid for child in multiprocessing.active_children()}


def test_a_killed_process_is_told_and_none_is_left():
    before = spawned()
    with Crew(2) as crew, pytest.raises(RuntimeError, match="killed"):
        list(crew.map(dies_elsewhere, os.getpid(), range(20)))
    assert spawned() <= before


def test_leaving_early_ends_the_processes():
    before = spawned()
    with Crew(3) as crew:
        next(iter(crew.map(product, 2, range(1000))))
        assert len(spawned() - before) == 2
    assert spawned() <= before

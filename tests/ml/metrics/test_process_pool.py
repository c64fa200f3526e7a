"""A process pool gives the same results in order, passes errors on, reports killed processes and leaves none behind."""

from __future__ import annotations

import multiprocessing
import os
import signal

import pytest

from ml.metrics.process_pool import ProcessPool, usable_cores


def product(common: int, item: int) -> tuple[int, int]:
    return common * item, os.getpid()


def fails_at_seven(common: int, item: int) -> int:
    if item == 7:
        raise ValueError(f"item {item} is bad")
    return common + item


def dies_in_another_process(common: int, item: int) -> int:
    if os.getpid() != common:
        os.kill(os.getpid(), signal.SIGKILL)
    return item


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("items", [0, 1, 2, 50])
def test_results_are_in_the_order_of_the_items(processes, items):
    with ProcessPool(processes) as pool:
        results = list(pool.map(product, 3, range(items)))
    assert [value for value, _ in results] == [3 * item for item in range(items)]


def test_all_processes_take_part():
    with ProcessPool(2) as pool:
        workers = {pid for _, pid in pool.map(product, 1, range(200))}
    assert len(workers) == 2


def test_a_pool_does_one_job_after_another():
    with ProcessPool(2) as pool:
        first = [value for value, _ in pool.map(product, 2, range(9))]
        second = [value for value, _ in pool.map(product, 5, range(9))]
    assert (first, second) == ([2 * n for n in range(9)], [5 * n for n in range(9)])


@pytest.mark.parametrize("processes", [1, 2])
def test_an_error_is_raised_in_the_process_that_made_the_pool(processes):
    with ProcessPool(processes) as pool, pytest.raises(ValueError, match="item 7 is bad"):
        list(pool.map(fails_at_seven, 1, range(20)))


def children() -> set[int | None]:
    """Living child processes; those of other tests among them."""
    return {child.pid for child in multiprocessing.active_children()}


def test_a_killed_process_is_reported_and_none_is_left():
    before = children()
    with ProcessPool(2) as pool, pytest.raises(RuntimeError, match="was killed"):
        list(pool.map(dies_in_another_process, os.getpid(), range(20)))
    assert children() <= before


def test_leaving_the_block_early_ends_the_processes():
    before = children()
    with ProcessPool(3) as pool:
        next(iter(pool.map(product, 2, range(1000))))
        assert len(children() - before) == 2
    assert children() <= before


def test_without_sched_getaffinity_all_cores_are_used(monkeypatch):
    """It does not exist on macOS and Windows."""
    monkeypatch.delattr(os, "sched_getaffinity")
    assert usable_cores() == os.cpu_count()
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert usable_cores() == 1

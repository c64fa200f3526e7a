"""For any order of events, work is done exactly once and is never lost."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from palmares.api.problems import ConflictError
from palmares.queue import services
from palmares.queue.exceptions import CancelledError, LeaseLostError
from palmares.queue.models import FINAL_STATUSES, Status
from palmares.runs.models import Run
from tests.factories import RunFactory


class QueueMachine(RuleBasedStateMachine):
    """One row, several workers (some of which have been dead for long and do not know), a person and the reaper."""

    def __init__(self) -> None:
        super().__init__()
        self.run = RunFactory(status=Status.QUEUED)
        self.claims: list[Run] = []
        self.published = 0
        self.retried = 0

    def row(self) -> Run:
        return Run.objects.get(pk=self.run.pk)

    @rule()
    def claim(self) -> None:
        before = self.row()
        is_due = before.not_before is None or before.not_before < timezone.now()
        free = (before.status == Status.QUEUED and is_due) or (
            before.status == Status.RUNNING and before.lease_expires_at is not None and before.lease_expires_at < timezone.now()
        )
        item = services.claim(model=Run, pk=self.run.pk, seconds=30)
        assert free or item is None
        if item:
            self.claims.append(item)

    @rule()
    def lease_runs_out(self) -> None:
        Run.objects.filter(pk=self.run.pk, status=Status.RUNNING).update(lease_expires_at=timezone.now() - timedelta(seconds=1))

    @rule(time=st.sampled_from([timedelta(minutes=6), timedelta(hours=7)]))
    def time_passes(self, time: timedelta) -> None:
        row = self.row()
        if row.postponed_since is not None:
            Run.objects.filter(pk=row.pk).update(postponed_since=row.postponed_since - time)
        if row.not_before is not None:
            Run.objects.filter(pk=row.pk).update(not_before=row.not_before - time)

    @rule()
    def reap(self) -> None:
        services.reap()

    @rule()
    def cancel(self) -> None:
        over = self.row().is_final
        try:
            services.cancel(item=self.run)
        except ConflictError:
            assert over

    @rule()
    def retry(self) -> None:
        status = self.row().status
        try:
            services.retry(item=self.run)
            self.retried += 1
        except ConflictError:
            assert status not in (Status.FAILED, Status.CANCELLED)

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), end=st.sampled_from(["beat", "succeed", "fail", "release", "go", "wait", "stop"]))
    def worker(self, data: st.DataObject, end: str) -> None:
        item = data.draw(st.sampled_from(self.claims))
        before = self.row()
        holds = before.status == Status.RUNNING and before.lease == item.lease
        calls = {
            "beat": lambda: services.heartbeat(item=item, stage="at it", progress=0.5, seconds=30),
            "succeed": lambda: services.succeed(item=item, publish=self._publish),
            "fail": lambda: services.fail(item=item, error="It cannot be done."),
            "release": lambda: services.release(item=item, reason="The disk is full."),
            "go": lambda: services.release(item=item, reason="Told to go.", counts=False),
            "wait": lambda: services.postpone(item=item, reason="The storage did not answer", stage="Waiting"),
            "stop": lambda: services.stop(item=item),
        }
        try:
            calls[end]()
            assert holds
        except LeaseLostError:
            assert not holds
            assert self.row().status == before.status
        except CancelledError:
            assert before.cancel_requested

    @precondition(lambda self: self.claims)
    @rule(data=st.data())
    def worker_is_seen_dead(self, data: st.DataObject) -> None:
        item = data.draw(st.sampled_from(self.claims))
        before = self.row()
        holds = before.status == Status.RUNNING and before.lease == item.lease
        assert services.release_lost(model=Run, pk=item.pk, lease=item.lease) == holds
        if not holds:
            assert self.row().status == before.status

    def _publish(self) -> None:
        self.published += 1

    @invariant()
    def holds_together(self) -> None:
        row = self.row()
        assert self.published <= 1
        assert (row.status == Status.SUCCEEDED) == (self.published == 1)
        assert (row.lease is not None) == (row.status == Status.RUNNING) == (row.lease_expires_at is not None)
        assert 0 <= row.attempts <= Run.MAX_ATTEMPTS
        assert (row.finished_at is not None) == (row.status in FINAL_STATUSES)
        assert row.error or row.status != Status.FAILED
        assert row.not_before is None or row.status in (Status.QUEUED, Status.CANCELLED, Status.FAILED)

    def teardown(self) -> None:
        """From any state, a working worker and the reaper bring the work to an end."""
        for _ in range(2):
            self.lease_runs_out()
            self.time_passes(timedelta(minutes=6))
            services.reap()
            if item := services.claim(model=Run, pk=self.run.pk, seconds=30):
                services.succeed(item=item, publish=self._publish)
        assert self.row().status in FINAL_STATUSES
        assert self.published <= 1


@pytest.mark.django_db
def test_work_is_done_once_and_never_lost(monkeypatch):
    monkeypatch.setattr(services, "count_messages", lambda **_: 1)
    machine = settings(
        max_examples=40, stateful_step_count=20, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
    )
    run_state_machine_as_test(QueueMachine, settings=machine)

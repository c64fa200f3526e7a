"""For any order of events on truths, revisions, submissions and workers of two versions, the boards end complete."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from operator import attrgetter
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from ml.metrics.report import Report
from palmares.api.problems import ConflictError
from palmares.benchmarks import revisions
from palmares.benchmarks.models import Benchmark, Revision, Truth
from palmares.benchmarks.services import create_benchmark, enqueue_truth
from palmares.queue import services
from palmares.queue.exceptions import CancelledError, LeaseLostError, WorkerTooOldError
from palmares.queue.models import FINAL_STATUSES, Status
from palmares.submissions import services as submissions
from palmares.submissions.models import Score, Scoring, Submission
from palmares.teams.models import Role
from tests.factories import MembershipFactory
from workers import scoring_work
from workers.score_submission import Scored

VERSIONS = ("7", "8")
"""Of the scorer: old workers and new ones."""
LEASE = 86_400.0
"""Seconds; no lease runs out by itself, however slow the machine is."""
ENDED_WITHOUT_SCORE = (Status.FAILED, Status.CANCELLED)


def scored(version: str, folder: str) -> Scored:
    """What a worker of this version makes of any submission; the boards' values are not what is tested here."""
    content = {"scorer": {"version": version, "sha256": "0" * 64}}
    return Scored(coverage=1.0, report=Report({}, {}, content), board_values=lambda _: [], folder=folder)


class Rescoring(RuleBasedStateMachine):
    """One benchmark, its owner, who also submits, and workers of which some have been dead for long and do not know."""

    monkeypatch: pytest.MonkeyPatch

    def __init__(self) -> None:
        super().__init__()
        membership = MembershipFactory(role=Role.OWNER)
        self.owner, self.team = membership.user, membership.team
        self.benchmark = create_benchmark(
            team=self.team, by=self.owner, slug=f"b-{uuid4()}", name="B", protocol="palmares", daily_limit=1000
        )
        self.claims: list[tuple[str, Scoring]] = []
        self.frozen: dict[Any, set[Any]] = {}
        self.board_size = self.newest_version = 0
        self.new_truth()
        self.truth_is_imported(is_readable=True)
        self.submit()
        self.worker_works_through(VERSIONS[0])
        assert len(self.board()) == 1, "something is shown from the beginning"

    # ------------------------------------------------------------------------------------------------ what people do

    @rule()
    def new_truth(self) -> None:
        enqueue_truth(truth=Truth(benchmark=self.benchmark))

    @rule(is_readable=st.booleans())
    def truth_is_imported(self, is_readable: bool) -> None:
        waiting = Truth.objects.filter(benchmark=self.benchmark, status=Status.QUEUED).first()
        item = services.claim(model=Truth, pk=waiting.pk, seconds=LEASE) if waiting else None
        if item and is_readable:
            services.succeed(item=item, publish=lambda: revisions.truth_is_ready(truth=item))
        elif item:
            services.fail(item=item, error="It is no truth.")

    @rule()
    def submit(self) -> None:
        with suppress(ConflictError):
            submissions.submit_runs(benchmark=self.benchmark, team=self.team, method="m", runs=[])

    @rule(data=st.data(), action=st.sampled_from(["cancel", "retry", "delete"]))
    def change_submission(self, data: st.DataObject, action: str) -> None:
        there = list(Submission.objects.not_deleted().filter(benchmark=self.benchmark).order_by("created_at"))
        if not there:
            return
        change = getattr(submissions, f"{action}_submission")
        with suppress(ConflictError):
            change(submission=data.draw(st.sampled_from(there)), by=self.owner)
        if action == "delete":
            self.board_size = len(self.board())

    @rule()
    def score_again(self) -> None:
        with suppress(ConflictError):
            revisions.score_again(benchmark=self.benchmark, by=self.owner)

    @rule(data=st.data(), action=st.sampled_from(["publish", "cancel"]))
    def change_revision(self, data: st.DataObject, action: str) -> None:
        there = list(self.benchmark.revisions.order_by("number"))
        if not there:
            return
        change = getattr(revisions, f"{action}_revision")
        with suppress(ConflictError):
            change(revision=data.draw(st.sampled_from(there)), by=self.owner)

    # --------------------------------------------------------------------------------------------- what workers do

    @rule(version=st.sampled_from(VERSIONS))
    def worker_starts(self, version: str) -> None:
        self.monkeypatch.setattr(scoring_work, "SCORER_VERSION", version)
        scoring_work.keep_up(self.benchmark.pk)

    @rule(data=st.data(), version=st.sampled_from(VERSIONS))
    def claim(self, data: st.DataObject, version: str) -> None:
        waiting = Scoring.objects.filter(Scoring.startable(), revision__benchmark=self.benchmark, status=Status.QUEUED)
        keys = list(waiting.order_by("revision__number", "submission__created_at").values_list("pk", flat=True))
        if keys and (item := services.claim(model=Scoring, pk=data.draw(st.sampled_from(keys)), seconds=LEASE)):
            self.claims.append((version, item))

    @rule(version=st.sampled_from(VERSIONS))
    def worker_works_through(self, version: str) -> None:
        """It takes everything that waits, until nothing is left that it can do."""
        for _ in range(3):
            waiting = Scoring.objects.filter(Scoring.startable(), revision__benchmark=self.benchmark, status=Status.QUEUED)
            for pk in list(waiting.order_by("revision__number", "submission__created_at").values_list("pk", flat=True)):
                if item := services.claim(model=Scoring, pk=pk, seconds=LEASE):
                    self.finish(version, item)

    @rule()
    def publish_newest(self) -> None:
        """The owner looks at the newest revision that is scored, and publishes it."""
        done = [r for r in self.benchmark.revisions.live().filter(published_at=None) if r.status == Status.SUCCEEDED]
        if done:
            with suppress(ConflictError):
                revisions.publish_revision(revision=max(done, key=attrgetter("number")), by=self.owner)

    @rule(data=st.data(), end=st.sampled_from(["succeed", "succeed", "succeed", "fail", "release", "postpone"]))
    def worker_ends(self, data: st.DataObject, end: str) -> None:
        if not self.claims:
            return
        version, item = self.claims.pop(data.draw(st.integers(0, len(self.claims) - 1)))
        with suppress(LeaseLostError):
            if end == "fail":
                services.fail(item=item, error="The file does not fit.")
            elif end == "postpone":
                services.postpone(item=item, reason="The storage did not answer", stage="Waiting")
            elif end == "release":
                services.release(item=item, reason="The worker was stopped.", counts=False)
            else:
                self.finish(version, item)

    @rule(data=st.data())
    def worker_is_killed(self, data: st.DataObject) -> None:
        """Its lease runs out; it may still come back and try to publish."""
        if self.claims:
            _, item = data.draw(st.sampled_from(self.claims))
            Scoring.objects.filter(pk=item.pk, lease=item.lease).update(lease_expires_at=timezone.now() - timedelta(seconds=1))

    @rule()
    def pauses_end(self) -> None:
        Scoring.objects.filter(revision__benchmark=self.benchmark).update(not_before=None)

    @rule()
    def reap(self) -> None:
        services.reap()

    def finish(self, version: str, item: Scoring) -> None:
        """As `workers.attempt` does."""
        self.monkeypatch.setattr(scoring_work, "SCORER_VERSION", version)
        try:
            work = scoring_work.ScoringWork()
            scoring_work._check_version(Revision.objects.get(pk=item.revision_id))
            made = scored(version, work.folder(item))
            services.succeed(item=item, publish=lambda: scoring_work.publish(item, made))
        except CancelledError:
            services.stop(item=item)
        except WorkerTooOldError as error:
            services.release(item=item, reason=str(error), counts=False, stage=str(error))
        if item.is_final:
            work.cleanup(item)

    # ------------------------------------------------------------------------------------------- what always holds

    def board(self) -> list[Any]:
        """The submissions on the shown board."""
        shown = revisions.shown_revision(self.benchmark)
        return list(Score.objects.filter(revision=shown).values_list("submission_id", flat=True)) if shown else []

    @invariant()
    def holds_together(self) -> None:
        rows = list(self.benchmark.revisions.select_related("truth").defer("truth__subsets").order_by("number"))
        versions = {row.pk: row.scorer_version for row in rows}
        newest = rows[-1].scorer_version
        assert newest >= self.newest_version, "an older scorer began after a newer"
        self.newest_version = newest
        kept = Scoring.objects.filter(revision__benchmark=self.benchmark, submission__deleted_at=None)
        states = {(s, r): status for s, r, status in kept.values_list("submission_id", "revision_id", "status")}
        found = Score.objects.filter(revision__benchmark=self.benchmark)
        scores = {(s, r): content for s, r, content in found.values_list("submission_id", "revision_id", "content")}
        assert set(scores) == {key for key, status in states.items() if status == Status.SUCCEEDED}
        for (_, revision), content in scores.items():
            assert int(content["scorer"]["version"]) >= versions[revision], "an old worker published under a newer scorer"
        self.every_submission_belongs(rows, states)
        for row in rows:
            if row.status in (Status.CANCELLED, Status.FAILED):
                taken = {submission for submission, revision in scores if revision == row.pk}
                assert taken <= self.frozen.setdefault(row.pk, taken), "a revision that is over took a score"
        waiting = [r for r in rows if r.cancelled_at is r.published_at is None and r.truth.status == Status.SUCCEEDED]
        assert len(waiting) <= 1, "one revision waits to be published at the most"

    def every_submission_belongs(self, rows: list[Revision], states: dict[tuple[Any, Any], str]) -> None:
        """What counts on the shown board is also scored, or waits to be, under every revision that may be shown after it."""
        shown = revisions.shown_revision(self.benchmark)
        for row in rows:
            is_live = row.cancelled_at is None and row.truth.status not in (Status.FAILED, Status.CANCELLED)
            if shown and is_live and row.number > shown.number:
                counting = {s for (s, r), status in states.items() if r == shown.pk and status not in ENDED_WITHOUT_SCORE}
                assert counting <= {s for s, r in states if r == row.pk}, f"revision {row.number} misses a submission"

    @invariant()
    def nothing_empties_the_board(self) -> None:
        size = len(self.board())
        assert size or not self.board_size
        self.board_size = size

    def teardown(self) -> None:
        """From any state: truths are read, an old worker and then a new one work, and the owner publishes."""
        for _ in range(3):
            self.truth_is_imported(is_readable=True)
        Scoring.objects.filter(status=Status.RUNNING).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
        self.pauses_end()
        for version in (VERSIONS[0], VERSIONS[1], VERSIONS[1], VERSIONS[1]):
            services.reap()
            self.worker_works_through(version)
            self.worker_starts(version)
        self.publish_newest()
        self.holds_together()
        self.nothing_empties_the_board()
        left = Scoring.objects.filter(revision__benchmark=self.benchmark).exclude(status__in=FINAL_STATUSES)
        assert not [(s.revision.number, s.status, s.stage, s.revision.truth.status) for s in left]
        live = Submission.objects.not_deleted().filter(benchmark=self.benchmark)
        if revisions.shown_revision(self.benchmark):
            wanted = [s.pk for s in live if s.status not in ENDED_WITHOUT_SCORE]
            assert sorted(self.board()) == sorted(wanted)
        Benchmark.objects.filter(pk=self.benchmark.pk).delete()


@pytest.mark.django_db
def test_every_submission_ends_on_the_shown_board_once(monkeypatch):
    monkeypatch.setattr(services, "count_messages", lambda **_: 1)
    Rescoring.monkeypatch = monkeypatch
    machine = settings(
        max_examples=12,
        stateful_step_count=40,
        derandomize=True,
        phases=(Phase.generate,),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Rescoring, settings=machine)

"""Whatever happens in whatever order to truths, revisions, submissions and workers of two versions: the boards end complete."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
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
from palmares.benchmarks.models import Revision, Truth
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
        self.frozen: dict[Any, int] = {}
        self.board_size = 0

    # ------------------------------------------------------------------------------------------------ what people do

    @rule()
    def new_truth(self) -> None:
        enqueue_truth(truth=Truth(benchmark=self.benchmark))

    @rule(is_readable=st.booleans())
    def truth_is_imported(self, is_readable: bool) -> None:
        waiting = Truth.objects.filter(benchmark=self.benchmark, status=Status.QUEUED).first()
        item = services.claim(model=Truth, pk=waiting.pk, seconds=30) if waiting else None
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
        if keys and (item := services.claim(model=Scoring, pk=data.draw(st.sampled_from(keys)), seconds=30)):
            self.claims.append((version, item))

    @rule(data=st.data(), end=st.sampled_from(["succeed", "succeed", "succeed", "fail", "release"]))
    def worker_ends(self, data: st.DataObject, end: str) -> None:
        if not self.claims:
            return
        version, item = self.claims.pop(data.draw(st.integers(0, len(self.claims) - 1)))
        with suppress(LeaseLostError):
            if end == "fail":
                services.fail(item=item, error="The file does not fit.")
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
            services.leave_to_others(item=item, stage=str(error))
        if item.is_final:
            work.cleanup(item)

    # ------------------------------------------------------------------------------------------- what always holds

    def board(self) -> list[Any]:
        """The submissions on the shown board."""
        shown = revisions.shown_revision(self.benchmark)
        return list(Score.objects.filter(revision=shown).values_list("submission_id", flat=True)) if shown else []

    @invariant()
    def holds_together(self) -> None:
        scores = Score.objects.filter(revision__benchmark=self.benchmark)
        for scoring in Scoring.objects.filter(revision__benchmark=self.benchmark, submission__deleted_at=None):
            has_score = scores.filter(submission=scoring.submission_id, revision=scoring.revision_id).exists()
            assert has_score == (scoring.status == Status.SUCCEEDED)
        assert not scores.exclude(submission__deleted_at=None).exists()
        rows = list(self.benchmark.revisions.order_by("number"))
        assert [r.scorer_version for r in rows] == sorted(r.scorer_version for r in rows), "an older scorer began after a newer"
        for score in scores.select_related("revision"):
            assert int(score.content["scorer"]["version"]) >= score.revision.scorer_version
        for revision in rows:
            if revision.status in (Status.CANCELLED, Status.FAILED):
                count = scores.filter(revision=revision, submission__deleted_at=None).count()
                assert count <= self.frozen.setdefault(revision.pk, count), "a revision that is over took a score"
        live = [r for r in rows if r.cancelled_at is None and r.published_at is None and r.truth.status == Status.SUCCEEDED]
        assert len(live) <= 1, "one revision waits to be published at the most"

    @invariant()
    def nothing_empties_the_board(self) -> None:
        size = len(self.board())
        assert size or not self.board_size
        self.board_size = size

    def teardown(self) -> None:
        """From wherever it stands: truths are read, an old worker and a new one work, and everything comes to rest."""
        for _ in range(3):
            self.truth_is_imported(is_readable=True)
        Scoring.objects.filter(status=Status.RUNNING).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
        for round_number in range(12):
            services.reap()
            waiting = Scoring.objects.filter(Scoring.startable(), revision__benchmark=self.benchmark, status=Status.QUEUED)
            for pk in list(waiting.values_list("pk", flat=True)):
                if item := services.claim(model=Scoring, pk=pk, seconds=30):
                    self.finish(VERSIONS[round_number > 3], item)
            self.worker_starts(VERSIONS[round_number > 3])
        self.holds_together()
        self.nothing_empties_the_board()
        left = Scoring.objects.filter(revision__benchmark=self.benchmark).exclude(status__in=FINAL_STATUSES)
        assert not [(s.revision.number, s.status, s.stage, s.revision.truth.status) for s in left]
        live = Submission.objects.not_deleted().filter(benchmark=self.benchmark)
        board = self.board()
        wanted = [s.pk for s in live if s.status not in (Status.FAILED, Status.CANCELLED)]
        if revisions.shown_revision(self.benchmark):
            assert sorted(board) == sorted(wanted)


@pytest.mark.django_db
def test_every_submission_ends_on_the_shown_board_once(monkeypatch):
    monkeypatch.setattr(services, "count_messages", lambda **_: 1)
    Rescoring.monkeypatch = monkeypatch
    machine = settings(
        max_examples=5,
        stateful_step_count=20,
        derandomize=True,
        phases=(Phase.generate,),
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Rescoring, settings=machine)

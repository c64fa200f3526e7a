"""The tasks by name. A message only wakes a worker, and may come late, twice or never.

The worker takes the row whose turn it is (`palmares.queue.fairness`), whichever row the message names.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from celery import current_task

from palmares.benchmarks.models import Truth
from palmares.calibrations.models import Calibration
from palmares.queue.models import WorkItem
from palmares.runs.models import Run, RunScore
from palmares.submissions.models import RankComparison, Scoring
from palmares.uploads.models import GroundTruth, Upload
from workers.app import app
from workers.attempt import Work, attempt_next


@app.task(name=Upload.TASK)
def ingest_upload(pk: str) -> None:
    """From the file as it came to frames and keypoints."""
    _work()


@app.task(name=GroundTruth.TASK)
def import_ground_truth(pk: str) -> None:
    """An upload's ground truth, from the file as it came."""
    _work()


@app.task(name=Run.TASK)
def run_method(pk: str) -> None:
    """One method on one upload."""
    _work()


@app.task(name=RunScore.TASK)
def score_run(pk: str) -> None:
    """A run against the ground truth of its upload."""
    _work()


@app.task(name=Calibration.TASK)
def calibrate(pk: str) -> None:
    """A subject's hand shape from a few images."""
    _work()


@app.task(name=Truth.TASK)
def import_truth(pk: str) -> None:
    """A benchmark's truth, from the file as it came."""
    _work()


@app.task(name=Scoring.TASK)
def score_submission(pk: str) -> None:
    """A prediction against the truth of a revision."""
    _work()


@app.task(name=RankComparison.TASK)
def compare_ranks(pk: str) -> None:
    """All submissions of a revision with each other."""
    _work()


@app.task(name="workers.keep_up")
def keep_up() -> None:
    """Begin to score again what an older recipe or scorer scored; every worker that starts asks for this."""
    from ml.metrics.run_scores import VERSION  # noqa: PLC0415
    from palmares.runs import scores  # noqa: PLC0415
    from palmares.submissions.rank_comparison import request_outdated_again  # noqa: PLC0415
    from workers.scoring_work import keep_all_up  # noqa: PLC0415

    keep_all_up()
    request_outdated_again(RankComparison.objects.all())
    scores.request_outdated_again(scorer=VERSION)
    scores.request_scores()


# The parent process of a worker imports this module and stays small; its children import what they need.


def _ingestion() -> Work:
    from workers.ingest import Ingestion  # noqa: PLC0415

    return Ingestion()


def _ground_truth_import() -> Work:
    from workers.import_ground_truth import GroundTruthImport  # noqa: PLC0415

    return GroundTruthImport()


def _estimation() -> Work:
    from workers.run_method import Estimation  # noqa: PLC0415

    return Estimation()


def _run_scoring() -> Work:
    from workers.score_run import RunScoring  # noqa: PLC0415

    return RunScoring()


def _calibrating() -> Work:
    from workers.calibrate import Calibrating  # noqa: PLC0415

    return Calibrating()


def _truth_import() -> Work:
    from workers.import_truth import TruthImport  # noqa: PLC0415

    return TruthImport()


def _scoring() -> Work:
    from workers.scoring_work import ScoringWork  # noqa: PLC0415

    return ScoringWork()


def _rank_comparing() -> Work:
    from workers.compare_ranks import RankComparing  # noqa: PLC0415

    return RankComparing()


def _work() -> None:
    """Take from the queue that the message of this task came by."""
    delivery: Any = current_task.request.delivery_info
    attempt_next(delivery["routing_key"], _LOADERS)


_LOADERS: Final[dict[type[WorkItem], Callable[[], Work]]] = {
    Upload: _ingestion,
    GroundTruth: _ground_truth_import,
    Run: _estimation,
    RunScore: _run_scoring,
    Calibration: _calibrating,
    Truth: _truth_import,
    Scoring: _scoring,
    RankComparison: _rank_comparing,
}

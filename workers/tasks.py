"""The tasks by name. A message is a bell: it may come late, twice or never."""

from __future__ import annotations

from palmares.benchmarks.models import Revision, Truth
from palmares.calibrations.models import Calibration
from palmares.runs.models import Run
from palmares.submissions.models import RankComparison, Submission
from palmares.uploads.models import Upload
from workers.app import app
from workers.attempt import Work, attempt


@app.task(name=Upload.TASK)
def ingest_upload(pk: str) -> None:
    """From the file as it came to frames and keypoints."""
    attempt(Upload, pk, _ingestion)


@app.task(name=Run.TASK)
def run_method(pk: str) -> None:
    """One method on one upload."""
    attempt(Run, pk, _estimation)


@app.task(name=Calibration.TASK)
def calibrate(pk: str) -> None:
    """A subject's hand shape from a few pictures."""
    attempt(Calibration, pk, _calibrating)


@app.task(name=Truth.TASK)
def import_truth(pk: str) -> None:
    """A benchmark's truth, from the file as it came."""
    attempt(Truth, pk, _truth_import)


@app.task(name=Submission.TASK)
def score_submission(pk: str) -> None:
    """A prediction against its truth."""
    attempt(Submission, pk, _scoring)


@app.task(name=Revision.TASK)
def score_again(pk: str) -> None:
    """All predictions of a benchmark against its truth."""
    attempt(Revision, pk, _scoring_again)


@app.task(name=RankComparison.TASK)
def compare_ranks(pk: str) -> None:
    """All submissions of a revision with each other."""
    attempt(RankComparison, pk, _rank_comparing)


@app.task(name="workers.notice_versions")
def notice_versions() -> None:
    """Begin to score again what an older recipe or scorer scored; every worker that starts asks for this."""
    from palmares.submissions.rank_comparison import request_outdated_again  # noqa: PLC0415
    from workers.score_submission import notice_versions as notice  # noqa: PLC0415

    notice()
    request_outdated_again(RankComparison.objects.all())


# The parent process of a worker imports this module and stays small; its children import what they need.


def _ingestion() -> Work:
    from workers.ingest import Ingestion  # noqa: PLC0415

    return Ingestion()


def _estimation() -> Work:
    from workers.run_method import Estimation  # noqa: PLC0415

    return Estimation()


def _calibrating() -> Work:
    from workers.calibrate import Calibrating  # noqa: PLC0415

    return Calibrating()


def _truth_import() -> Work:
    from workers.import_truth import TruthImport  # noqa: PLC0415

    return TruthImport()


def _scoring() -> Work:
    from workers.score_submission import Scoring  # noqa: PLC0415

    return Scoring()


def _scoring_again() -> Work:
    from workers.score_submission import ScoringAgain  # noqa: PLC0415

    return ScoringAgain()


def _rank_comparing() -> Work:
    from workers.compare_ranks import RankComparing  # noqa: PLC0415

    return RankComparing()

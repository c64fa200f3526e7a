"""The tasks by name. A message is a bell: it may come late, twice or never."""

from __future__ import annotations

from palmares.runs.models import Run
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


# The parent process of a worker imports this module and stays small; its children import what they need.


def _ingestion() -> Work:
    from workers.ingest import Ingestion  # noqa: PLC0415

    return Ingestion()


def _estimation() -> Work:
    from workers.estimate import Estimation  # noqa: PLC0415

    return Estimation()

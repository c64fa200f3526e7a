"""A run is scored once both run and ground truth are ready, and again when the truth is replaced."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from palmares.queue.models import Status
from palmares.runs.models import Prediction, Run, RunScore
from palmares.uploads.ground_truths import attach_truth
from palmares.uploads.models import GroundTruth
from tests.attachments import FRAMES, meshes
from tests.factories import RunFactory, UploadFactory
from tests.predictions import moved, npz
from workers.attempt import attempt
from workers.import_ground_truth import GroundTruthImport
from workers.score_run import RunScoring

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(media_root: Path) -> Run:
    """A finished run, 3 mm beside the truth in x, one hand missing."""
    run = RunFactory(upload=UploadFactory(frame_count=FRAMES), status=Status.SUCCEEDED)
    folder = f"runs/{run.pk}/1"
    (media_root / folder).mkdir(parents=True)
    moved(meshes(), 3).rows(np.arange(FRAMES) != 4).save(media_root / folder / "prediction.npz")
    run.prediction = Prediction.objects.create(folder=folder, sha256="0", size_bytes=1, rows=FRAMES - 1, hand_model="open")
    run.save()
    return run


def attach(run: Run, shift: float = 0.0) -> None:
    file = SimpleUploadedFile("truth.npz", npz(moved(meshes(), shift)))
    truth = attach_truth(upload=run.upload, by=None, file=file, file_format="palmares")
    attempt(GroundTruth, str(truth.pk), GroundTruthImport)


def score(run: Run) -> RunScore:
    found = RunScore.objects.get(run=run)
    attempt(RunScore, str(found.pk), RunScoring)
    found.refresh_from_db()
    assert found.status == Status.SUCCEEDED, found.error
    return found


def test_a_run_is_scored_and_scored_again_when_the_ground_truth_is_replaced(run, media_root):
    attach(run)
    first = score(run)
    assert first.content["alignments"]["none"]["mpjpe"] == pytest.approx(3, abs=1e-3)
    assert first.content["alignments"]["root"]["mpjpe"] == pytest.approx(0, abs=1e-3)
    assert first.content["coverage"] == pytest.approx((FRAMES - 1) / FRAMES)
    assert (media_root / first.folder / "frames.npz").is_file()
    attach(run, shift=1)
    second = score(run)
    assert second.pk != first.pk
    assert second.content["alignments"]["none"]["mpjpe"] == pytest.approx(2, abs=1e-3)
    assert [path.name for path in (media_root / "scores").iterdir()] == [str(second.pk)]


def test_a_score_whose_prediction_is_gone_fails_with_a_sentence(run, media_root):
    attach(run)
    Prediction.objects.all().delete()
    found = RunScore.objects.get(run=run)
    attempt(RunScore, str(found.pk), RunScoring)
    found.refresh_from_db()
    assert (found.status, found.error[:27]) == (Status.FAILED, "The run has no prediction, ")

"""The work of a `RunScore`: one run against the ground truth of its upload."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from django.core.files.storage import default_storage

from ml.formats.faults import FormatError
from ml.keypoints.tracks import Keypoints
from ml.metrics.process_pool import ProcessPool
from ml.metrics.run_scores import VERSION, score_run
from ml.progress import ProgressCallback
from palmares.media_storage import delete_stored_files, keep_only
from palmares.queue.exceptions import WorkFailedError
from palmares.runs.models import RunScore
from palmares.runs.scores import FRAMES_FILE
from palmares.uploads.models import Upload
from workers.import_ground_truth import FILE as TRUTH_FILE
from workers.ingest import KEYPOINTS
from workers.storage import fetch, store_folder

_TWO_CORES_FROM: Final = 4000
"""Rows for which a second process pays."""


class RunScoring:
    """Scores one run."""

    def folder(self, item: RunScore) -> str:
        return f"{item.storage_prefix}/{item.lease}"

    def perform(self, item: RunScore, scratch: Path, report: ProgressCallback) -> Callable[[], None]:
        """Measure every hand of the ground truth, and file the values by frame."""
        report("Reading the prediction", 0.0)
        prediction = item.run.prediction
        if prediction is None or not item.truth.folder:
            raise WorkFailedError("The run has no prediction, or the upload no ground truth any more.")
        truth_path = fetch(f"{item.truth.folder}/{TRUTH_FILE}", scratch)
        prediction_path = fetch(f"{prediction.folder.rstrip('/')}/prediction.npz", scratch)
        upload = item.run.upload
        detected = f"{upload.folder}/{KEYPOINTS}"
        keypoints = Keypoints.load(fetch(detected, scratch)) if upload.folder and default_storage.exists(detected) else None
        with ProcessPool(None if (item.truth.rows or 0) > _TWO_CORES_FROM else 1) as pool:
            try:
                found = score_run(
                    truth_path,
                    prediction_path,
                    name=str(item.run),
                    keypoints=keypoints,
                    is_video=upload.kind == Upload.Kind.VIDEO,
                    pool=pool,
                    progress=lambda stage, done: report(stage, 0.95 * done),
                )
            except FormatError as error:
                raise WorkFailedError(f"{str(error).rstrip('.')}.") from error
        target = scratch / "made"
        target.mkdir()
        np.savez(target / FRAMES_FILE, **found.frames)  # type: ignore[arg-type]
        folder = self.folder(item)
        store_folder(target, folder)
        return lambda: _publish(item, folder, found.content)

    def discard(self, item: RunScore) -> None:
        if not RunScore.objects.filter(pk=item.pk, folder=self.folder(item)).exists():
            delete_stored_files(self.folder(item))

    def cleanup(self, item: RunScore) -> None:
        """Only what the row names is kept."""
        published = RunScore.objects.filter(pk=item.pk).values_list("folder", flat=True).first() or ""
        keep_only(item.storage_prefix, published.rsplit("/", 1)[-1])


def _publish(item: RunScore, folder: str, content: dict[str, Any]) -> None:
    RunScore.objects.filter(pk=item.pk).update(folder=folder, content=content, scorer=VERSION)

"""Taking in the ground truth of an upload: read, checked, and written as canonical file and track for the viewer."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from ml.hand.skeleton import Side
from ml.progress import ProgressCallback
from palmares.media_storage import delete_stored_files, keep_only
from palmares.runs.scores import request_scores
from palmares.uploads.models import GroundTruth
from workers.attached_file import read_file, write_files
from workers.storage import fetch, store_folder

FILE = "truth.npz"


class GroundTruthImport:
    """The work of an upload's ground truth."""

    def folder(self, item: GroundTruth) -> str:
        return f"{item.storage_prefix}/{item.lease}"

    def perform(self, item: GroundTruth, scratch: Path, report: ProgressCallback) -> Callable[[], None]:
        """Read the file as it came, write the canonical one and its track."""
        report("Reading", 0.0)
        attached = read_file(
            upload=item.upload,
            kind="truth",
            path=fetch(item.source, scratch),
            file_format=item.format,
            side=cast(Side, item.side),
            name=item.name,
        )
        report("Writing the meshes", 0.5)
        target = scratch / "made"
        target.mkdir()
        rows = replace(attached.prediction, meta={**attached.prediction.meta, "method": "truth"})
        rows, note = write_files(rows, target, FILE)
        findings = [finding.as_json() for finding in attached.findings]
        facts = {
            "rows": len(rows),
            "hand_model": rows.meta["hand_model"],
            "has_vertices": rows.vertices is not None,
            "findings": findings + ([{"level": "note", "message": note, "place": item.name}] if note else []),
        }
        with (target / FILE).open("rb") as stream:
            facts["sha256"] = hashlib.file_digest(stream, "sha256").hexdigest()
        folder = self.folder(item)
        report("Storing", 0.9)
        store_folder(target, folder)
        return lambda: _publish(item, folder, facts)

    def discard(self, item: GroundTruth) -> None:
        if not GroundTruth.objects.filter(pk=item.pk, folder=self.folder(item)).exists():
            delete_stored_files(self.folder(item))

    def cleanup(self, item: GroundTruth) -> None:
        """Only what the row names is kept, and the file as it came; runs that are there are scored."""
        request_scores(upload_id=item.upload_id)
        published = GroundTruth.objects.filter(pk=item.pk).values_list("folder", flat=True).first() or ""
        keep_only(item.storage_prefix, published.rsplit("/", 1)[-1])


def _publish(item: GroundTruth, folder: str, facts: dict[str, Any]) -> None:
    GroundTruth.objects.filter(pk=item.pk).update(folder=folder, **facts)

"""Taking in a benchmark's truth: unpacked, read once through, and filed by sequence; never to be seen again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from ml.formats.faults import FormatError
from ml.formats.truth_archive import unpack_truth
from ml.formats.truth_subsets import CLUSTERS_FILE, SUBSETS_FILE, read_clusters, read_subsets
from ml.metrics.pairing import open_truth
from ml.metrics.protocol import PROTOCOLS
from ml.progress import ProgressCallback
from ml.synthetic.benchmark import plan
from palmares.benchmarks.models import Truth
from palmares.benchmarks.revisions import truth_is_ready
from palmares.leaderboards.synthetic_benchmark import populate
from palmares.media_storage import delete_stored_files, keep_only
from palmares.queue.exceptions import WorkFailedError
from workers.storage import fetch, store_folder


class TruthImport:
    """The work of a truth."""

    def folder(self, item: Truth) -> str:
        return f"{item.storage_prefix}/{item.lease}"

    def perform(self, item: Truth, scratch: Path, report: ProgressCallback) -> Callable[[], None]:
        """Draw or unpack it, read it as scoring will, and store it."""
        target = scratch / "truth"
        target.mkdir()
        plans: list[dict[str, Any]] = []
        if item.recipe:
            plans = _draw(item.recipe, target, report)
        else:
            report("Unpacking", 0.0)
            source = fetch(item.source, scratch)
            try:
                unpack_truth(source, target, "The archive of the ground truth")
            except FormatError as error:
                raise WorkFailedError(f"{str(error).rstrip('.')}.") from error
        report("Reading", 0.6)
        facts = _facts(item, target)
        report("Storing", 0.9)
        folder = self.folder(item)
        store_folder(target, folder)
        return lambda: _publish(item, folder, facts, plans)

    def discard(self, item: Truth) -> None:
        if not Truth.objects.filter(pk=item.pk, folder=self.folder(item)).exists():
            delete_stored_files(self.folder(item))

    def cleanup(self, item: Truth) -> None:
        """Only what the row names is kept, and the file as it came."""
        published = Truth.objects.filter(pk=item.pk).values_list("folder", flat=True).first() or ""
        keep_only(item.storage_prefix, published.rsplit("/", 1)[-1])


def _draw(recipe: dict[str, Any], target: Path, report: ProgressCallback) -> list[dict[str, Any]]:
    """The truth of the embedded benchmark, one file a sequence, and its subsets; its videos are rendered as uploads."""
    sequences = plan(int(recipe["seed"]), recipe["size"])
    for index, sequence in enumerate(sequences):
        report("Drawing the motion", 0.6 * index / len(sequences))
        sequence.clip().truth.prediction().save(target / f"{sequence.name}.npz")
    subsets: dict[str, list[str]] = {}
    for sequence in sequences:
        for name in (sequence.subset, f"subject-{sequence.number}", sequence.activity):
            subsets.setdefault(name, []).append(sequence.name)
    (target / SUBSETS_FILE).write_bytes(orjson.dumps(subsets))
    return [{"name": s.name, "options": s.options(), "number": s.number} for s in sequences]


def _facts(item: Truth, target: Path) -> dict[str, Any]:
    """What the row says of it: hash, rows, its sequences and subsets."""
    groups = {name: target / name for name in (SUBSETS_FILE, CLUSTERS_FILE)}
    groups = {name: path.rename(target.parent / name) for name, path in groups.items() if path.exists()}
    files = sorted(target.iterdir())
    if not files:
        raise WorkFailedError("The archive is empty.")
    try:
        frames = open_truth(PROTOCOLS[item.benchmark.protocol], files[0] if len(files) == 1 else target)
        for first in range(0, len(frames), 256):
            frames.joints(first, min(first + 256, len(frames)))
        sequence = np.asarray(frames.columns.get("sequence", []), dtype=str)
        subsets = read_subsets(groups[SUBSETS_FILE], sequence, len(frames)) if SUBSETS_FILE in groups else {}
        clusters = dict(read_clusters(groups[CLUSTERS_FILE], sequence, len(frames))) if CLUSTERS_FILE in groups else {}
    except FormatError as error:
        raise WorkFailedError(f"{str(error).rstrip('.')}.") from error
    named = zip(*np.unique(sequence, return_counts=True), strict=True)
    sequences = [{"name": str(name), "rows": int(count), "upload": None} for name, count in named]
    digest = hashlib.sha256()
    for path in files:
        with path.open("rb") as stream:
            digest.update(f"{path.name} {hashlib.file_digest(stream, 'sha256').hexdigest()}\n".encode())
    return {
        "sha256": digest.hexdigest(),
        "rows": len(frames),
        "sequences": sequences,
        "subsets": subsets,
        "clusters": clusters,
    }


def _publish(item: Truth, folder: str, facts: dict[str, Any], plans: list[dict[str, Any]]) -> None:
    Truth.objects.filter(pk=item.pk).update(folder=folder, **facts)
    if plans:
        item.refresh_from_db()
        populate(truth=item, plans=plans)
    truth_is_ready(truth=item)

"""From an upload's file to its web copy, images, facts and keypoints."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from ml.clip import ClipError, Limits, open_clip
from ml.keypoints.detector import detect
from ml.progress import ProgressCallback
from ml.web_copy import WEB_VIDEO, WebCopyFacts, make_web_copy
from palmares.media_storage import delete_stored_files, keep_only
from palmares.queue.exceptions import WorkFailedError
from palmares.uploads.ground_truths import attach_rendered
from palmares.uploads.intrinsics import GivenCamera
from palmares.uploads.models import Upload
from workers.render_demo import render
from workers.storage import fetch, store_file, store_folder

KEYPOINTS: Final = "keypoints.npz"
TRUTH: Final = "truth.npz"
"""What is rendered with a synthetic clip."""
MAX_HANDS: Final = 4
"""Hands looked for in one image: two people's."""


class Ingestion:
    """The work of an upload."""

    _refused = False

    def folder(self, item: Upload) -> str:
        return f"uploads/{item.pk}/web-{item.lease}"

    def perform(self, item: Upload, scratch: Path, report: ProgressCallback) -> Callable[[], None]:
        """Render where it is synthetic; then ingest, find the hands, store."""
        folder = self.folder(item)
        if synthetic := item.facts.get("synthetic"):
            rendered = render(synthetic, scratch / "rendered", _part(report, 0.0, 0.4))
            source, truth = rendered / "video.mp4", rendered / TRUTH
            report = _part(report, 0.4, 1.0)
        else:
            source, truth = fetch(item.source, scratch), None
        target = scratch / "web"
        try:
            facts = make_web_copy(
                source,
                target,
                progress=_part(report, 0.0, 0.35),
                limits=Limits(max_bytes=settings.MAX_UPLOAD_BYTES),
                name=item.name,
            )
            clip = open_clip(target / WEB_VIDEO)
            report = _part(report, 0.35, 1.0)
            keypoints = detect(clip, max_hands=MAX_HANDS, progress=report, static=facts.kind == "images")
        except ClipError as error:
            self._refused = True
            raise WorkFailedError(f"{str(error).rstrip('.')}.") from error
        keypoints.save(target / KEYPOINTS)
        store_folder(target, folder)
        if truth is not None:
            store_file(truth, f"{folder}/{TRUTH}")
        found = {"hands": len(keypoints.tracks)}
        return lambda: _publish(item, folder, facts, {**facts.facts(), **found}, has_truth=truth is not None)

    def discard(self, item: Upload) -> None:
        if not Upload.objects.filter(pk=item.pk, folder=self.folder(item)).exists():
            delete_stored_files(self.folder(item))

    def cleanup(self, item: Upload) -> None:
        """A file that was refused leaves nothing behind; of one that was taken in, what its row names stays, and the file."""
        if self._refused:
            Upload.objects.filter(pk=item.pk).update(source="")
            delete_stored_files(f"uploads/{item.pk}")
            return
        published = Upload.objects.filter(pk=item.pk).values_list("folder", flat=True).first() or ""
        keep_only(f"uploads/{item.pk}", published.rsplit("/", 1)[-1])


def _publish(item: Upload, folder: str, facts: WebCopyFacts, found: dict[str, Any], *, has_truth: bool) -> None:
    Upload.objects.filter(pk=item.pk).update(
        folder=folder,
        kind=facts.kind,
        sha256=facts.sha256,
        size_bytes=facts.size,
        fps=facts.fps,
        width=facts.width,
        height=facts.height,
        frame_count=facts.frame_count,
        intrinsics=GivenCamera.of_facts(item.facts).matrix(
            source=(facts.source_width, facts.source_height), shown=(facts.width, facts.height)
        ),
        facts={**item.facts, **found},
    )
    if has_truth and not item.facts.get("private_truth"):
        attach_rendered(upload=item, key=f"{folder}/{TRUTH}")


def _part(report: ProgressCallback, start: float, end: float) -> ProgressCallback:
    return lambda stage, fraction: report(f"{stage[:1].upper()}{stage[1:]}", start + (end - start) * min(1.0, fraction))

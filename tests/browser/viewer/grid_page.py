"""The page with the grid of clips and methods, as tests and measurements use it."""

from __future__ import annotations

import shutil
import uuid
from pathlib import Path

from playwright.sync_api import Page, expect

from palmares.runs.models import Prediction, Run
from palmares.uploads.models import Upload
from tests.browser.viewer.viewer_clips import READ_FRAME_NUMBER

_OF_VIDEO = READ_FRAME_NUMBER.replace("() =>", "(video) =>").replace('video = document.querySelector("video"), ', "")
SHOWN = """() => Array.from(document.querySelectorAll("[data-cell]"), (cell) => Number(cell.dataset.frame))"""


def copied_clip(upload: Upload, media: Path, name: str) -> Upload:
    """The upload and its runs once more, without ground truth."""
    made = Upload.objects.get(pk=upload.pk)
    made.pk, made.name = uuid.uuid4(), f"{name}.mp4"
    made.save(force_insert=True)
    for run in upload.runs.select_related("prediction"):
        kept = run.prediction
        folder = f"{kept.folder}/{name}"
        shutil.copytree(media / kept.folder, media / folder)
        prediction = Prediction.objects.create(
            folder=folder, sha256=kept.sha256, size_bytes=kept.size_bytes, rows=kept.rows, hand_model=kept.hand_model
        )
        about = {"method": run.method, "method_version": run.method_version, "status": run.status}
        Run.objects.create(upload=made, prediction=prediction, **about)
    return made


def settled(page: Page) -> None:
    page.wait_for_selector('.cells[data-settled="true"]', timeout=60_000)


def seek(page: Page, frame: int) -> None:
    page.get_by_label("Frame", exact=True).fill(str(frame))
    page.get_by_label("Frame", exact=True).press("Tab")
    expect(page.locator(".clip-grid")).to_have_attribute("data-frame", str(frame))
    settled(page)


def frames_shown(page: Page) -> list[int]:
    """The frame of every cell, then of every video."""
    return page.evaluate(SHOWN) + [video.evaluate(_OF_VIDEO) for video in page.locator("video").all()]

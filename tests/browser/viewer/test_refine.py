"""Refining a run from the viewer: queued by one button, followed, and shown when it has finished."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import settings
from django.utils import timezone
from playwright.sync_api import Page, expect

from palmares.queue.models import Status
from palmares.runs.models import Run
from tests.browser.viewer.viewer_clips import ViewerClip
from tests.browser.viewer.viewer_page import OpenViewer, add_prediction

pytestmark = [pytest.mark.browser]
REFINE_B = "Refine B, Fused fit, with HMP"


def finish(run: Run, clip: ViewerClip) -> None:
    """What a worker does at the end of a run."""
    run.prediction = add_prediction(clip, Path(settings.MEDIA_ROOT), clip.runs[0], f"runs/{run.pk}/a")
    run.status, run.progress, run.finished_at = Status.SUCCEEDED, 1.0, timezone.now()
    run.save()


def last_row(page: Page):
    return page.locator(".methods tbody").last


def test_a_run_is_refined_and_the_new_one_shown(open_viewer: OpenViewer, viewer_clip: ViewerClip, axe):
    page = open_viewer()
    refined = Run.objects.get(method="fused-fit")
    assert page.get_by_role("button", name="Refine A").count() == 0  # it is HMP's own
    page.get_by_role("button", name=REFINE_B).focus()
    page.keyboard.press("Enter")
    expect(last_row(page)).to_contain_text("HMP from Fused fit")
    expect(last_row(page)).to_contain_text("queued")
    expect(page.get_by_role("button", name=REFINE_B)).to_have_count(0)
    made = Run.objects.get(start=refined)
    assert (made.method, made.status, made.upload_id) == ("hmp2024", Status.QUEUED, refined.upload_id)

    Run.objects.filter(pk=made.pk).update(status=Status.RUNNING, stage="stage II", progress=0.6)
    expect(last_row(page)).to_contain_text("stage II · 60%")
    made.refresh_from_db()
    finish(made, viewer_clip)
    page.get_by_role("button", name="Show it").or_(
        page.get_by_role("button", name="Show C, HMP from Fused fit", exact=True)
    ).click()
    expect(page.locator(".lane")).to_have_count(3)
    expect(last_row(page)).not_to_contain_text("ready")
    expect(page.get_by_role("button", name="Show C, HMP from Fused fit (3)")).to_have_attribute("aria-pressed", "true")
    page.wait_for_url(lambda url: str(made.pk) in url)
    assert axe(page) == []


def test_why_a_run_cannot_be_refined_is_said_in_its_row(open_viewer: OpenViewer):
    page = open_viewer(width=390, scheme="dark")
    Run.objects.filter(method="fused-fit").update(status=Status.QUEUED, prediction=None)  # it is run again meanwhile
    page.get_by_role("button", name=REFINE_B).click()
    expect(last_row(page)).to_contain_text("The run to refine has no prediction yet; wait until it has finished.")
    assert not Run.objects.exclude(start=None).exists()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

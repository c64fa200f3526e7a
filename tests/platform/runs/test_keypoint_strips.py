"""Where keypoints came from, on a run's page."""

from __future__ import annotations

import json

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from tests.factories import MembershipFactory

RECORD = {
    "track": 0, "side": "left", "first": 2, "sources": "dddppmmd", "confidence": "99944009", "failures": [4],
    "jumps": list(range(2, 30)),
}  # fmt: skip


def page_of(client, run, keypoints) -> str:
    key = f"{run.prediction.folder}/series.json"
    default_storage.delete(key)
    default_storage.save(key, ContentFile(json.dumps({"frame_count": 10, "hands": [], "keypoints": keypoints}).encode()))
    client.force_login(MembershipFactory(team=run.upload.subject.team).user)
    return client.get(f"/runs/{run.pk}/?details").content.decode()


def test_each_hand_has_a_strip_with_a_text_summary_and_links_to_faulty_frames(client, finished_run):
    page = page_of(client, finished_run, [RECORD])
    words = "Of 8 frames: the detector in 4, projected from the refined run in 2, missing in 2; mean confidence 0.81."
    assert f'aria-label="Left hand, frames 2 to 9. {words}"' in page
    assert 'd="M2 0h3v1h-3zM9 0h1v1h-1z"' in page
    assert f"runs={finished_run.pk}&amp;frame=4" in page
    assert "Detector failures at frame:" in page
    assert "The box jumps, the first 20 of 28 frames:" in page
    assert page.count("<li><i") == 2 + 3, "two kinds of wrong frames, three sources"


def test_a_run_without_records_has_no_section(client, finished_run):
    assert "Keypoints" not in page_of(client, finished_run, [])


def test_the_page_of_a_run_opens_even_if_its_files_are_missing(client, finished_run):
    default_storage.delete(f"{finished_run.prediction.folder}/series.json")
    client.force_login(MembershipFactory(team=finished_run.upload.subject.team).user)
    page = client.get(f"/runs/{finished_run.pk}/?details")
    assert page.status_code == 200
    assert "Keypoints" not in page.content.decode()

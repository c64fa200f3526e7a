"""The page of several clips and methods: whose it shows, in which columns, and what a form's choice leads to."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from palmares.queue.models import Status
from palmares.uploads.models import GroundTruth, Upload
from tests.factories import RunFactory, UploadFactory

PAGE = "/uploads/grid/"


def grid_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script id="clip-grid-data" type="application/json">(.*?)</script>', page)
    assert found
    grid: dict[str, Any] = json.loads(found[1])
    return grid


@pytest.fixture
def clips(upload: Upload) -> list[Upload]:
    """Two clips: with runs of two methods, and of one."""
    Upload.objects.filter(pk=upload.pk).update(folder="uploads/a/web", frame_count=150)
    other = UploadFactory(subject=upload.subject, folder="uploads/b/web", frame_count=90, name="other.mp4")
    for each, method in ((upload, "2d-fit"), (upload, "fused-fit"), (other, "fused-fit")):
        RunFactory(upload=each, method=method, status=Status.SUCCEEDED)
    RunFactory(upload=other, method="mediapipe-ik", status=Status.FAILED)
    return [upload, other]


def test_clips_by_methods_with_the_ground_truth_first(client: Any, viewer: Any, clips: list[Upload]):
    client.force_login(viewer)
    address = f"{PAGE}?uploads={clips[0].pk},{clips[1].pk}"
    grid = grid_of(client.get(address).content.decode())
    assert [column["title"] for column in grid["columns"]] == ["Fused fit", "2D fit"]
    assert [clip["frame_count"] for clip in grid["clips"]] == [150, 90]
    assert [[cell is not None for cell in clip["cells"]] for clip in grid["clips"]] == [[True, True], [True, False]]
    GroundTruth.objects.create(upload=clips[1], status=Status.SUCCEEDED, folder="truths/b/1")
    grid = grid_of(client.get(f"{address}&methods=2d-fit").content.decode())
    assert [column["title"] for column in grid["columns"]] == ["Ground truth", "2D fit"]
    assert [clip["cells"][0] is not None for clip in grid["clips"]] == [False, True]


def test_at_most_four_clips_and_it_says_so(client: Any, viewer: Any, clips: list[Upload]):
    more = [UploadFactory(subject=clips[0].subject, folder="uploads/c/web", frame_count=5) for _ in range(3)]
    client.force_login(viewer)
    page = client.get(f"{PAGE}?uploads={','.join(str(each.pk) for each in [*clips, *more])}").content.decode()
    assert len(grid_of(page)["clips"]) == 4
    assert "Only 4 of the uploads are shown" in page


def test_the_selection_in_the_list_of_uploads_leads_to_the_grid(client: Any, member: Any, clips: list[Upload]):
    client.force_login(member)
    assert "Compare in a grid" in client.get("/uploads/").content.decode()
    sent = {"uploads": [str(each.pk) for each in clips], "methods": ["2d-fit", "fused-fit"]}
    assert client.post(PAGE, sent)["Location"] == f"{PAGE}?uploads={clips[0].pk},{clips[1].pk}&methods=2d-fit,fused-fit"


def test_without_a_clip_it_says_what_to_do(client: Any, member: Any, upload: Upload):
    Upload.objects.filter(pk=upload.pk).update(frame_count=None)
    client.force_login(member)
    for query in ("", "?uploads=junk", f"?uploads={upload.pk}"):
        assert "that are ready first" in client.get(f"{PAGE}{query}", follow=True).content.decode()


@pytest.mark.parametrize(("who", "status"), [("outsider", 404), ("viewer", 200), (None, 302)])
def test_who_sees_it(client: Any, clips: list[Upload], request: Any, who: str | None, status: int):
    if who:
        client.force_login(request.getfixturevalue(who))
    assert client.get(f"{PAGE}?uploads={clips[0].pk}").status_code == status

"""Which runs the viewer page compares: the newest, and those that its address names; and to whom it offers to refine them."""

from __future__ import annotations

import json
import re
from typing import Any

from palmares.teams.models import Membership, Role
from palmares.uploads.models import Upload
from tests.factories import RunFactory


def page_data(client: Any, upload: Any, query: str = "") -> dict[str, Any]:
    page = client.get(f"/uploads/{upload.pk}/view/{query}").content.decode()
    return json.loads(re.search(r'<script id="viewer-data" type="application/json">(.*?)</script>', page)[1])


def compared(client: Any, upload: Any, query: str = "") -> list[str]:
    return [run["id"] for run in page_data(client, upload, query)["runs"]]


def test_the_newest_nine_are_compared(client: Any, member: Any, upload: Any):
    runs = [str(RunFactory(upload=upload).pk) for _ in range(11)]
    client.force_login(member)
    assert compared(client, upload) == runs[:1:-1]


def test_a_run_that_the_address_names_is_among_them_however_old(client: Any, member: Any, upload: Any):
    runs = [str(RunFactory(upload=upload).pk) for _ in range(11)]
    client.force_login(member)
    assert compared(client, upload, f"?runs={runs[0]},{runs[10]}") == [*runs[:3:-1], *runs[3:2:-1], runs[0]]


def test_runs_of_other_uploads_and_junk_are_left_out(client: Any, member: Any, upload: Any, outsider: Any):
    run, foreign = RunFactory(upload=upload), RunFactory()
    client.force_login(member)
    for query in (f"?runs={foreign.pk}", "?runs=x,,%00", "?runs=" + "a" * 5000, f"?runs={str(run.pk).upper()}"):
        assert compared(client, upload, query) == [str(run.pk)]


def test_members_are_offered_to_refine_runs_of_a_video(client: Any, member: Any, upload: Any):
    client.force_login(member)
    assert page_data(client, upload)["refining"] == {"name": "hmp2024", "title": "HMP"}
    assert "refining" not in page_data(client, upload, "?bare=1")  # in a panel of a dashboard
    Membership.objects.filter(user=member).update(role=Role.VIEWER)
    assert "refining" not in page_data(client, upload)


def test_nobody_is_offered_to_refine_runs_of_images(client: Any, member: Any, upload: Any):
    Upload.objects.update(kind=Upload.Kind.IMAGES)
    client.force_login(member)
    assert "refining" not in page_data(client, upload)

"""The private truth of a benchmark is never returned: not as the ground truth of uploads, nor by any other address or file."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.storage import default_storage

from palmares.benchmarks.models import Benchmark, Truth
from palmares.leaderboards.synthetic_benchmark import populate
from palmares.runs.models import RunScore
from palmares.teams.models import Team
from palmares.uploads.models import GroundTruth, Upload
from tests.scored_benchmarks import SEQUENCES

from .test_every_route_is_guarded import GUARDED, address, world  # noqa: F401 - a fixture


@pytest.fixture
def secrets(contest: Benchmark, upload: Upload) -> list[bytes]:
    """What no answer may contain: the bytes of a true hand, its numbers as text, and where the truth is stored."""
    truth = contest.truths.get()
    truth.sequences[0]["upload"] = str(upload.pk)  # a sequence whose video the team may watch
    truth.save()
    hand = SEQUENCES["one"].joints[3]
    return [hand.tobytes(), f"{hand[8, 0]:.6f}".encode(), truth.folder.encode()]


@pytest.mark.parametrize("role", ["nobody", "outsider", "viewer", "member", "owner"])
def test_no_address_returns_the_private_truth(request, api, client, world, secrets, role):  # noqa: F811
    user = None if role == "nobody" else request.getfixturevalue(role)
    if user is not None:
        client.force_login(user)
    client.raise_request_exception = False
    by_token = api(user)
    for route, pattern in GUARDED:
        url = address(pattern, route, world)
        answer = (by_token if url.startswith("/api/") else client).get(url, HTTP_TUS_RESUMABLE="1.0.0")
        body = answer.getvalue()
        found = [secret for secret in secrets if secret in body]
        assert not found, f"{role} sees {found[0][:40]!r} at {url}"


def test_an_upload_of_a_private_sequence_has_no_ground_truth(api, owner, upload, secrets):
    assert api(owner).get(f"/api/v1/uploads/{upload.pk}/").json()["truth"] is None
    assert api(owner).get(f"/api/v1/uploads/{upload.pk}/truth/").status_code == 404
    assert not GroundTruth.objects.exists()
    assert not RunScore.objects.exists()


@pytest.mark.parametrize("shows_frames", [False, True])
def test_videos_of_a_rendered_private_benchmark_keep_no_truth(contest, team: Team, shows_frames):
    Benchmark.objects.filter(pk=contest.pk).update(shows_frames=shows_frames)
    truth = Truth.objects.select_related("benchmark").get()
    options: dict[str, Any] = {"subject": 0, "seed": 0}
    populate(truth=truth, plans=[{"name": name, "number": 0, "options": options} for name in SEQUENCES])
    made = Upload.objects.filter(facts__has_key="synthetic")
    assert made.count() == len(SEQUENCES)
    assert {bool(upload.facts.get("private_truth")) for upload in made} == {not shows_frames}


def test_its_files_are_stored_outside_the_folder_of_ground_truths(contest):
    folders, _ = default_storage.listdir("")
    assert "truths" not in folders
    assert default_storage.exists(f"{contest.truths.get().folder}/one.npz")

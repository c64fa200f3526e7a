"""Asks every address there is as each kind of caller, and looks for what that caller may not know.

The addresses come from the URL configuration, so that a new endpoint is walked the moment it exists; it needs a sample in
`tests/route_samples.py` only where its placeholders have a new name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client

from palmares.benchmarks.models import Benchmark
from palmares.dashboards.models import Dashboard
from palmares.queue.models import Status
from palmares.shares.models import ShareLink
from palmares.shares.services import create_share
from palmares.teams.models import Invitation, Token, User
from tests.factories import RunFactory, SubjectFactory, UploadFactory
from tests.route_samples import ROUTES, TRUTH_OF_UPLOAD, address, world  # noqa: F401 - a fixture

TRUTH = b"the true hands of a private benchmark"


@pytest.fixture
def theirs(outsider: User) -> list[str]:
    """Names and ids of another team's objects, which our team must not see."""
    team = outsider.teams.get()
    team.name = "zz their team"
    team.save()
    subject = SubjectFactory(team=team, name="zz their subject")
    upload = UploadFactory(subject=subject, name="zz their clip.mp4")
    run = RunFactory(upload=upload, status=Status.SUCCEEDED)
    benchmark = Benchmark.objects.create(team=team, slug="zz-their-benchmark", name="zz theirs", protocol="palmares")
    link, _ = create_share(by=outsider, kind="board", id=benchmark.slug)
    rows = (team, subject, upload, run, benchmark, link)
    return ["zz their", "zz-their", "zz theirs", outsider.email, *(str(row.pk) for row in rows)]


@pytest.fixture
def hidden(world, contest, finished_run, owner) -> list[str]:  # noqa: F811
    """What is not shown to any role: storage keys, truths, hashes."""
    truth = contest.truths.get()
    owner.set_password("the password of the owner")
    owner.save()
    default_storage.save(f"{truth.folder}/marker.npz", ContentFile(TRUTH))
    hashes = [*Token.objects.values_list("digest", flat=True), *ShareLink.objects.values_list("token_hash", flat=True)]
    hashes += Invitation.objects.values_list("token_hash", flat=True)
    return [TRUTH.decode(), truth.folder, finished_run.prediction.folder + "/", owner.password, *hashes]


def own_secrets(world: dict[str, Any], shared: set[str]) -> list[str]:  # noqa: F811
    """Names and ids of our team's things, without what is shared."""
    names = ["our clip", "our truth", "our comment", "Ours 1", "contest-of-ours", TRUTH_OF_UPLOAD.decode()]
    return [*names, *(str(value) for name, value in world.items() if str(value) not in shared and name != "share-token")]


def answers(caller: Client, world: dict[str, Any], routes: Any = ROUTES) -> list[tuple[str, int, str]]:  # noqa: F811
    """URL, status and text (headers included) of what every address answers to GET."""
    caller.raise_request_exception = False
    found = []
    for route, pattern in routes:
        url = address(pattern, route, world)
        response = caller.get(url)
        headers = "\n".join(f"{name}: {value}" for name, value in response.items() if name != "Location")
        text = response.getvalue().decode("utf-8", "replace") + headers
        assert response.status_code < 500, f"{url}: {response.status_code}"
        found.append((url, response.status_code, text.replace(url, "")))
    return found


def hits(found: list[tuple[str, int, str]], secrets: list[str]) -> list[str]:
    assert all(secrets)
    return [f"{url} ({status}): {secret}" for url, status, text in found for secret in secrets if secret in text]


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize("role", ["viewer", "member", "owner"])
def test_no_answer_to_the_team_holds_data_of_others_or_a_secret(request, world, hidden, theirs, role):  # noqa: F811
    user = request.getfixturevalue(role)
    found = answers(signed_in(user), world)
    assert hits(found, [*hidden, *theirs]) == []
    assert sum(status == 200 for _, status, _ in found) > 40  # it did get in


def test_no_answer_to_another_team_holds_a_secret(world, hidden, outsider):  # noqa: F811
    assert hits(answers(signed_in(outsider), world), [*hidden, *own_secrets(world, set())]) == []


def test_no_answer_without_credentials_holds_a_secret(world, hidden):  # noqa: F811
    assert hits(answers(Client(), world), [*hidden, *own_secrets(world, set())]) == []


@pytest.mark.parametrize("kind", list(ShareLink.Kind.values))
def test_a_share_link_opens_what_is_shared_and_nothing_else(world, hidden, link_of, kind):  # noqa: F811
    """With names and videos hidden; the ids of the upload and the run are in the addresses that a viewer needs."""
    token, shared = link_of(kind, world)
    found = answers(Client(), {**world, "share-token": token})
    content = Dashboard.objects.get(pk=world["dashboard"]).versions.get(number=2).content
    for panel in content["panels"]:
        seen = {**world, "share-token": token, "panel": panel["id"]}
        found += answers(Client(), seen, [(r, p) for r, p in ROUTES if "<slug:panel>" in r])
    assert hits(found, [*hidden, *own_secrets(world, shared)]) == []
    opened = [url for url, status, _ in found if status == 200 and "/shared/" in url]
    assert opened
    assert all(token in url for url in opened)


@pytest.fixture
def link_of(member, finished_run, contest) -> Callable[..., tuple[str, set[str]]]:
    """Makes a link of a kind; its token, and what of ours it shows."""

    def make(kind: str, world: dict[str, Any]) -> tuple[str, set[str]]:  # noqa: F811
        ids = {str(finished_run.pk), str(finished_run.upload_id)}
        if kind == ShareLink.Kind.DASHBOARD:
            panels = Dashboard.objects.get(pk=world["dashboard"]).versions.get(number=2).content["panels"]
            shown = {*ids, str(world["image"]), *(panel["id"] for panel in panels)}
            return create_share(by=member, kind=kind, id=str(world["dashboard"]))[1], shown
        if kind == ShareLink.Kind.BOARD:
            return create_share(by=member, kind=kind, id=contest.slug)[1], set()
        token = create_share(by=member, kind=kind, id=str(finished_run.upload_id))[1]
        return token, ids

    return make

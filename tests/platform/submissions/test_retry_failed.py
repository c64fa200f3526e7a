"""An owner queues again what failed under a revision."""

from __future__ import annotations

import pytest
from django.utils import timezone

from palmares.benchmarks.models import Benchmark
from palmares.queue.models import Status
from palmares.submissions.models import Scoring


@pytest.fixture
def revision(contest, scored):
    """Two of its three scorings failed; one of these is of a deleted submission."""
    _, failed, deleted = scored("good"), scored("bad"), scored("gone")
    failed.scores.all().delete()
    failed.scorings.update(status=Status.FAILED, error="The file does not fit.", attempts=3)
    deleted.scorings.update(status=Status.FAILED)
    type(deleted).objects.filter(pk=deleted.pk).update(deleted_at=timezone.now())
    return contest.revisions.get()


def test_only_what_failed_is_queued_again(api, owner, revision):
    answer = api(owner).post(f"/api/v1/revisions/{revision.pk}/retry/")
    assert (answer.status_code, answer.json()["status"]) == (200, "running")
    statuses = dict(Scoring.objects.values_list("submission__method", "status"))
    assert statuses == {"good": Status.SUCCEEDED, "bad": Status.QUEUED, "gone": Status.FAILED}
    again = Scoring.objects.get(submission__method="bad")
    assert (again.attempts, again.error) == (0, "")
    assert api(owner).post(f"/api/v1/revisions/{revision.pk}/retry/").status_code == 409


def test_nothing_is_scored_under_a_cancelled_revision(api, owner, revision):
    revision.cancelled_at = timezone.now()
    revision.save()
    answer = api(owner).post(f"/api/v1/revisions/{revision.pk}/retry/")
    assert (answer.status_code, "cancelled" in answer.json()["detail"]) == (409, True)


def test_only_owners_may(api, member, refusals, revision):
    Benchmark.objects.update(visibility="public")
    url = f"/api/v1/revisions/{revision.pk}/retry/"
    assert refusals("post", url) == {"anonymous": 401, "outsider": 404, "viewer": 403}
    assert api(member).post(url).status_code == 403
    assert Scoring.objects.get(submission__method="bad").status == Status.FAILED


def test_the_page_has_a_button(client, owner, outsider, revision):
    revision.published_at = None
    revision.save()
    url = f"/benchmarks/contest-of-ours/revisions/{revision.pk}/retry/"
    client.force_login(outsider)
    assert client.post(url).status_code == 404
    client.force_login(owner)
    assert f'action="{url}"' in client.get("/benchmarks/contest-of-ours/?tab=manage").content.decode()
    assert "1 submission queued again." in client.post(url, follow=True).content.decode()
    assert client.get(url).status_code == 405

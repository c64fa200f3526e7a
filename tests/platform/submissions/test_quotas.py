"""Quotas of benchmarks with private truth: of a verified person, and of everyone outside the owning team together."""

from __future__ import annotations

import pytest
from allauth.account.models import EmailAddress
from django.core.files.uploadedfile import SimpleUploadedFile

from palmares.benchmarks.models import Benchmark
from palmares.queue.models import Status
from palmares.submissions.models import QuotaUse, Scoring
from palmares.teams.models import Role, Team, User
from tests.factories import MembershipFactory, TeamFactory, UserFactory
from tests.predictions import zipped
from tests.scored_benchmarks import SEQUENCES

URL = "/api/v1/benchmarks/contest-of-ours/submissions/"


def person(email: str, *, is_verified: bool = True) -> User:
    """Someone with a team of their own."""
    user = UserFactory(email=email)
    MembershipFactory(user=user, team=TeamFactory(), role=Role.OWNER)
    EmailAddress.objects.create(user=user, email=email, verified=is_verified, primary=True)
    return user


@pytest.fixture
def send(api, contest):
    """Submit as somebody; the answer."""
    Benchmark.objects.update(visibility="public", daily_limit=100)
    content = zipped(**SEQUENCES)

    def submit(user: User):
        form = {"file": SimpleUploadedFile("pred.zip", content), "method": "m"}
        return api(user).post(URL, form, format="multipart")

    return submit


def test_an_unverified_account_submits_only_where_an_owner_allows_it(send):
    newcomer = person("new@example.org", is_verified=False)
    answer = send(newcomer)
    assert answer.status_code == 403
    assert "verify your email address" in answer.json()["detail"]
    Benchmark.objects.update(allows_unverified=True, yearly_person_limit=1)
    assert [send(newcomer).status_code for _ in range(2)] == [201, 429]
    Benchmark.objects.update(allows_unverified=False, shows_frames=True)
    assert send(newcomer).status_code == 201, "nothing is private there"


def test_a_person_with_several_accounts_and_teams_has_one_quota(send):
    Benchmark.objects.update(yearly_person_limit=2)
    one, other = person("eve+a@example.org"), person("EVE+b@example.org")
    assert [send(user).status_code for user in (one, other, one, other)] == [201, 201, 429, 429]
    assert "2 scored submissions of the last 365 days" in send(one).json()["detail"]
    assert send(person("adam@example.org")).status_code == 201
    assert not QuotaUse.objects.filter(person__contains="@").exists()


def test_all_accounts_together_have_one_quota_and_the_owning_team_needs_none(send, member):
    Benchmark.objects.update(yearly_limit=3)
    assert [send(person(f"p{n}@example.org")).status_code for n in range(4)] == [201, 201, 201, 429]
    assert send(member).status_code == 201


def test_deleting_submissions_teams_or_accounts_does_not_restore_the_quota(send, api):
    Benchmark.objects.update(yearly_person_limit=1)
    eve = person("eve@example.org")
    made = send(eve).json()["id"]
    Scoring.objects.update(status=Status.SUCCEEDED)
    assert api(eve).delete(f"/api/v1/submissions/{made}/").status_code == 204
    assert send(eve).status_code == 429
    Team.objects.filter(memberships__user=eve).delete()
    eve.delete()
    assert send(person("eve@example.org")).status_code == 429


def test_a_submission_cancelled_before_scoring_does_not_count_towards_the_quota(send, api):
    Benchmark.objects.update(yearly_person_limit=1)
    eve = person("eve@example.org")
    made = send(eve).json()["id"]
    assert api(eve).post(f"/api/v1/submissions/{made}/cancel/").status_code == 200
    assert send(eve).status_code == 201
    assert api(eve).post(f"/api/v1/submissions/{made}/retry/").status_code == 429

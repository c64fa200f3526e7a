"""The admin: every list and every form opens, for staff only, and no secret and no file is in them."""

import pytest
from django.contrib import admin
from django.urls import reverse

from palmares.api.models import IdempotencyKey
from palmares.benchmarks.models import Benchmark, Revision, Truth
from palmares.comments.services import add_comment
from palmares.submissions.models import Scoring, Submission
from palmares.teams.access import create_sign_in_link, create_token
from palmares.teams.models import Role, User
from palmares.teams.services import invite
from tests.factories import HandShapeFactory

MODELS = [model for model in admin.site._registry if model.__module__.startswith("palmares.")]


@pytest.fixture
def superuser(db):
    return User.objects.create_superuser("root@example.org", "x")


@pytest.fixture
def secrets(team, owner, finished_run, subject, contest, scored):
    """One row of everything; what must not be shown of them."""
    submission, truth = scored(), contest.truths.get()
    add_comment(upload=finished_run.upload, by=owner, frame=0, text="Look at the thumb.")
    HandShapeFactory(subject=subject)
    create_sign_in_link(user=owner)
    invite(team=team, email="guest@example.org", role=Role.MEMBER, by=owner)
    IdempotencyKey.objects.create(user=owner, key="k", fingerprint="f", response_body={"private": "inside"})
    row, token = create_token(user=owner, name="laptop")
    return [token, row.token_key, "inside", submission.source, truth.folder]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_lists_and_forms_open(client, superuser, secrets, model):
    client.force_login(superuser)
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    row = model._default_manager.first()
    assert row is not None
    for url in (reverse(f"{name}_changelist"), reverse(f"{name}_change", args=[row.pk])):
        response = client.get(url, {"q": "x"} if url.endswith("list") else {})
        assert response.status_code == 200
        assert not [s for s in secrets if s in response.content.decode()]
        assert "/media/" not in response.content.decode()


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_the_admin_redirects_members_to_its_login(client, owner, model):
    client.force_login(owner)
    url = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    assert client.get(url).status_code == 302


@pytest.mark.parametrize("model", [Benchmark, Truth, Revision, Submission, Scoring], ids=lambda m: m.__name__)
def test_nothing_of_benchmarks_is_changed_in_the_admin(client, superuser, secrets, model):
    client.force_login(superuser)
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    assert client.get(reverse(f"{name}_add")).status_code == 403
    assert client.post(reverse(f"{name}_change", args=[model._default_manager.first().pk]), {}).status_code == 403

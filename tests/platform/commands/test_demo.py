import io

import pytest
from django.core.management import call_command

from ml.catalog import METHODS
from palmares.runs.models import Run
from palmares.subjects.models import Subject
from palmares.teams.models import Membership, Role, User
from palmares.uploads.models import Upload


@pytest.fixture
def demo(db):
    return lambda *args: call_command("demo", *args, stdout=io.StringIO())


def counts():
    return [model.objects.count() for model in (User, Subject, Upload, Run)]


def test_it_works(demo):
    demo()
    user = User.objects.get(email="demo@palmares.local")
    assert not user.has_usable_password()
    assert Membership.objects.get(user=user, team__name="Demo").role == Role.OWNER
    assert counts() == [1, 2, 2, 2 * len(METHODS)]
    assert all("seed" in u.facts["synthetic"] and u.public_status == "queued" for u in Upload.objects.all())
    assert set(Run.objects.values_list("status", flat=True)) == {"queued"}


def test_twice_is_once(demo):
    demo()
    before = counts()
    demo()
    assert counts() == before


def test_again(demo):
    demo()
    demo("--again")
    assert counts() == [1, 2, 4, 4 * len(METHODS)]
    assert len({u.facts["synthetic"]["seed"] for u in Upload.objects.all()}) == 4

import io

import pytest
import torch
from django.core.management import call_command

from ml.catalog import METHODS
from ml.hand.measure import measure_hand
from ml.hand.model import load_hand_model
from ml.synthetic.subjects import make_subject
from palmares.calibrations.models import Calibration
from palmares.runs.demo_team import SUBJECTS
from palmares.runs.models import Run
from palmares.subjects.models import Subject
from palmares.teams.models import Membership, Role, User
from palmares.uploads.models import Upload


@pytest.fixture
def demo(db):
    return lambda *args: call_command("demo", *args, stdout=io.StringIO())


def counts():
    return [model.objects.count() for model in (User, Subject, Upload, Run, Calibration)]


def test_it_works(demo):
    demo()
    user = User.objects.get(email="demo@palmares.local")
    assert not user.has_usable_password()
    assert Membership.objects.get(user=user, team__name="Demo").role == Role.OWNER
    assert counts() == [1, 2, 2, 2 * len(METHODS), 2]
    assert all("seed" in u.facts["synthetic"] and u.public_status == "queued" for u in Upload.objects.all())
    assert set(Run.objects.values_list("status", flat=True)) == {"queued"}


def test_running_the_demo_twice_adds_nothing(demo):
    demo()
    before = counts()
    demo()
    assert counts() == before


def test_the_option_again_adds_new_clips(demo):
    demo()
    demo("--again")
    assert counts() == [1, 2, 4, 4 * len(METHODS), 2]
    assert len({u.facts["synthetic"]["seed"] for u in Upload.objects.all()}) == 4


def test_the_ruler_lengths_match_the_subjects():
    model = load_hand_model("open", "right")
    betas = torch.stack([torch.tensor(make_subject(0, "validation", number).betas) for number in range(len(SUBJECTS))])
    lengths = 1000 * measure_hand(model, betas).length
    assert lengths.tolist() == pytest.approx(list(SUBJECTS.values()), abs=0.5)

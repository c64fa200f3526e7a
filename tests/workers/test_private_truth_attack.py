"""An attack on a private ground truth through the API: several accounts look for where one hand is.

`tests/reconstruction.py` plays a year at the default limits against the rounding alone; this is a small year, with a worker's
scoring, quotas and answers. All submissions differ in one hand, which stands far away along each axis and both ways, so that
its error is linear in its position.
"""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from allauth.account.models import EmailAddress
from django.core.files.uploadedfile import SimpleUploadedFile

from palmares.benchmarks import services
from palmares.benchmarks.models import Truth
from palmares.teams.models import Role, User
from tests.factories import MembershipFactory, TeamFactory, UserFactory
from tests.predictions import hands
from tests.score_waiting import score_waiting
from workers.attempt import attempt
from workers.import_truth import TruthImport

pytestmark = pytest.mark.django_db(transaction=True)

HANDS, TARGET, FAR_MM = 60, 17, 10_000.0
YEAR, EACH = 6, 2
"""Scored submissions of a year: of all people, and of each."""
URL = "/api/v1/benchmarks/private/"
TRUTH = hands(HANDS).joints
GUESS_MM = np.array([30.0, -20.0, 540.0])
"""Where the attacker, who knows the pose of the hand, puts its wrist."""
DIRECTIONS = np.concatenate([np.eye(3), -np.eye(3)])


def person(number: int) -> User:
    user = UserFactory(email=f"attacker{number}@example.org")
    MembershipFactory(user=user, team=TeamFactory(), role=Role.OWNER)
    EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
    return user


def truth_file() -> bytes:
    """In DexYCB's form, metres."""
    sink = io.BytesIO()
    np.savez(sink, index=np.arange(HANDS), joint_3d=TRUTH, side=np.ones(HANDS, np.uint8))
    return sink.getvalue()


def question(direction: np.ndarray) -> bytes:
    """A prediction of hands somewhere, and of the target's far away in a direction; DexYCB's lines, mm."""
    joints = 1000.0 * TRUTH + 13.0
    joints[TARGET] = 1000.0 * (TRUTH[TARGET] - TRUTH[TARGET, 0]) + GUESS_MM + FAR_MM * direction
    return "".join(
        f"{index}," + ",".join(f"{v:.4f}" for v in hand.ravel()) + "\n" for index, hand in enumerate(joints)
    ).encode()


def position(values: list[float]) -> np.ndarray:
    """Where the wrist is, mm, by least squares over the mean errors that the API returned."""
    design = np.concatenate([-DIRECTIONS, np.ones((len(DIRECTIONS), 1))], axis=1)
    found, *_ = np.linalg.lstsq(design, np.array(values) * HANDS - FAR_MM, rcond=None)
    return GUESS_MM + found[:3]


@pytest.fixture
def private(team, owner, media_root):
    limits = {"daily_limit": 50, "yearly_limit": YEAR, "yearly_person_limit": EACH, "visibility": "public"}
    benchmark = services.create_benchmark(team=team, by=owner, slug="private", name="Private", protocol="dexycb", **limits)
    truth = services.add_truth(benchmark=benchmark, by=owner, file=SimpleUploadedFile("truth.npz", truth_file()))
    attempt(Truth, str(truth.pk), TruthImport)
    score_waiting()
    return benchmark


def test_a_year_of_scores_does_not_reveal_a_private_hands_position(api, client, private, owner):
    people = [person(number) for number in range(YEAR // EACH + 1)]

    def send(user: User, direction: np.ndarray):
        form = {"file": SimpleUploadedFile("pred.txt", question(direction)), "method": "m"}
        return api(user).post(f"{URL}submissions/", form, format="multipart")

    told, exact = [], []
    for number, direction in enumerate(DIRECTIONS):
        answer = send(people[number // EACH], direction)
        assert answer.status_code == 201, answer.json()
        assert score_waiting() == 1
        address = f"/api/v1/submissions/{answer.json()['id']}/"
        told.append(api(people[number // EACH]).get(address).json()["scores"]["metrics"])
        made = send(owner, direction)  # the owning team sees exact values
        assert score_waiting() == 1
        exact.append(api(owner).get(f"/api/v1/submissions/{made.json()['id']}/").json()["scores"]["metrics"]["mpjpe"])
    assert [send(user, DIRECTIONS[0]).status_code for user in people] == [429] * len(people)

    truth_mm = 1000.0 * TRUTH[TARGET, 0]
    assert np.linalg.norm(position(exact) - truth_mm) < 2, "without rounding the attack finds the hand"
    client.force_login(people[0])
    board = client.get("/benchmarks/private/").content.decode()
    step = float(re.search(r"rounded at random to a neighbouring multiple of ([\d.]+) mm", board)[1])
    steps = np.array([metrics["mpjpe"] for metrics in told]) / step
    assert np.allclose(steps, np.round(steps))
    # the standard deviation of rounding at random; each axis was asked for twice
    assert step * HANDS / np.sqrt(6) / np.sqrt(2) > 5, "mm, of the position along each axis"
    for metrics in told:
        assert set(metrics) == {"ra_mpjpe", "pa_mpjpe", "mpjpe", "ra_auc_joints"}
    assert "by_joint_mm" not in api(people[-2]).get(f"{address}content/").json()

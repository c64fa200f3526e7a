"""Rows for tests, as a person would have made them."""

from __future__ import annotations

import factory
from django.utils import timezone

from palmares.queue.models import Status
from palmares.runs.models import Run
from palmares.subjects.models import HandShape, Subject
from palmares.teams.models import Membership, Role, Team, User
from palmares.uploads.models import Upload


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User

    email = factory.Sequence(lambda n: f"person{n}@example.org")


class TeamFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Team

    name = factory.Sequence(lambda n: f"Team {n}")


class MembershipFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Membership

    team = factory.SubFactory(TeamFactory)
    user = factory.SubFactory(UserFactory)
    role = Role.MEMBER


class SubjectFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Subject

    team = factory.SubFactory(TeamFactory)
    name = factory.Sequence(lambda n: f"Subject {n}")


class HandShapeFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = HandShape

    subject = factory.SubFactory(SubjectFactory)
    betas = factory.LazyFunction(lambda: [0.0] * 10)
    source = HandShape.Source.GIVEN


class UploadFactory(factory.django.DjangoModelFactory):
    """Ready, unless a status is given."""

    class Meta:
        model = Upload

    subject = factory.SubFactory(SubjectFactory)
    name = factory.Sequence(lambda n: f"clip {n}.mp4")
    size_bytes = 1000
    received_bytes = 1000
    received_at = factory.LazyFunction(timezone.now)
    status = Status.SUCCEEDED
    fps = 30.0
    width = 640
    height = 480
    frame_count = 150


class RunFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Run

    upload = factory.SubFactory(UploadFactory)
    method = "2d-fit"
    method_version = "1"

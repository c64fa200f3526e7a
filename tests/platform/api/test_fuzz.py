"""Requests that the schema allows and many that it does not: no answer is a 500, and every error is a problem document."""

from __future__ import annotations

from typing import Any

import pytest
import requests
import schemathesis
from django.db import transaction
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies
from schemathesis import GenerationMode

from palmares.calibrations.models import Calibration
from palmares.submissions.models import PendingFile
from palmares.teams.models import Membership
from tests.factories import HandShapeFactory

SCHEMA = schemathesis.openapi.from_dict(SchemaGenerator().get_schema(request=None, public=True))
OPERATIONS = [result.ok() for result in SCHEMA.get_all_operations()]
EXAMPLES = 12


@schemathesis.serializer("application/offset+octet-stream")
def offset_octets(context: Any, value: Any) -> bytes:
    """What tus sends, as it is."""
    return bytes(getattr(value, "data", value)) if not isinstance(value, str) else value.encode()


@pytest.fixture
def known(team, owner, finished_run, upload, subject, contest, scored) -> dict[str, str]:
    """Ids that exist, by the address they are part of."""
    return {
        "/teams/{id}": team.pk,
        "/teams/{team_id}": team.pk,
        "/members/{id}": Membership.objects.get(user=owner).pk,
        "/subjects/{id}": subject.pk,
        "/subjects/{subject_id}": subject.pk,
        "/hand-shapes/{id}": HandShapeFactory(subject=subject).pk,
        "/uploads/{id}": upload.pk,
        "/tus/{id}": upload.pk,
        "/predictions/tus/{id}": PendingFile.objects.create(created_by=owner, name="pred.zip", size_bytes=9).pk,
        "/runs/{id}": finished_run.pk,
        "/benchmarks/{slug}": contest.slug,
        "/submissions/{id}": scored().pk,
        "/calibrations/{id}": Calibration.objects.create(subject=subject).pk,
        "/revisions/{id}": contest.revisions.get().pk,
    }


def with_ids_that_exist(case: Any, known: dict[str, str]) -> None:
    for place, value in known.items():
        for spelled in {place, place.replace("{id}", "{pk}")}:
            if spelled in case.path:
                case.path_parameters[spelled[spelled.index("{") + 1 : -1]] = str(value)


def send(client: Any, case: Any) -> Any:
    kwargs = case.as_transport_kwargs(base_url="http://testserver")
    known = ("method", "url", "params", "data", "json", "files", "headers", "cookies")
    kwargs = {name: value for name, value in kwargs.items() if name in known}
    request = requests.Request(**kwargs).prepare()
    own = {"content-length", "content-type", "authorization", "user-agent", "cookie"}
    headers = {name: value for name, value in request.headers.items() if name.lower() not in own}
    headers = {n: v.decode("latin-1") if isinstance(v, bytes) else v for n, v in headers.items()}
    headers = {n.encode("latin-1", "replace").decode("latin-1"): v for n, v in headers.items()}
    body = request.body.encode() if isinstance(request.body, str) else request.body or b""
    path = request.path_url
    content_type = request.headers.get("Content-Type", "application/json")
    content_type = content_type.decode("latin-1") if isinstance(content_type, bytes) else content_type
    return client.generic(request.method, path, body, content_type=content_type, headers=headers)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: f"{o.method.upper()} {o.path}")
def test_never_a_500(api, owner, known, operation):
    client = api(owner)
    client.raise_request_exception = False
    positive, negative = (operation.as_strategy(generation_mode=m) for m in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE))

    @seed(1)
    @settings(
        max_examples=EXAMPLES,
        derandomize=False,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=positive | negative, exists=strategies.booleans())
    def ask(case: Any, exists: bool) -> None:
        if exists:
            with_ids_that_exist(case, known)
        with transaction.atomic():
            response = send(client, case)
            content = b"" if getattr(response, "is_async", False) else response.getvalue()
            transaction.set_rollback(True)
        assert response.status_code < 500, (case.as_curl_command(), content[:500])
        if response.status_code >= 400 and operation.method.upper() != "HEAD":
            assert response["Content-Type"] == "application/problem+json", (case.as_curl_command(), content[:500])

    ask()

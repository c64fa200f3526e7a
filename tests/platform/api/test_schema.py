"""The OpenAPI schema: in step with the code, and complete enough for people and for generators of clients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from palmares.comments.services import add_comment
from palmares.dashboards.services import create_dashboard
from tests.api_contract import SCHEMA, operations

COMMITTED = Path(__file__).resolve().parents[3] / "docs" / "openapi.yaml"
OPERATIONS = {f"{method.upper()} {path}": operation for path, method, operation in operations()}


def each_operation(function: Any) -> Any:
    return pytest.mark.parametrize("operation", OPERATIONS.values(), ids=list(OPERATIONS))(function)


def resolved(thing: dict[str, Any]) -> dict[str, Any]:
    """What a `$ref` leads to."""
    found: Any = SCHEMA
    for part in thing["$ref"].removeprefix("#/").split("/") if "$ref" in thing else ():
        found = found[part]
    return found if "$ref" in thing else thing


def test_the_schema_has_no_warnings_and_the_committed_one_is_up_to_date(tmp_path):
    current = tmp_path / "openapi.yaml"
    call_command("spectacular", "--fail-on-warn", "--validate", "--file", str(current))
    assert COMMITTED.read_text() == current.read_text(), (
        "the API has changed: `.venv/bin/python manage.py spectacular --file docs/openapi.yaml`"
    )


@pytest.mark.parametrize("url", ["/api/schema/", "/api/docs/"])
def test_it_is_served_to_everyone(client, db, url):
    assert client.get(url).status_code == 200
    assert client.post(url).status_code == 405


def test_it_is_served_as_yaml_and_as_json(client, db):
    assert client.get("/api/schema/")["Content-Type"].startswith("application/vnd.oai.openapi")
    assert client.get("/api/schema/", HTTP_ACCEPT="application/json").json()["openapi"].startswith("3.")


@each_operation
def test_it_has_a_summary(operation):
    summary = operation.get("summary", "")
    assert summary, "the first sentence of the handler's docstring is the summary"
    assert len(summary) <= 100
    assert summary[0].isupper()
    assert summary[-1] not in ".,;:"


def test_no_two_operations_have_the_same_summary_or_id():
    for name in ("summary", "operationId"):
        values = [operation[name] for operation in OPERATIONS.values()]
        assert sorted(values) == sorted(set(values)), name
    assert all(operation["operationId"].isidentifier() for operation in OPERATIONS.values())


@each_operation
def test_its_errors_are_documented_as_problems(operation):
    errors = {int(status): resolved(response) for status, response in operation["responses"].items() if int(status) >= 400}
    expected = {401, 429, 503}
    expected |= {400, 413, 415} if "requestBody" in operation else set()
    expected |= {404} if any(parameter["in"] == "path" for parameter in operation.get("parameters", ())) else set()
    assert set(errors) >= expected
    for response in errors.values():
        assert response["description"]
        assert response["content"] == {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


@each_operation
def test_every_operation_documents_a_success_status(operation):
    assert any(200 <= int(status) < 300 for status in operation["responses"])


@each_operation
def test_no_two_bodies_of_it_have_the_same_type(operation):
    """Generators make one parameter of each, and stumble over two of one type."""
    bodies = [str(body["schema"]) for body in operation.get("requestBody", {}).get("content", {}).values()]
    assert len(bodies) == len(set(bodies))


def test_a_request_type_is_shared_only_by_creating_and_changing_the_same_things():
    users: dict[str, set[str]] = {}
    for name, operation in OPERATIONS.items():
        for body in operation.get("requestBody", {}).get("content", {}).values():
            if "$ref" in body["schema"]:
                users.setdefault(body["schema"]["$ref"], set()).add(name)
    assert {ref: found for ref, found in users.items() if len(found) > 1} == {}


IMAGES = [
    ("/api/v1/uploads/{id}/media/{file}", {"image/jpeg", "video/mp4", "application/octet-stream"}),
    ("/api/v1/calibrations/{id}/files/{drawing}", {"image/jpeg", "model/gltf-binary"}),
]


@pytest.mark.parametrize(("path", "types"), IMAGES)
def test_images_are_documented_with_their_media_type(path, types):
    responses = SCHEMA["paths"][path]["get"]["responses"]
    assert set(responses["200"]["content"]) == set(responses["206"]["content"]) == types
    assert {"304", "416"} <= set(responses)


def test_a_list_is_refused_where_an_object_is_expected(api, owner, subject, upload, team, contest, scored):
    """As JSON, and as the name of a form's field, which used to change nothing and be answered 200."""
    ids = {
        "/subjects/{id}": subject.pk,
        "/teams/{id}": team.pk,
        "/benchmarks/{slug}": contest.slug,
        "/submissions/{id}": scored().pk,
        "/dashboards/{id}": create_dashboard(team=team, name="Ours", by=owner).pk,
        "/versions/{number}": 1,
        "/uploads/{upload_id}": upload.pk,
        "/comments/{id}": add_comment(upload=upload, by=owner, frame=0, text="Look.").pk,
    }
    ids |= {"/uploads/{id}": upload.pk, "/members/{id}": team.memberships.get(user=owner).pk, "/teams/{team_id}": team.pk}
    changed = [path for path, method, _ in operations() if method == "patch" and "/tus/" not in path]
    assert len(changed) >= 6
    for path in changed:
        url = path
        for place, value in ids.items():
            url = url.replace(place, f"{place[: place.index('{')]}{value}")
        assert "{" not in url, f"{path} needs a value in this test"
        client = api(owner)
        for body in ("[]", "[1]", '"text"', "null", "[{}]"):
            assert client.generic("PATCH", url, body, content_type="application/json").status_code == 400, (url, body)
        for form in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            assert client.generic("PATCH", url, "[]", content_type=form).status_code == 415, (url, form)


@pytest.mark.parametrize("accept", ["image/jpeg", "video/mp4", "text/html", "*/*", "application/problem+json"])
def test_an_answer_does_not_depend_on_the_type_that_the_caller_accepts(api, owner, upload, accept):
    client = api(owner)
    found = client.get(f"/api/v1/uploads/{upload.pk}/", HTTP_ACCEPT=accept)
    assert (found.status_code, found["Content-Type"]) == (200, "application/json")
    poster = client.get(f"/api/v1/uploads/{upload.pk}/media/poster.jpg", HTTP_ACCEPT=accept)
    assert poster.getvalue()
    assert (poster.status_code, poster["Content-Type"]) == (200, "image/jpeg")

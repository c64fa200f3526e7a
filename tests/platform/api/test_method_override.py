"""`X-HTTP-Method-Override` of tus 1.0.0, for clients that can send GET and POST only; for uploads and for predictions."""

from __future__ import annotations

import base64

import pytest
from django.test import Client

TUS = {"HTTP_TUS_RESUMABLE": "1.0.0"}
CONTENT = b"PK\x03\x04 a prediction"


def metadata(name: str) -> str:
    return f"filename {base64.b64encode(name.encode()).decode()}"


@pytest.fixture(params=["/api/v1/uploads/tus/", "/api/v1/predictions/tus/"])
def url(request, api, member, subject, media_root):
    """The address of a file of which nothing has come."""
    headers = {"HTTP_UPLOAD_LENGTH": str(len(CONTENT)), "HTTP_UPLOAD_METADATA": metadata("pred.zip"), **TUS}
    made = api(member).post(request.param, **headers)
    assert made.status_code == 201
    return made["Location"].removeprefix("http://testserver")


def posted(client, url, method, content=b"", **headers):
    kind = "application/offset+octet-stream"
    return client.generic("POST", url, content, content_type=kind, HTTP_X_HTTP_METHOD_OVERRIDE=method, **TUS, **headers)


@pytest.mark.parametrize("spelling", ["PATCH", "patch"])
def test_a_post_is_handled_as_the_method_in_its_override_header(api, member, url, spelling):
    client = api(member)
    sent = posted(client, url, spelling, CONTENT[:5], HTTP_UPLOAD_OFFSET="0")
    assert (sent.status_code, sent["Upload-Offset"]) == (204, "5")
    asked = posted(client, url, "HEAD")
    assert (asked.status_code, asked["Upload-Offset"]) == (200, "5")
    assert posted(client, url, "DELETE").status_code == 204
    assert client.head(url, **TUS).status_code == 404


def test_the_method_of_the_request_itself_does_not_matter(api, member, url):
    """The protocol: "the actual method of the request MUST be ignored"."""
    client = api(member)
    assert client.delete(url, HTTP_X_HTTP_METHOD_OVERRIDE="HEAD", **TUS).status_code == 200
    assert client.head(url, **TUS).status_code == 200, "it was deleted"


@pytest.mark.parametrize("method", ["PUT", "nonsense", "", "GET, PATCH"])
def test_a_method_that_is_not_served_is_refused(api, member, url, method):
    assert posted(api(member), url, method).status_code == 405
    assert api(member).head(url, **TUS).status_code == 200


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize("named", ["PATCH", "DELETE"])
def test_a_page_of_another_site_cannot_use_it_to_change_something(member, url, method, named):
    """A session's cookie alone is not enough: the CSRF token is required according to the method that is carried out."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(member)
    headers = {"HTTP_X_HTTP_METHOD_OVERRIDE": named, "HTTP_UPLOAD_OFFSET": "0", **TUS}
    assert browser.generic(method, url, b"", content_type="application/offset+octet-stream", **headers).status_code == 403


def test_the_override_header_works_for_tus_only(api, owner, team):
    client = api(owner)
    assert client.get(f"/api/v1/teams/{team.pk}/", HTTP_X_HTTP_METHOD_OVERRIDE="DELETE").status_code == 200
    assert client.get(f"/api/v1/teams/{team.pk}/").status_code == 200

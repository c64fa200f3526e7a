"""What is private is kept by nobody."""

import pytest


@pytest.mark.parametrize("address", ["/", "/account/", "/api/v1/me/", "/api/v1/runs/", "/api/v1/nothing/", "/accounts/login/"])
def test_pages_and_answers_are_not_kept(client, member, address):
    client.force_login(member)
    caching = client.get(address)["Cache-Control"]
    assert "private" in caching
    assert "no-store" in caching


def test_an_answer_may_say_otherwise(api, member, upload):
    answer = api(member).get(f"/api/v1/uploads/{upload.pk}/media/web.mp4")
    answer.getvalue()  # read to the end, the file is closed
    assert answer["Cache-Control"] == "private, max-age=0, must-revalidate"

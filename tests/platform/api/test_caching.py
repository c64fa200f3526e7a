"""Private pages and answers are not cached."""

import pytest


@pytest.mark.parametrize("address", ["/", "/account/", "/api/v1/me/", "/api/v1/runs/", "/api/v1/nothing/", "/accounts/login/"])
def test_pages_and_answers_are_private_and_not_cached(client, member, address):
    client.force_login(member)
    caching = client.get(address)["Cache-Control"]
    assert "private" in caching
    assert "no-store" in caching


def test_a_view_can_set_its_own_cache_control(api, member, upload):
    answer = api(member).get(f"/api/v1/uploads/{upload.pk}/media/web.mp4")
    answer.getvalue()  # read to the end, the file is closed
    assert answer["Cache-Control"] == "private, max-age=0, must-revalidate"

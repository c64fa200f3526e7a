import io

import pytest
from django.core.management import CommandError, call_command


def test_it_prints_a_token_and_nothing_else(api, member):
    out = io.StringIO()
    call_command("token", member.email.upper(), stdout=out)
    client = api(None)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {out.getvalue().strip()}")
    assert out.getvalue().count("\n") == 1
    assert client.get("/api/v1/me/").json()["email"] == member.email


def test_an_unknown_email_address_is_refused(db):
    with pytest.raises(CommandError, match=r"no active user nobody@example\.org"):
        call_command("token", "nobody@example.org")


def test_inactive_people_get_none(member):
    member.is_active = False
    member.save()
    with pytest.raises(CommandError):
        call_command("token", member.email)

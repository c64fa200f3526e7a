import re

import pytest
from django.core import mail

from palmares.teams.access import create_sign_in_link, create_token
from palmares.teams.models import Token

OLD, NEW = "the old long password", "the new long password"


@pytest.fixture
def signed_in(client, member):
    member.set_password(OLD)
    member.save()
    client.force_login(member)
    return client


def test_changing_the_password_deletes_tokens_and_sign_in_links(signed_in, member, owner, api):
    _, token = create_token(user=member, name="script")
    link = create_sign_in_link(user=member)
    create_token(user=owner, name="another person's")
    answer = signed_in.post("/accounts/password/change/", {"oldpassword": OLD, "password1": NEW, "password2": NEW}, follow=True)
    assert "Your API tokens were deleted" in answer.content.decode()
    assert api().get("/api/v1/me/", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert [t.user for t in Token.objects.all()] == [owner]
    signed_in.logout()
    signed_in.post(f"/welcome/{link}/")
    assert "_auth_user_id" not in signed_in.session


def test_a_reset_deletes_tokens_too(client, signed_in, member):
    create_token(user=member, name="script")
    signed_in.logout()
    client.post("/accounts/password/reset/", {"email": member.email})
    path = re.search(r"/accounts/password/reset/key/\S+", mail.outbox[-1].body).group()
    form = client.get(path, follow=True)
    client.post(form.request["PATH_INFO"], {"password1": NEW, "password2": NEW})
    member.refresh_from_db()
    assert member.check_password(NEW)
    assert not Token.objects.exists()

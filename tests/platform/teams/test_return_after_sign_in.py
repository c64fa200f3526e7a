"""Where sign-in leads back to: the page that was left, never an address that only takes forms."""

import re

import pytest
from django.urls import get_resolver, reverse

from palmares.teams import services
from palmares.teams.models import Membership, Role


def test_an_invitation_survives_creating_an_account(client, team, owner):
    _, token = services.invite(team=team, email="new@example.org", role=Role.MEMBER, by=owner)
    invitation = reverse("invitation", args=[token])
    page = client.get(invitation, follow=True).content.decode()
    signup = re.search(r'href="(/accounts/signup/[^"]*)"', page).group(1).replace("&amp;", "&")
    form = client.get(signup).content.decode()
    hidden = re.search(r'name="next" value="([^"]*)"', form).group(1)
    password = "a rather long one"
    answer = client.post(
        signup, {"email": "new@example.org", "password1": password, "password2": password, "next": hidden}, follow=True
    )
    assert answer.request["PATH_INFO"] == invitation
    client.post(invitation)
    assert Membership.objects.filter(team=team, user__email="new@example.org").exists()


FORMS = ["team-choice", "team-new", "run-start", "upload-change", "upload-delete", "benchmark-change", "submission-change"]


@pytest.mark.parametrize("name", FORMS)
def test_a_form_sent_after_the_session_ended_leads_back_to_its_page(client, db, upload, name):
    pattern = next(p for p in get_resolver("palmares.page_urls").url_patterns if p.name == name)
    kwargs = {key: "x" if key == "slug" else upload.pk for key in pattern.pattern.converters}
    page = f"/uploads/{upload.pk}/"
    answer = client.post(reverse(name, kwargs=kwargs), headers={"Referer": f"http://testserver{page}?a=1"})
    assert answer.url == f"/accounts/login/?next={page}%3Fa%3D1"
    assert client.post(reverse(name, kwargs=kwargs)).url == "/accounts/login/?next=/"
    assert client.post(reverse(name, kwargs=kwargs), headers={"Referer": "https://evil.example/"}).url.endswith("next=/")


@pytest.mark.parametrize("name", FORMS)
def test_the_address_of_a_form_opened_in_a_browser_shows_a_page(client, member, upload, name):
    client.force_login(member)
    pattern = next(p for p in get_resolver("palmares.page_urls").url_patterns if p.name == name)
    kwargs = {key: "x" if key == "slug" else upload.pk for key in pattern.pattern.converters}
    answer = client.get(reverse(name, kwargs=kwargs))
    assert (answer.status_code, "Nothing to show" in answer.content.decode()) == (405, True)
    assert answer.headers["Allow"]

"""Sign-in leads back to the page that was left, never to an address that only accepts forms."""

import re

from django.urls import get_resolver, reverse
from django.urls.converters import UUIDConverter

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


def addresses(pk) -> dict[str, str]:
    """The address of every page and form by its name; the rows that they name need not exist."""
    found = {}
    for pattern in get_resolver("palmares.page_urls").url_patterns:
        kinds = pattern.pattern.converters
        kwargs = {key: pk if isinstance(kind, UUIDConverter) else "x" for key, kind in kinds.items()}
        found[pattern.name] = reverse(pattern.name, kwargs=kwargs)
    return found


def test_any_form_sent_after_the_session_ended_leads_back_to_its_page(client, db, upload):
    page, sent_back = f"/uploads/{upload.pk}/", 0
    for name, address in addresses(upload.pk).items():
        answer = client.post(address, headers={"Referer": f"http://testserver{page}?a=1"})
        if answer.status_code == 302:
            sent_back += 1
            assert answer.url == f"/accounts/login/?next={page}%3Fa%3D1", name
            assert client.post(address).url == "/accounts/login/?next=/", name
            assert client.post(address, headers={"Referer": "https://evil.example/"}).url.endswith("next=/"), name
    assert sent_back > 30


def test_the_address_of_any_form_opened_in_a_browser_shows_a_page(client, member, upload):
    client.force_login(member)
    forms = 0
    for name, address in addresses(upload.pk).items():
        answer = client.get(address)
        if answer.status_code == 405:
            forms += 1
            assert "Nothing to show" in answer.content.decode(), name
            assert answer.headers["Allow"], name
    assert forms > 20

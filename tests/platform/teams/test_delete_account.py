import pytest

from palmares.teams.models import Membership, Role, Team, Token, User
from tests.factories import TeamFactory

URL = "/account/delete/"


@pytest.fixture
def page(client, member):
    client.force_login(member)
    return client


def test_it_deletes_the_account_and_teams_nobody_else_is_in(page, member, team):
    own = TeamFactory(name="Mine")
    Membership.objects.create(team=own, user=member, role=Role.OWNER)
    Token.objects.create(member, name="script")
    assert "Mine" in page.get(URL).content.decode()
    assert page.post(URL, {"email": member.email.upper()}).url == "/accounts/login/"
    assert not User.objects.filter(pk=member.pk).exists()
    assert not Team.objects.filter(pk=own.pk).exists()
    assert Team.objects.filter(pk=team.pk).exists()
    assert not Token.objects.exists()


def test_it_asks_for_the_accounts_own_email_address(page, member):
    page.post(URL, {"email": "other@example.org"})
    assert User.objects.filter(pk=member.pk).exists()


def test_the_only_owner_of_a_team_cannot_delete_their_account(client, owner, team, member):
    client.force_login(owner)
    assert "only owner of" in client.get(URL).content.decode()
    assert client.post(URL, {"email": owner.email}).url == URL
    assert User.objects.filter(pk=owner.pk).exists()


def test_it_asks_to_sign_in(client, db):
    assert client.get(URL).url.startswith("/accounts/login/")

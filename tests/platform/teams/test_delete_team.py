from palmares.teams.models import Team


def test_an_owner_deletes_a_team_on_its_page(client, owner, team):
    client.force_login(owner)
    assert client.post(f"/teams/{team.pk}/delete/").url == "/account/"
    assert not Team.objects.filter(pk=team.pk).exists()


def test_members_may_not(client, member, team):
    client.force_login(member)
    client.post(f"/teams/{team.pk}/delete/")
    assert Team.objects.filter(pk=team.pk).exists()


def test_other_people_cannot_delete_a_team(client, outsider, team):
    client.force_login(outsider)
    assert client.post(f"/teams/{team.pk}/delete/").status_code == 404
    assert Team.objects.filter(pk=team.pk).exists()


def test_the_only_owner_is_offered_deletion_and_not_leaving(client, owner, team, member):
    client.force_login(owner)
    page = client.get(f"/teams/{team.pk}/").content.decode()
    assert ("Delete team" in page, ">Leave<" in page) == (True, False)
    client.force_login(member)
    page = client.get(f"/teams/{team.pk}/").content.decode()
    assert ("Delete team" in page, ">Leave<" in page) == (False, True)

import pytest
from django.core.files.storage import default_storage
from django.db import transaction

from palmares.subjects.models import Subject
from tests.factories import MembershipFactory, SubjectFactory, TeamFactory

URL = "/api/v1/subjects/"


@pytest.fixture
def url(subject):
    return f"{URL}{subject.pk}/"


class TestCreate:
    def test_it_works(self, api, member, team):
        response = api(member).post(URL, {"team": team.pk, "name": "S1", "notes": "left-handed"})
        assert response.status_code == 201
        assert Subject.objects.get(pk=response.json()["id"]).created_by == member

    def test_names_differ_within_a_team(self, api, member, subject):
        response = api(member).post(URL, {"team": subject.team_id, "name": subject.name})
        assert response.status_code == 409
        assert "differ" in response.json()["detail"]

    def test_outsiders_and_viewers_are_refused(self, refusals, team):
        data = {"team": team.pk, "name": "S1"}
        # to an outsider the team is no team: what they sent is not valid, as if they had made the id up
        assert refusals("post", URL, data) == {"anonymous": 401, "outsider": 400, "viewer": 403}
        assert not Subject.objects.exists()

    def test_it_says_nothing_about_teams_that_are_not_yours(self, api, team, outsider):
        known = api(outsider).post(URL, {"team": team.pk, "name": "x"}).json()["detail"]
        unknown = api(outsider).post(URL, {"team": "7f0e4c0a-0000-4000-8000-000000000000", "name": "x"}).json()["detail"]
        assert known.replace(str(team.pk), "") == unknown.replace("7f0e4c0a-0000-4000-8000-000000000000", "")


class TestList:
    def test_own_teams_only_and_by_team(self, api, member, subject):
        SubjectFactory()
        second = MembershipFactory(user=member, team=TeamFactory()).team
        SubjectFactory(team=second)
        assert len(api(member).get(URL).json()["results"]) == 2
        found = api(member).get(URL, {"team": str(second.pk)}).json()["results"]
        assert [s["team"] for s in found] == [str(second.pk)]

    def test_the_list_is_paginated(self, api, member, team):
        SubjectFactory.create_batch(5, team=team)
        first = api(member).get(URL, {"page_size": 3}).json()
        rest = api(member).get(first["next"]).json()
        assert len(first["results"]) == 3
        assert len(rest["results"]) == 2
        assert rest["next"] is None

    def test_queries_do_not_grow(self, api, member, team, django_assert_num_queries):
        client = api(member)
        for count in (2, 20):
            SubjectFactory.create_batch(count, team=team)
            with django_assert_num_queries(2 + 1):  # token, its owner's other tokens, subjects
                client.get(URL)


class TestChange:
    def test_it_works(self, api, member, url):
        assert api(member).patch(url, {"name": "Renamed"}).json()["name"] == "Renamed"

    def test_the_team_cannot_be_changed(self, api, member, url, team):
        other = MembershipFactory(user=member, team=TeamFactory()).team
        assert api(member).patch(url, {"team": other.pk}).json()["team"] == str(team.pk)

    def test_a_name_that_is_taken_is_refused(self, api, member, url, team):
        SubjectFactory(team=team, name="Taken")
        assert api(member).patch(url, {"name": "Taken"}).status_code == 409

    def test_outsiders_and_viewers_are_refused(self, refusals, url):
        assert refusals("patch", url, {"name": "x"}) == {"anonymous": 401, "outsider": 404, "viewer": 403}


class TestDelete:
    def test_deleting_a_subject_deletes_all_its_files(self, api, member, url, finished_run, django_capture_on_commit_callbacks):
        with django_capture_on_commit_callbacks(execute=True):
            assert api(member).delete(url).status_code == 204
        assert default_storage.listdir("uploads")[0] == []
        assert default_storage.listdir("runs")[0] == []

    def test_files_stay_when_it_fails(self, finished_run, subject):
        with transaction.atomic():
            subject.delete()
            transaction.set_rollback(True)
        assert default_storage.exists(f"{finished_run.prediction.folder}/prediction.npz")

    def test_outsiders_and_viewers_are_refused(self, refusals, url):
        assert refusals("delete", url) == {"anonymous": 401, "outsider": 404, "viewer": 403}

    def test_wrong_method(self, api, member, url):
        assert api(member).put(url, {}).status_code == 405

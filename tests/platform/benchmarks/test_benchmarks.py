"""Benchmarks over the API: who sees them, who changes them, and that truths stay where they are."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from palmares.benchmarks.models import Benchmark, Revision, Truth
from palmares.benchmarks.revisions import shown_revision, truth_is_ready
from palmares.queue.models import Status
from palmares.submissions.models import Scoring
from palmares.teams.models import Team
from tests.predictions import hands, npz

URL = "/api/v1/benchmarks/"
NEW = {"slug": "new-one", "name": "New one", "protocol": "freihand", "licence": "CC BY 4.0", "citation": "Us, 2026"}


def test_owners_make_benchmarks_and_others_do_not(api, owner, member, team):
    assert api(member).post(URL, {**NEW, "team": team.pk}).status_code == 403
    answer = api(owner).post(URL, {**NEW, "team": team.pk})
    assert answer.status_code == 201, answer.json()
    assert answer.json()["boards"] == [{"slug": "all", "name": "All", "tag": ""}]
    again = api(owner).post(URL, {**NEW, "team": team.pk})
    assert again.status_code == 400
    assert "slug" in again.json()["errors"]


def test_a_slug_taken_by_another_team_gets_a_suffix_instead_of_an_error(api, contest, outsider):
    theirs = Team.objects.get(memberships__user=outsider)
    answer = api(outsider).post(URL, {**NEW, "slug": contest.slug, "team": theirs.pk})
    assert answer.status_code == 201, answer.json()
    assert re.fullmatch(rf"{contest.slug}-[0-9a-f]{{6}}", answer.json()["slug"])
    assert api(outsider).get(f"{URL}{contest.slug}/").status_code == 404


def test_the_page_shows_an_address_with_a_suffix(client, contest, outsider):
    theirs = Team.objects.get(memberships__user=outsider)
    client.force_login(outsider)
    form = {"name": "Contest of ours", "protocol": "freihand", "team": str(theirs.pk)}
    page = client.post("/benchmarks/", form, follow=True)
    slug = Benchmark.objects.get(team=theirs).slug
    assert slug != contest.slug
    assert f"The address “{contest.slug}” is not available; this benchmark got “{slug}”." in page.content.decode()
    page = client.post("/benchmarks/", {**form, "name": "One of its own"}, follow=True)
    assert "is not available" not in page.content.decode()


def test_a_revision_that_waits_is_cancelled_by_owners(api, client, contest, scored, owner, member, outsider):
    scored()
    made = api(owner).post(f"{URL}contest-of-ours/revisions/").json()
    cancel = f"/api/v1/revisions/{made['id']}/cancel/"
    assert (api(outsider).post(cancel).status_code, api(member).post(cancel).status_code) == (404, 403)
    Scoring.objects.filter(revision__number=2).update(status=Status.FAILED, error="20 joints, expected 21.")
    client.force_login(owner)
    page = client.get("/benchmarks/contest-of-ours/?tab=manage").content.decode()
    assert "0 of 1 scored, 1 failed" in page
    assert "20 joints, expected 21." in page
    assert api(owner).post(f"/api/v1/revisions/{made['id']}/publish/").status_code == 409, "the board would be empty"
    assert api(owner).post(cancel).json()["status"] == "cancelled"
    assert api(owner).post(cancel).status_code == 409
    shown = contest.revisions.get(number=1)
    assert api(owner).post(f"/api/v1/revisions/{shown.pk}/cancel/").status_code == 409
    assert "Revision 2" not in client.get("/benchmarks/contest-of-ours/?tab=manage").content.decode()


@pytest.mark.parametrize(
    ("facts", "field"),
    [({"protocol": "imagenet"}, "protocol"), ({"primary_metric": "beauty"}, "primary_metric"), ({"slug": "a b"}, "slug"),
     ({"daily_limit": 0}, "daily_limit"), ({"penalty_mm": -1}, "penalty_mm"), ({"visibility": "moon"}, "visibility")],
)  # fmt: skip
def test_what_is_wrong_is_named(api, owner, team, facts, field):
    answer = api(owner).post(URL, {**NEW, "team": team.pk, **facts})
    assert answer.status_code == 400
    assert field in answer.json()["errors"]
    assert not Benchmark.objects.exists()


def test_a_team_benchmark_is_not_found_by_others_and_a_public_one_is(api, contest, outsider, viewer):
    assert api(viewer).get(f"{URL}contest-of-ours/").status_code == 200
    assert api(outsider).get(f"{URL}contest-of-ours/").status_code == 404
    assert api(outsider).get(URL).json()["results"] == []
    Benchmark.objects.update(visibility="public")
    assert api(outsider).get(f"{URL}contest-of-ours/").json()["name"] == "Ours"
    for private in ("truths/", "revisions/"):
        answer = api(outsider).get(f"{URL}contest-of-ours/{private}")
        assert answer.status_code == (404 if private == "truths/" else 200)
    for body in ({"name": "Mine"}, {"visibility": "team"}):
        assert api(outsider).patch(f"{URL}contest-of-ours/", body).status_code == 404
    assert api(outsider).delete(f"{URL}contest-of-ours/").status_code == 404


def test_owners_change_the_rules_but_not_protocol_or_slug(api, contest, owner, member):
    assert api(member).patch(f"{URL}contest-of-ours/", {"daily_limit": 7}).status_code == 403
    answer = api(owner).patch(f"{URL}contest-of-ours/", {"daily_limit": 7, "protocol": "freihand", "slug": "x"})
    assert answer.status_code == 200
    assert (answer.json()["daily_limit"], answer.json()["protocol"], answer.json()["slug"]) == (
        7,
        "palmares",
        "contest-of-ours",
    )


def test_no_endpoint_returns_the_truth_or_its_path(api, contest, scored, owner, media_root):
    """Not even for its owner: whatever the API says of a benchmark, no stored byte or path of the truth is in it."""
    made = scored()
    truth = contest.truths.get()
    addresses = [f"{URL}contest-of-ours/{part}" for part in ("", "boards/", "truths/", "revisions/", "leaderboard/")]
    addresses += [f"/api/v1/submissions/{made.pk}/", f"/api/v1/submissions/{made.pk}/content/"]
    for address in addresses:
        answer = api(owner).get(address)
        assert answer.status_code == 200, address
        body = answer.content.decode()
        assert truth.folder not in body
        assert str(truth.pk) not in body or address.endswith("truths/")
    for guess in (truth.folder, f"media/{truth.folder}/one.npz", f"static/../{truth.folder}/one.npz"):
        assert api(owner).get(f"/{guess}").status_code == 404


def test_a_truth_is_sent_by_owners_and_numbered(api, contest, scored, owner, member):
    scored()
    file = SimpleUploadedFile("truth.npz", npz(hands(3)))
    assert api(member).post(f"{URL}contest-of-ours/truths/", {"file": file}, format="multipart").status_code == 403
    file.seek(0)
    answer = api(owner).post(f"{URL}contest-of-ours/truths/", {"file": file}, format="multipart")
    assert answer.status_code == 201, answer.json()
    assert (answer.json()["version"], answer.json()["status"]) == (2, "queued")
    assert Truth.objects.get(version=2).source.endswith("/source.npz")
    assert Revision.objects.get(number=2).published_at is None


@pytest.mark.parametrize(("name", "content"), [("truth.exe", b"MZ"), ("truth", b"x"), ("truth.npz", b"")])
def test_a_truth_of_another_kind_is_refused_and_not_kept(api, contest, owner, media_root, name, content):
    before = sorted(media_root.rglob("*"))
    answer = api(owner).post(f"{URL}contest-of-ours/truths/", {"file": SimpleUploadedFile(name, content)}, format="multipart")
    assert answer.status_code == 400
    assert sorted(media_root.rglob("*")) == before


def test_without_scores_a_new_truth_is_shown_as_soon_as_it_is_imported(api, contest, owner):
    file = SimpleUploadedFile("truth.npz", npz(hands(3)))
    api(owner).post(f"{URL}contest-of-ours/truths/", {"file": file}, format="multipart")
    second = Revision.objects.get(number=2)
    assert (second.published_at, shown_revision(contest).number) == (None, 1)
    truth_is_ready(truth=second.truth)  # by the worker that imports it, in the transaction that ends the import
    assert shown_revision(contest).number == 1
    Truth.objects.filter(pk=second.truth_id).update(status=Status.SUCCEEDED)
    assert shown_revision(contest) == second
    Truth.objects.filter(pk=second.truth_id).update(status=Status.FAILED)
    assert shown_revision(contest).number == 1, "a truth that cannot be read takes nothing away"
    assert shown_revision(contest, 2) is None


def test_scoring_again_is_asked_for_once_and_published_by_owners(api, contest, scored, owner, member):
    scored()
    url = f"{URL}contest-of-ours/revisions/"
    assert api(member).post(url).status_code == 403
    made = api(owner).post(url).json()
    assert (made["number"], made["status"], made["published_at"]) == (2, "queued", None)
    assert api(owner).post(url).status_code == 409
    publish = f"/api/v1/revisions/{made['id']}/publish/"
    assert api(owner).post(publish).status_code == 409
    Scoring.objects.filter(revision__number=2).update(status=Status.SUCCEEDED)
    assert api(member).post(publish).status_code == 403
    assert api(owner).post(publish).json()["published_at"] is not None


def test_boards_are_added_by_owners(api, contest, owner, viewer):
    board = {"slug": "hard", "name": "Hard", "tag": "hard"}
    refused = api(owner).post(f"{URL}contest-of-ours/boards/", board)
    assert (refused.status_code, refused.json()["detail"]) == (
        400,
        "The ground truth has no subset “hard”; it has none: its archive has no `subsets.json`.",
    )
    contest.truths.update(subsets={"hard": [[0, 4]]})
    assert api(viewer).post(f"{URL}contest-of-ours/boards/", board).status_code == 403
    assert api(owner).post(f"{URL}contest-of-ours/boards/", board).status_code == 201
    assert api(owner).post(f"{URL}contest-of-ours/boards/", board).status_code == 400
    assert [b["slug"] for b in api(viewer).get(f"{URL}contest-of-ours/boards/").json()] == ["all", "hard"]


def test_deleting_a_benchmark_deletes_its_files(api, contest, owner, media_root, django_capture_on_commit_callbacks):
    folder = media_root / f"benchmarks/{contest.pk}"
    assert folder.exists()
    with django_capture_on_commit_callbacks(execute=True):
        assert api(owner).delete(f"{URL}contest-of-ours/").status_code == 204
    assert not folder.exists()


def test_owners_edit_description_and_rules_on_a_page(client, contest, owner, member, outsider):
    page = f"/benchmarks/{contest.slug}/settings/"
    for user, code in ((outsider, 404), (member, 403)):
        client.force_login(user)
        assert (client.get(page).status_code, client.post(page, {}).status_code) == (code, code)
    client.force_login(owner)
    assert "subsets.json" in client.get(page).content.decode()
    said = {
        "name": "Theirs", "summary": "s", "description": "d", "rules": "r", "licence": "CC0", "citation": "c",
        "daily_limit": "4",
        "yearly_limit": "40", "yearly_person_limit": "9",
        "deadline": "2027-01-02T03:04", "missing": "penalised", "penalty_mm": "40", "shows_frames": "on",
        "primary_metric": "ra_mpjpe",
    }  # fmt: skip
    for field, wrong in (
        ("primary_metric", "beauty"),
        ("daily_limit", "0"),
        ("penalty_mm", "-1"),
        ("deadline", "soon"),
        ("name", ""),
    ):
        answer = client.post(page, said | {field: wrong})
        assert answer.status_code == 200
        assert "errorlist" in answer.content.decode(), field
    contest.refresh_from_db()
    assert contest.name == "Ours"
    assert client.post(page, said).status_code == 302
    contest.refresh_from_db()
    assert (contest.name, contest.daily_limit, contest.missing, contest.shows_frames) == ("Theirs", 4, "penalised", True)
    assert contest.deadline == datetime(2027, 1, 2, 3, 4, tzinfo=UTC)
    assert 'value="2027-01-02T03:04"' in client.get(page).content.decode()


def test_another_rule_for_missing_hands_scores_everything_again(api, contest, scored, owner):
    scored()
    url = f"{URL}{contest.slug}/"
    assert api(owner).patch(url, {"summary": "s", "penalty_mm": contest.penalty_mm}).status_code == 200
    assert contest.revisions.count() == 1
    assert api(owner).patch(url, {"missing": "penalised"}).status_code == 200
    assert contest.revisions.get(number=1).missing == "unranked"
    assert contest.revisions.get(number=2, published_at=None).missing == "penalised"
    assert api(owner).patch(url, {"penalty_mm": 30}).status_code == 409
    contest.refresh_from_db()
    assert (contest.missing, contest.penalty_mm) == ("penalised", 50.0)


def test_owners_add_boards_on_the_page(client, contest, owner, member):
    contest.truths.update(subsets={"hard": [[0, 4]]})
    change = f"/benchmarks/{contest.slug}/change/"
    sent = {"action": "board", "name": "Hard ones", "tag": "hard"}
    client.force_login(member)
    client.post(change, sent)
    assert contest.boards.count() == 1
    client.force_login(owner)
    assert "hard, 5 hands" in client.get(f"/benchmarks/{contest.slug}/settings/").content.decode()
    client.post(change, sent)
    assert list(contest.boards.values_list("slug", "tag")) == [("all", ""), ("hard-ones", "hard")]

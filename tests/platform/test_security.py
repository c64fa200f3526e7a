"""Attacks on the web application, each as an attacker would try it; all must fail."""

from __future__ import annotations

import base64
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from palmares.benchmarks import services
from palmares.benchmarks.models import Benchmark, Truth
from palmares.calibrations.models import Calibration
from palmares.queue.models import Status
from palmares.runs.models import Run
from palmares.submissions import services as submissions
from palmares.submissions.models import Scoring, Submission
from palmares.submissions.viewsets import sha256_of
from palmares.teams.models import Membership, Role, Team, User
from palmares.teams.services import invite
from palmares.uploads.models import Upload
from tests.factories import HandShapeFactory, MembershipFactory, SubjectFactory, UploadFactory
from tests.platform.api.test_every_route_is_guarded import GUARDED, address, world  # noqa: F401 - a fixture
from tests.predictions import hands, zipped
from tests.score_waiting import score_waiting
from tests.scored_benchmarks import SEQUENCES
from workers.attempt import attempt
from workers.import_truth import TruthImport

API = "/api/v1"
BOARD = f"{API}/benchmarks/contest-of-ours/leaderboard/"
SEND = f"{API}/benchmarks/contest-of-ours/submissions/"
NOBODYS = "00000000-0000-4000-8000-000000000000"
PASSWORD = "correct horse battery"
XSS = "</script><img src=x onerror=alert(1)>\"'{{7*7}}"


def send(client: Any, **facts: Any) -> Any:
    body = {"file": SimpleUploadedFile("pred.zip", zipped(**SEQUENCES)), "method": "m", **facts}
    return client.post(SEND, body, format="multipart")


def test_ids_of_another_team_in_a_body_are_answered_like_unknown_ids(api, outsider, team, upload, subject, contest):
    """Not even the text of the answer reveals whether an id exists."""
    own, shape = SubjectFactory(team=Team.objects.get(memberships__user=outsider)), HandShapeFactory(subject=subject)
    ready = UploadFactory(subject=own)
    Benchmark.objects.update(visibility="public")
    attacks = [
        (f"{API}/runs/", lambda pk: {"upload": pk, "method": "2d-fit"}, upload.pk),
        (f"{API}/runs/", lambda pk: {"upload": str(ready.pk), "method": "2d-fit", "hand_shape": pk}, shape.pk),
        (f"{API}/subjects/{own.pk}/calibrations/", lambda pk: {"uploads": [str(ready.pk), pk]}, upload.pk),
        (f"{API}/subjects/", lambda pk: {"name": "x", "team": pk}, team.pk),
        (f"{API}/benchmarks/", lambda pk: {"slug": "s", "name": "x", "protocol": "freihand", "team": pk}, team.pk),
    ]
    for url, body, theirs in attacks:
        known, unknown = (api(outsider).post(url, body(str(pk))) for pk in (theirs, NOBODYS))
        assert (known.status_code, unknown.status_code) == (400, 400), url
        assert known.content.decode().replace(str(theirs), NOBODYS) == unknown.content.decode()
    assert send(api(outsider), team=str(team.pk)).status_code == 400
    tus = {"HTTP_TUS_RESUMABLE": "1.0.0", "HTTP_UPLOAD_LENGTH": "9"}
    for key, pk in (("subject", subject.pk), ("team", team.pk)):
        metadata = f"{key} {base64.b64encode(str(pk).encode()).decode()}"
        assert api(outsider).post(f"{API}/uploads/tus/", HTTP_UPLOAD_METADATA=metadata, **tus).status_code == 400
    assert not [kind for kind in (Run, Calibration, Submission) if kind.objects.exists()]


def test_objects_of_another_team_are_not_found_under_own_parents(api, client, outsider, team, owner, viewer, subject):
    mine, theirs = Team.objects.get(memberships__user=outsider), Membership.objects.get(user=viewer)
    invitation, _ = invite(team=team, email="x@example.org", role=Role.MEMBER, by=owner)
    shape, own = HandShapeFactory(subject=subject), SubjectFactory(team=mine)
    caller, under = api(outsider), f"{API}/teams/{mine.pk}"
    assert caller.patch(f"{under}/members/{theirs.pk}/", {"role": "owner"}).status_code == 404
    assert caller.delete(f"{under}/members/{theirs.pk}/").status_code == 404
    assert caller.delete(f"{under}/invitations/{invitation.pk}/").status_code == 404
    assert caller.get(f"{API}/subjects/{own.pk}/hand-shapes/{shape.pk}/").status_code == 404
    client.force_login(outsider)
    assert client.post(f"/teams/{mine.pk}/members/{theirs.pk}/", {"remove": "1"}).status_code == 404
    assert client.post(f"/teams/{mine.pk}/invitations/{invitation.pk}/revoke/").status_code == 404


def test_filters_orders_and_cursors_show_only_what_the_list_shows(api, client, outsider, member, team, subject, upload):
    client.force_login(member)
    caller = api(outsider)
    for kind in ("subjects", "uploads", "runs", "submissions", "benchmarks"):
        known, unknown = (caller.get(f"{API}/{kind}/", {"team": str(pk)}) for pk in (team.pk, NOBODYS))
        assert (known.status_code, known.content) == (unknown.status_code, unknown.content), kind
    for query in ("ordering=-team__members__password", "team__members__email__startswith=a", "subject__team=1", "id__in=1"):
        assert caller.get(f"{API}/subjects/?{query}").json()["results"] == []
    for cursor in ("p=0001-01-01T00:00:00%2B23:59", "p=2020-01-01", "p=%00", "o=" + "9" * 5000, "r=1&p=' OR 1=1 --", "\xff"):
        text = base64.b64encode(cursor.encode("latin-1")).decode()
        assert api(member).get(f"{API}/subjects/", {"cursor": text}).status_code < 500
    assert client.get("/uploads/?sort=-subject__team__members__password&q=%25' OR 1=1").status_code == 200


def test_bodies_cannot_set_fields_that_are_not_theirs_to_set(api, owner, member, outsider, contest, scored, subject):
    own, theirs = scored("m"), Team.objects.get(memberships__user=outsider)
    api(member).patch(f"{API}/me/", {"is_staff": True, "is_superuser": True, "email": "root@example.org", "password": "x"})
    assert User.objects.filter(pk=member.pk, is_staff=False, is_superuser=False, email=member.email).exists()
    api(member).patch(f"{API}/subjects/{subject.pk}/", {"team": str(theirs.pk), "created_by": outsider.pk})
    assert type(subject).objects.get(pk=subject.pk).team_id == subject.team_id
    facts = {"is_baseline": True, "team": str(theirs.pk), "status": "queued", "quota_day": None, "source": "/etc/passwd"}
    assert api(member).patch(f"{API}/submissions/{own.pk}/", facts).status_code == 200
    now = Submission.objects.get()
    assert (now.is_baseline, now.team_id, now.status, now.source) == (False, own.team_id, "succeeded", own.source)
    api(owner).patch(f"{API}/benchmarks/{contest.slug}/", {"team": str(theirs.pk), "slug": "x", "protocol": "freihand"})
    assert Benchmark.objects.get(team=contest.team, slug=contest.slug).protocol == "palmares"
    shape = {"betas": [0.0] * 10, "source": "calibrated", "subject": str(SubjectFactory().pk)}
    assert api(member).post(f"{API}/subjects/{subject.pk}/hand-shapes/", shape).status_code == 400


def test_former_owners_cannot_return_by_their_own_invitation(api, team, owner):
    for change in ({"role": "viewer"}, None):
        rogue = MembershipFactory(team=team, role=Role.OWNER)
        _, back = invite(team=team, email=rogue.user.email, role=Role.OWNER, by=rogue.user)
        url = f"{API}/teams/{team.pk}/members/{rogue.pk}/"
        assert (api(owner).patch(url, change) if change else api(owner).delete(url)).status_code in (200, 204)
        assert api(rogue.user).post(f"{API}/invitations/accept/", {"token": back}).status_code == 410
        assert not Membership.objects.filter(user=rogue.user, role=Role.OWNER).exists()


@pytest.mark.django_db(transaction=True)
def test_no_answer_about_a_score_shows_a_single_frame(api, client, team, owner, member, outsider, media_root):
    """Every sequence of the truth is one image, as in data sets of images: sums by sequence would be errors by frame."""
    truth = {f"p{n:02d}": hands(1, seed=n) for n in range(12)} | {"video": hands(20, seed=99)}
    draw = np.random.default_rng(0)
    guess = {k: replace(s, joints=s.joints + draw.normal(0, 0.004, s.joints.shape).astype("f4")) for k, s in truth.items()}
    guess["p03"].joints[:] = truth["p03"].joints * np.array([-1, 1, 1], np.float32)
    made = services.create_benchmark(team=team, by=owner, slug="b", name="B", protocol="palmares", visibility="public")
    row = services.add_truth(benchmark=made, by=owner, file=ContentFile(zipped(**truth), name="t.zip"))
    attempt(Truth, str(row.pk), TruthImport)
    file = ContentFile(zipped(**guess), name="p.zip")
    sent = submissions.submit(benchmark=made, by=member, file=file, method="m", sha256=sha256_of(file), is_public=True)
    score_waiting()
    score = sent.scores.get()
    with default_storage.open(f"{score.folder}/frames.npz") as stream:
        arrays = dict(np.load(stream))
    single = {round(float(v), 4) for name, a in arrays.items() if a.dtype.kind == "f" for v in a if np.isfinite(v) and v > 1}
    assert len(single) > 40
    assert score.content["flags"]["reflected"] > 0
    for path in (f"submissions/{sent.pk}/", f"submissions/{sent.pk}/content/", "benchmarks/b/leaderboard/"):
        answer = api(outsider).get(f"{API}/{path}")
        told = {round(float(number), 4) for number in re.findall(r"\d+\.\d+", answer.content.decode())}
        assert (answer.status_code, single & told) == (200, set()), path
        for part in (b"reflected", b"by_joint_mm", b"by_sequence", b"histogram", b"pck", b'"detected":{'):
            assert part not in answer.content, path
    client.force_login(outsider)
    for page in (f"/submissions/{sent.pk}/", "/benchmarks/b/", "/benchmarks/b/?tab=plots", "/benchmarks/b/?tab=sequences"):
        text = client.get(page).content.decode()
        told = set(re.findall(r"\b\d+\.\d{2}\b", text.split("<table", 1)[-1]))
        assert not told & {f"{value:.2f}" for value in arrays["pa_mpjpe"][:12] if value > 1}, page
        assert "<svg viewBox" not in text
        assert 'data-tools="sequences"' not in text
    other = submissions.submit(benchmark=made, by=outsider, file=file, method="n", sha256=sha256_of(file))
    score_waiting()
    comparison = f"{API}/benchmarks/b/comparison/?a={sent.pk}&b={other.pk}"
    assert api(outsider).get(comparison).status_code == 403
    for user in (outsider, member):
        assert api(user).get(f"{API}/submissions/{sent.pk}/frames/").status_code == 403
    assert api(member).get(f"{API}/submissions/{sent.pk}/content/").json()["flags"]["reflected"] > 0, "owners see all"
    assert api(member).get(f"{API}/submissions/{sent.pk}/content/").json()["by_sequence"]


def test_revisions_and_retries_hide_errors_of_truths_and_methods_of_others(api, contest, scored, outsider):
    Benchmark.objects.update(visibility="public")
    scored("occult method")
    Scoring.objects.update(stage="occult method: Scoring frame 1 of 10", error="pred.npz: row 3 is [0.1, 0.2]")
    Truth.objects.update(error="truth.npz: row 3 is [0.1, 0.2]")
    told = api(outsider).get(f"{API}/benchmarks/{contest.slug}/revisions/").content.decode()
    assert not [words for words in ("occult", "truth.npz", "[0.1", " of 1") if words in told]
    mine = scored(by_team=Team.objects.get(memberships__user=outsider))
    mine.scorings.update(status=Status.FAILED)
    Truth.objects.update(status=Status.QUEUED)  # when the truth fails, rows that wait for it show the reason
    assert api(outsider).post(f"{API}/submissions/{mine.pk}/retry/").status_code == 409


def test_comparisons_boards_and_exports_show_only_what_their_reader_may_see(api, client, contest, scored, outsider):
    Benchmark.objects.update(visibility="public")
    secret = scored("secret method", figures={"pa_mpjpe": 1.2345, "median_joint_error": 7.0})
    caller, shown, compare = api(outsider), scored("shown", is_public=True), BOARD.replace("leaderboard", "comparison")
    known, unknown = (caller.get(compare, {"a": str(pk), "b": str(shown.pk)}) for pk in (secret.pk, NOBODYS))
    assert (known.status_code, known.content) == (404, unknown.content)
    for kind in ("json", "csv", "latex", "markdown"):
        told = caller.get(BOARD, {"as": kind}).content.decode()
        assert not [words for words in ("secret", "1.23", "median_joint") if words in told], kind
    client.force_login(outsider)
    page = "".join(
        client.get(f"/benchmarks/{contest.slug}/?tab={tab}&show={secret.pk}").content.decode()
        for tab in ("leaderboard", "plots", "sequences", "submit", "about", "manage")
    )
    page += client.get(f"/submissions/{shown.pk}/?against={secret.pk}").content.decode()
    assert "secret" not in page
    for part in ("", "file/", "content/", "frames/"):
        for headers in ({"If-None-Match": "*"}, {"Range": "bytes=0-3"}, {"If-Range": '"x"', "Range": "bytes=0-"}):
            assert caller.get(f"{API}/submissions/{secret.pk}/{part}", headers=headers).status_code == 404
    assert caller.head(f"{API}/submissions/{shown.pk}/file/").status_code == 404


@pytest.mark.django_db(transaction=True)
def test_submissions_sent_at_the_same_time_share_one_quota(api, contest, member):
    def post(caller: Any) -> int:
        try:
            return send(caller).status_code
        finally:
            connection.close()

    Benchmark.objects.update(daily_limit=1)
    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(post, [api(member) for _ in range(3)])) == [201, 429, 429]


def test_creating_teams_does_not_raise_the_quota(api, contest, outsider):
    Benchmark.objects.update(visibility="public", daily_limit=1)
    caller = api(outsider)
    first, second = (caller.post(f"{API}/teams/", {"name": "sock puppet"}).json()["id"] for _ in range(2))
    assert send(caller, team=first).status_code == 201
    assert send(caller, team=second).status_code == 429
    assert caller.delete(f"{API}/teams/{first}/").status_code == 409
    assert send(caller, team=second).status_code == 429
    assert caller.delete(f"{API}/teams/{second}/").status_code == 204


def test_names_and_notes_are_text_on_every_page(client, api, team, owner, subject, upload, finished_run, contest, scored):
    made = scored(XSS, description=XSS, is_public=True)
    Team.objects.update(name=XSS)
    type(subject).objects.update(name=XSS, notes=XSS)
    Upload.objects.update(name=XSS, error=XSS, stage=XSS)
    Run.objects.update(error=XSS, stage=XSS)
    Benchmark.objects.update(name=XSS, summary=XSS, description=XSS, rules=XSS, citation=XSS, licence=XSS)
    client.force_login(owner)
    client.post(f"/teams/{team.pk}/invite/", {"email": f'"{XSS[:9]}"@example.org', "role": "member"})
    for path in ("/", "/account/", "/subjects/", "/uploads/", "/benchmarks/", f"/teams/{team.pk}/", f"/subjects/{subject.pk}/",
                 f"/uploads/{upload.pk}/", f"/uploads/{upload.pk}/view/", f"/benchmarks/{contest.slug}/?q={XSS}&x={XSS}",
                 f"/submissions/{made.pk}/?against={XSS}", f"/accounts/login/?next={XSS}", f"/uploads/?q={XSS}"):  # fmt: skip
        answer = client.get(path, follow=True)
        assert answer.status_code == (404 if "next" in path else 200), path
        assert "<img src=x" not in answer.content.decode(), path
        assert "script-src 'self'" in answer["Content-Security-Policy"].split("; ")
    for link in ("javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//x.y", " jAvAscript://x%0aalert(1)"):
        assert api(owner).patch(f"{API}/submissions/{made.pk}/", {"links": [link]}).status_code == 400


def test_names_are_text_in_every_export(api, contest, scored, owner):
    evil = "=cmd|' /C calc'!A0\n| 1 | Winner | <b>[x](javascript:alert(1)) \\input{/etc/passwd} \\| `$\\write18{id}$"
    assert api(owner).patch(f"{API}/submissions/{scored().pk}/", {"method": evil[:80]}).status_code == 200
    Team.objects.update(name="@SUM(A1)" + evil[18:70])
    markdown, latex, table = (api(owner).get(BOARD, {"as": k}).content.decode() for k in ("markdown", "latex", "csv"))
    assert len({len(re.findall(r"(?<!\\)\|", line)) for line in markdown.splitlines()}) == 1
    assert not re.search(r"(?<!\\)[<\[`]", markdown)
    assert (re.search(r"\\(input|write)", latex), len(latex.splitlines())) == (None, 7)
    assert not [cell for line in table.splitlines() for cell in line.split(",") if cell.strip('"')[:1] in ("=", "+", "-", "@")]


def test_html_uploaded_as_a_video_is_never_served_as_html(api, client, member, subject, contest, scored, mp4):
    page = SimpleUploadedFile("x.html", mp4[:32] + b"<html><script>alert(1)</script></html>", content_type="text/html")
    pk = api(member).post(f"{API}/uploads/", {"file": page, "subject": str(subject.pk)}, format="multipart").json()["id"]
    made = scored()
    for model in (Upload, Submission):
        model.objects.update(name="x\"; filename=evil.html\r\nSet-Cookie: a=b <svg onload='alert(1)'>.html")
    client.force_login(member)
    for path in (f"uploads/{pk}/media/source", f"submissions/{made.pk}/file/"):
        answer = client.get(f"{API}/{path}")
        assert answer.getvalue()
        assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("application/octet-stream", "nosniff")
        assert re.fullmatch(r"attachment; filename=\"[^\"\r\n]*\"; filename\*=UTF-8''[\w.%~-]+", answer["Content-Disposition"])
        assert "sandbox" in answer["Content-Security-Policy"]
        assert "private" in answer["Cache-Control"]


def test_huge_numbers_and_deep_nesting_are_refused(api, member, subject, upload):
    calibrate, shape = f"subjects/{subject.pk}/calibrations/", f"subjects/{subject.pk}/hand-shapes/"
    distance = {"distance_mm": 9, "upload": str(upload.pk), "frame": "HUGE"}
    for path, body in (
        (calibrate, {"uploads": [str(upload.pk)], "scale": {"length_mm": "HUGE"}}),
        (calibrate, {"uploads": [str(upload.pk)], "scale": {"distance": distance}}),
        (shape, {"betas": [0] * 10, "length_mm": "HUGE"}),
        (shape, {"betas": ["HUGE"] * 10, "width_mm": "nan"}),
        ("teams/", {"name": {"a": ["HUGE"]}}),
        ("runs/", {"upload": {"a": "HUGE"}, "method": ["2d-fit"]}),
    ):
        for huge in ("1e999", "9" * 400, "9" * 5000, "[" * 300_000, '{"a":' * 100_000, "NaN", "-Infinity"):
            text = json.dumps(body).replace('"HUGE"', huge)
            answer = api(member).post(f"{API}/{path}", text, content_type="application/json")
            assert answer.status_code in (400, 413), (path, huge[:9])
            assert len(answer.content) < 2000


def test_random_addresses_and_forms_never_cause_a_server_error(api, client, contest, scored, owner):
    scored()
    client.force_login(owner)
    for value in ("\x00", "x" * 5000, "' OR 1=1 --", "../all"):
        for name in ("board", "metric", "columns", "revision", "page", "as"):
            assert api(owner).get(BOARD, {name: value}).status_code in (400, 404), name
            assert client.get(f"/benchmarks/{contest.slug}/", {name: value}).status_code in (200, 404), name
        client.post(f"/benchmarks/{contest.slug}/change/", {"action": "visibility", "visibility": value})
        assert Benchmark.objects.get().visibility == "team"

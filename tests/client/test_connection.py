"""Lost connections, busy servers and refusals, as a person at the near end meets them."""

from __future__ import annotations

import httpx
import pytest

from palmares_client import Client, NetworkError, NotSignedInError, PalmaresError, RefusedError, ScoringFailedError
from palmares_client.account import Account, checked_server, load_account, save_account
from tests.client.conftest import ID, TOKEN, FarEnd


@pytest.fixture
def prediction(tmp_path):
    path = tmp_path / "pred.npz"
    path.write_bytes(b"x" * 200_000)
    return path


def client(far_end: FarEnd, token: str = TOKEN, say=None):
    return Client(far_end.url, token, say=say)


def keys(far_end: FarEnd) -> list[str]:
    return [headers["Idempotency-Key"] for method, _, headers, _ in far_end.requests if method == "POST"]


def test_five_lines_of_python(far_end, prediction):
    with client(far_end) as c:
        submission = c.submit("synth", "m", prediction, check=False, description="d", links=["https://a", "https://b"])
        seen = []
        submission.wait(seen=lambda facts: seen.append(facts["status"]))
        assert submission.scores["figures"]["pa_mpjpe"] == 6.25
    assert seen == ["queued", "running", "succeeded"]
    form = far_end.requests[0][3]
    assert form == {
        "method": [b"m"],
        "description": [b"d"],
        "links": [b"https://a", b"https://b"],
        "is_public": [b"false"],
        "shape": [b"estimated"],
        "is_optimised": [b"false"],
        "file": [b"x" * 200_000],
    }


def test_a_lost_connection_is_taken_up_with_the_same_key(far_end, prediction):
    far_end.trouble = [None, (503, {}, {}), (429, {"Retry-After": "0"}, {}), ()]
    said, sent = [], []
    with client(far_end, say=said.append) as c:
        made = c.submit("synth", "m", prediction, check=False, sent=lambda done, total: sent.append((done, total)))
    assert made.id == ID
    assert len(keys(far_end)) == 4
    assert len(set(keys(far_end))) == 1
    assert len(said) == 3
    assert "answered 503" in said[1]
    assert all(form["file"] == [b"x" * 200_000] for _, _, _, form in far_end.requests), "each time the whole file is sent"
    assert sent[-1] == (200_000, 200_000)


def test_a_command_given_again_goes_on_and_a_third_one_is_new(far_end, prediction):
    far_end.trouble = [None] * 4
    with client(far_end) as c:
        with pytest.raises(NetworkError, match="cannot be reached"):
            c.submit("synth", "m", prediction, check=False)
        c.submit("synth", "m", prediction, check=False)
        assert len(set(keys(far_end))) == 1
        c.submit("synth", "m", prediction, check=False)
        assert len(set(keys(far_end))) == 2
        c.submit("synth", "another", prediction, check=False)
        assert len(set(keys(far_end))) == 3


def test_the_days_quota_is_not_waited_for(far_end, prediction):
    far_end.trouble = [(429, {}, {"detail": "All 5 submissions of today are used."})]
    with client(far_end) as c, pytest.raises(RefusedError, match="All 5 submissions") as raised:
        c.submit("synth", "m", prediction, check=False)
    assert raised.value.status == 429
    assert len(far_end.requests) == 1


def test_a_refusal_tells_its_findings(far_end, prediction):
    finding = {"level": "warning", "message": "the hands look mirrored", "place": "pred.npz"}
    body = {"detail": "frame 812: 20 joints, expected 21.", "errors": {"file": ["frame 812"]}, "findings": [finding]}
    far_end.trouble = [(422, {}, body)]
    with client(far_end) as c, pytest.raises(RefusedError, match="frame 812: 20 joints") as raised:
        c.submit("synth", "m", prediction, check=False)
    assert raised.value.findings == [finding]
    assert raised.value.errors == {"file": ["frame 812"]}


def test_lists_are_read_to_their_end_and_never_from_another_host(far_end):
    with client(far_end) as c:
        assert [b["slug"] for b in c.benchmarks()] == ["synth", "second"]


def test_a_wrong_token_and_none(far_end):
    with client(far_end, token="wrong") as c, pytest.raises(NotSignedInError, match="palmares login"):
        c.me()
    with client(far_end, token="") as c, pytest.raises(NotSignedInError, match="not signed in"):
        c.me()
    assert len(far_end.requests) == 1, "without a token nothing is asked"


def test_a_redirection_does_not_carry_the_token_away(far_end):
    far_end.trouble = [(301, {"Location": "https://evil.example.org/"}, {})]
    with client(far_end) as c, pytest.raises(NetworkError, match="has moved to https://evil"):
        c.me()


def test_a_page_that_is_no_api(far_end):
    far_end.trouble = [(500, {}, {"detail": "Something went wrong here."})]
    with client(far_end) as c, pytest.raises(NetworkError, match="Something went wrong"):
        c.me()


@pytest.mark.parametrize(("end", "says"), [("failed", "the worker ran out of memory"), ("cancelled", "was cancelled")])
def test_what_was_not_scored(far_end, end, says):
    far_end.way = [{**far_end.way[0], "status": end, "error": says if end == "failed" else ""}]
    with client(far_end) as c, pytest.raises(ScoringFailedError, match=says):
        c.submission(ID).wait()


def test_waiting_ends_when_told(far_end):
    far_end.way = far_end.way[:1]
    with client(far_end) as c, pytest.raises(TimeoutError, match="is queued"):
        c.submission(ID).wait(timeout_s=0.0)


def test_names_cannot_lead_elsewhere(far_end):
    with client(far_end) as c, pytest.raises(RefusedError, match="not the name"):
        c.benchmark("../me")
    assert not far_end.requests


def test_a_token_is_not_sent_in_the_clear(monkeypatch):
    with pytest.raises(PalmaresError, match=r"https://palmares\.example\.org"):
        checked_server("http://palmares.example.org/")
    assert checked_server("https://palmares.example.org/") == "https://palmares.example.org"
    assert checked_server("http://localhost:8000/") == "http://localhost:8000"
    monkeypatch.setenv("PALMARES_ALLOW_HTTP", "1")
    assert httpx.URL(checked_server("http://palmares.example.org")).host == "palmares.example.org"


def test_a_kept_token_goes_to_its_own_server_alone():
    path = save_account(Account("https://a.example.org", "secret"))
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_account().token == "secret"
    assert load_account("https://b.example.org").token == ""

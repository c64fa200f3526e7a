"""Lost connections, busy servers and refusals, as the user of the client meets them."""

from __future__ import annotations

import pytest

from palmares_client import Client, NetworkError, NotSignedInError, RejectedError, ScoringFailedError
from tests.client.conftest import ID, TOKEN, ScriptedServer


@pytest.fixture
def prediction(tmp_path):
    path = tmp_path / "pred.npz"
    path.write_bytes(b"x" * 200_000)
    return path


def client(scripted_server: ScriptedServer, token: str = TOKEN, on_message=None):
    return Client(scripted_server.url, token, on_message=on_message)


def keys(scripted_server: ScriptedServer) -> list[str]:
    return [headers["Idempotency-Key"] for method, _, headers, _ in scripted_server.requests if method == "POST"]


def test_a_prediction_is_submitted_and_scored_in_five_lines_of_python(scripted_server, prediction):
    with client(scripted_server) as c:
        submission = c.submit("synth", "m", prediction, check=False, description="d", links=["https://a", "https://b"])
        seen = []
        submission.wait(on_status=lambda facts: seen.append(facts["status"]))
        assert submission.scores["figures"]["pa_mpjpe"] == 6.25
    assert seen == ["queued", "running", "succeeded"]
    form = scripted_server.requests[0][3]
    assert form == {
        "method": [b"m"],
        "description": [b"d"],
        "links": [b"https://a", b"https://b"],
        "is_public": [b"false"],
        "shape": [b"estimated"],
        "is_optimised": [b"false"],
        "file": [b"x" * 200_000],
    }


def test_a_lost_connection_is_retried_with_the_same_key(scripted_server, prediction):
    scripted_server.trouble = [None, (503, {}, {}), (429, {"Retry-After": "0"}, {}), ()]
    messages, sent = [], []
    with client(scripted_server, on_message=messages.append) as c:
        made = c.submit("synth", "m", prediction, check=False, on_upload=lambda done, total: sent.append((done, total)))
    assert made.id == ID
    assert len(keys(scripted_server)) == 4
    assert len(set(keys(scripted_server))) == 1
    assert len(messages) == 3
    assert "answered 503" in messages[1]
    assert all(form["file"] == [b"x" * 200_000] for _, _, _, form in scripted_server.requests), (
        "each time the whole file is sent"
    )
    assert sent[-1] == (200_000, 200_000)


def test_repeating_a_failed_submission_uses_the_same_key_and_a_later_one_a_new_key(scripted_server, prediction):
    scripted_server.trouble = [None] * 4
    with client(scripted_server) as c:
        with pytest.raises(NetworkError, match="cannot be reached"):
            c.submit("synth", "m", prediction, check=False)
        c.submit("synth", "m", prediction, check=False)
        assert len(set(keys(scripted_server))) == 1
        c.submit("synth", "m", prediction, check=False)
        assert len(set(keys(scripted_server))) == 2
        c.submit("synth", "another", prediction, check=False)
        assert len(set(keys(scripted_server))) == 3


def test_the_daily_quota_is_not_waited_for(scripted_server, prediction):
    scripted_server.trouble = [(429, {}, {"detail": "All 5 submissions of today are used."})]
    with client(scripted_server) as c, pytest.raises(RejectedError, match="All 5 submissions") as raised:
        c.submit("synth", "m", prediction, check=False)
    assert raised.value.status == 429
    assert len(scripted_server.requests) == 1


def test_a_refusal_has_its_findings(scripted_server, prediction):
    finding = {"level": "warning", "message": "the hands look mirrored", "place": "pred.npz"}
    body = {"detail": "frame 812: 20 joints, expected 21.", "errors": {"file": ["frame 812"]}, "findings": [finding]}
    scripted_server.trouble = [(422, {}, body)]
    with client(scripted_server) as c, pytest.raises(RejectedError, match="frame 812: 20 joints") as raised:
        c.submit("synth", "m", prediction, check=False)
    assert raised.value.findings == [finding]
    assert raised.value.errors == {"file": ["frame 812"]}


def test_lists_are_read_to_their_end_and_never_from_another_host(scripted_server):
    with client(scripted_server) as c:
        assert [b["slug"] for b in c.benchmarks()] == ["synth", "second"]


def test_a_wrong_token_and_none(scripted_server):
    with client(scripted_server, token="wrong") as c, pytest.raises(NotSignedInError, match="palmares login"):
        c.me()
    with client(scripted_server, token="") as c, pytest.raises(NotSignedInError, match="not signed in"):
        c.me()
    assert len(scripted_server.requests) == 1, "without a token nothing is asked"


def test_a_redirection_does_not_carry_the_token_away(scripted_server):
    scripted_server.trouble = [(301, {"Location": "https://evil.example.org/"}, {})]
    with client(scripted_server) as c, pytest.raises(NetworkError, match="has moved to https://evil"):
        c.me()


def test_an_error_of_the_server_is_passed_on(scripted_server):
    scripted_server.trouble = [(500, {}, {"detail": "Something went wrong here."})]
    with client(scripted_server) as c, pytest.raises(NetworkError, match="Something went wrong"):
        c.me()


@pytest.mark.parametrize(("end", "says"), [("failed", "the worker ran out of memory"), ("cancelled", "was cancelled")])
def test_a_submission_that_was_not_scored(scripted_server, end, says):
    scripted_server.way = [{**scripted_server.way[0], "status": end, "error": says if end == "failed" else ""}]
    with client(scripted_server) as c, pytest.raises(ScoringFailedError, match=says):
        c.submission(ID).wait()


def test_waiting_ends_after_the_timeout(scripted_server):
    scripted_server.way = scripted_server.way[:1]
    with client(scripted_server) as c, pytest.raises(TimeoutError, match="is still queued"):
        c.submission(ID).wait(timeout_s=0.0)


def test_names_that_would_change_the_request_path_are_refused(scripted_server):
    with client(scripted_server) as c, pytest.raises(RejectedError, match="is not a slug or an id"):
        c.benchmark("../me")
    assert not scripted_server.requests

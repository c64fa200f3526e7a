"""Large files on unreliable networks: what has arrived is not sent again."""

from __future__ import annotations

import pytest

from palmares_client import Client, NetworkError, RejectedError, chunked_upload
from palmares_client.command import main
from tests.client.conftest import ID, TOKEN, ScriptedServer

CHUNK = 100_000
CONTENT = bytes(range(256)) * 1700
"""Four chunks of 100 000 bytes, and one of 35 200."""
TUS = "/api/v1/predictions/tus/"
QUOTA = (429, {}, {"detail": "All 5 submissions of today are used."})


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch):
    monkeypatch.setattr(chunked_upload, "CHUNK_BYTES", CHUNK)


@pytest.fixture
def prediction(tmp_path):
    path = tmp_path / "né, pred.npz"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def client(scripted_server):
    with Client(scripted_server.url, TOKEN) as made:
        yield made


def asked(scripted_server: ScriptedServer) -> list[str]:
    """The methods of all requests, a submission's as SUBMIT."""
    return ["SUBMIT" if path.endswith("/submissions/") else method for method, path, _, _ in scripted_server.requests]


@pytest.fixture
def arrived(scripted_server, monkeypatch):
    """The file as it was when a submission was made of it."""
    found, answer = [], scripted_server.answer

    def seen(method, path, headers, body, form):
        if sent := form.get("sent"):
            found.extend(bytes(content) for pk, (content, _) in scripted_server.files.items() if pk == sent[0].decode())
        return answer(method, path, headers, body, form)

    monkeypatch.setattr(scripted_server, "answer", seen)
    return found


def test_a_large_file_goes_in_chunks(client, scripted_server, prediction, arrived):
    seen = []
    made = client.submit("synth", "m", prediction, check=False, links=["https://a"], on_upload=lambda *s: seen.append(s))
    assert made.id == ID
    assert asked(scripted_server) == ["POST", *["PATCH"] * 5, "SUBMIT"]
    assert scripted_server.chunks == [CHUNK] * 4 + [35_200]
    assert arrived == [CONTENT]
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == ((0, 435_200), (435_200, 435_200))
    form = scripted_server.requests[-1][3]
    assert (form["method"], form["links"], "file" in form) == ([b"m"], [b"https://a"], False)


def test_a_small_one_goes_in_one_request(client, scripted_server, prediction):
    prediction.write_bytes(CONTENT[:CHUNK])
    client.submit("synth", "m", prediction, check=False)
    assert asked(scripted_server) == ["SUBMIT"]
    assert scripted_server.requests[0][3]["file"] == [CONTENT[:CHUNK]]


def test_a_connection_lost_within_a_chunk_costs_that_chunk_only(client, scripted_server, prediction, arrived):
    scripted_server.trouble = [(), (), (), 30_000, ()]
    client.submit("synth", "m", prediction, check=False)
    assert scripted_server.chunks == [CHUNK, CHUNK, 30_000, CHUNK, CHUNK, 35_200]
    assert arrived == [CONTENT]


def test_the_offset_is_requested_from_a_server_that_keeps_partial_chunks(client, scripted_server, prediction, arrived):
    scripted_server.counts_partial_chunks = True
    scripted_server.trouble = [(), (), 30_000]
    client.submit("synth", "m", prediction, check=False)
    assert asked(scripted_server) == ["POST", "PATCH", "PATCH", "PATCH", "HEAD", *["PATCH"] * 4, "SUBMIT"]
    assert scripted_server.chunks == [CHUNK, 30_000, CHUNK, CHUNK, CHUNK, CHUNK, 5_200]
    assert arrived == [CONTENT]


def test_a_chunk_whose_answer_is_lost_is_not_counted_twice(client, scripted_server, prediction, arrived):
    scripted_server.lost = {2}
    client.submit("synth", "m", prediction, check=False)
    assert asked(scripted_server) == ["POST", "PATCH", "PATCH", "PATCH", "HEAD", *["PATCH"] * 3, "SUBMIT"]
    assert arrived == [CONTENT]


def test_after_an_interruption_only_the_rest_is_sent(client, scripted_server, prediction, arrived):
    def interrupt(done, total):
        if done >= 250_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.submit("synth", "m", prediction, check=False, on_upload=interrupt)
    before, seen = len(scripted_server.requests), []
    scripted_server.chunks.clear()
    with Client(scripted_server.url, TOKEN) as another:
        another.submit("synth", "m", prediction, check=False, on_upload=lambda *s: seen.append(s))
    assert asked(scripted_server)[before:] == ["HEAD", "PATCH", "PATCH", "PATCH", "SUBMIT"]
    assert sum(scripted_server.chunks) == len(CONTENT) - 2 * CHUNK
    assert seen[0] == (200_000, 435_200)
    assert arrived == [CONTENT]


def test_repeating_the_command_continues_an_upload_after_the_server_was_unreachable(
    scripted_server, prediction, monkeypatch, capfd
):
    monkeypatch.setenv("PALMARES_SERVER", scripted_server.url)
    monkeypatch.setenv("PALMARES_TOKEN", TOKEN)
    command = ["submit", "-b", "synth", "-m", "m", str(prediction), "--no-check"]
    scripted_server.trouble = [(), (), *[None] * 4]
    assert main(command) == 4
    scripted_server.chunks.clear()
    assert main(command) == 0
    assert sum(scripted_server.chunks) == len(CONTENT) - CHUNK
    assert ID in capfd.readouterr().out


def test_another_file_or_another_command_starts_a_new_upload(client, scripted_server, prediction):
    scripted_server.trouble = [(), (), *[None] * 4]
    with pytest.raises(NetworkError):
        client.submit("synth", "m", prediction, check=False)
    scripted_server.chunks.clear()
    client.submit("synth", "another", prediction, check=False)
    assert sum(scripted_server.chunks) == len(CONTENT)
    prediction.write_bytes(CONTENT[::-1])
    client.submit("synth", "m", prediction, check=False)
    assert sum(scripted_server.chunks) == 2 * len(CONTENT)


@pytest.mark.parametrize("status", [404, 410])
def test_what_the_server_has_lost_is_sent_again(client, scripted_server, prediction, arrived, status):
    gone = (status, {}, {"detail": "What had come is gone."})
    scripted_server.trouble = [(), (), *[None] * 4]
    with pytest.raises(NetworkError):
        client.submit("synth", "m", prediction, check=False)
    scripted_server.files.clear()
    scripted_server.trouble = [gone] if status == 410 else []
    client.submit("synth", "m", prediction, check=False)
    assert asked(scripted_server)[-8:] == ["SUBMIT", "POST", *["PATCH"] * 5, "SUBMIT"]
    assert arrived == [CONTENT]


def test_a_file_that_expires_while_it_is_sent_is_sent_again(client, scripted_server, prediction, arrived):
    def expire(done, total):
        if len(scripted_server.requests) == 3:
            scripted_server.files.clear()

    client.submit("synth", "m", prediction, check=False, on_upload=expire)
    assert asked(scripted_server) == ["POST", "PATCH", "PATCH", "PATCH", "SUBMIT", "POST", *["PATCH"] * 5, "SUBMIT"]
    assert arrived == [CONTENT]


def test_a_submission_whose_answer_was_lost_is_not_sent_again(client, scripted_server, prediction):
    scripted_server.lost = {6, 7, 8, 9}
    with pytest.raises(NetworkError):
        client.submit("synth", "m", prediction, check=False)
    scripted_server.chunks.clear()
    assert client.submit("synth", "m", prediction, check=False).id == ID
    assert scripted_server.chunks == []
    assert asked(scripted_server)[-2:] == ["HEAD", "SUBMIT"]
    assert len(scripted_server.submissions) == 1


def test_after_the_daily_quota_the_file_need_not_be_sent_again(client, scripted_server, prediction):
    scripted_server.trouble = [*[()] * 6, QUOTA]
    with pytest.raises(RejectedError, match="All 5 submissions"):
        client.submit("synth", "m", prediction, check=False)
    scripted_server.chunks.clear()
    client.submit("synth", "m", prediction, check=False)
    assert scripted_server.chunks == []


def test_what_is_refused_for_good_is_not_left_on_the_server(client, scripted_server, prediction):
    scripted_server.trouble = [*[()] * 6, (400, {}, {"detail": "method: too long.", "errors": {"method": ["too long."]}})]
    with pytest.raises(RejectedError, match="too long"):
        client.submit("synth", "m", prediction, check=False)
    assert scripted_server.files == {}
    scripted_server.chunks.clear()
    client.submit("synth", "m", prediction, check=False)
    assert sum(scripted_server.chunks) == len(CONTENT)


def test_a_server_that_accepts_no_chunks_gets_it_in_one_request(scripted_server, prediction):
    scripted_server.accepts_chunks = False
    messages = []
    with Client(scripted_server.url, TOKEN, on_message=messages.append) as client:
        client.submit("synth", "m", prediction, check=False)
    assert asked(scripted_server) == ["POST", "SUBMIT"]
    assert scripted_server.requests[-1][3]["file"] == [CONTENT]
    assert "accepts no chunks" in messages[0]


def test_with_too_many_unfinished_files_the_file_is_sent_in_one_request(scripted_server, prediction):
    scripted_server.trouble = [(409, {}, {"detail": "You have 5 files on their way."})]
    messages = []
    with Client(scripted_server.url, TOKEN, on_message=messages.append) as client:
        client.submit("synth", "m", prediction, check=False)
    assert asked(scripted_server) == ["POST", "SUBMIT"]
    assert "You have 5 files on their way." in messages[0]


def test_a_file_that_is_too_large_is_refused_before_it_is_sent(client, scripted_server, prediction):
    scripted_server.trouble = [(413, {}, {"detail": "at most 1 MB are accepted."})]
    with pytest.raises(RejectedError, match="at most 1 MB"):
        client.submit("synth", "m", prediction, check=False)
    assert asked(scripted_server) == ["POST"]


def test_a_server_that_accepts_no_more_bytes_ends_the_upload(client, scripted_server, prediction):
    stuck = (204, {"Upload-Offset": "0"}, None)
    scripted_server.trouble = [(), *[stuck] * 50]
    with pytest.raises(NetworkError, match="accepts no more"):
        client.submit("synth", "m", prediction, check=False)


def test_a_server_that_forgets_every_file_gets_it_in_one_request(client, scripted_server, prediction, monkeypatch):
    answer = scripted_server.answer

    def forgetful(method, path, headers, body, form):
        if "sent" in form:
            scripted_server.files.clear()
        return answer(method, path, headers, body, form)

    monkeypatch.setattr(scripted_server, "answer", forgetful)
    client.submit("synth", "m", prediction, check=False)
    assert asked(scripted_server).count("SUBMIT") == 4
    assert scripted_server.requests[-1][3]["file"] == [CONTENT]

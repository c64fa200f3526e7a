"""Large files on a bad line: what has arrived is not sent again."""

from __future__ import annotations

import pytest

from palmares_client import Client, NetworkError, RefusedError, pieces
from palmares_client.command import main
from tests.client.conftest import ID, TOKEN, FarEnd

PIECE = 100_000
CONTENT = bytes(range(256)) * 1700
"""Four pieces of 100 000 bytes, and one of 35 200."""
TUS = "/api/v1/predictions/tus/"
QUOTA = (429, {}, {"detail": "All 5 submissions of today are used."})


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch):
    monkeypatch.setattr(pieces, "PIECE", PIECE)


@pytest.fixture
def prediction(tmp_path):
    path = tmp_path / "né, pred.npz"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def client(far_end):
    with Client(far_end.url, TOKEN) as made:
        yield made


def asked(far_end: FarEnd) -> list[str]:
    """The methods of all requests, a submission's as SUBMIT."""
    return ["SUBMIT" if path.endswith("/submissions/") else method for method, path, _, _ in far_end.requests]


@pytest.fixture
def arrived(far_end, monkeypatch):
    """The file as it was when a submission was made of it."""
    found, answer = [], far_end.answer

    def seen(method, path, headers, body, form):
        if sent := form.get("sent"):
            found.extend(bytes(content) for pk, (content, _) in far_end.files.items() if pk == sent[0].decode())
        return answer(method, path, headers, body, form)

    monkeypatch.setattr(far_end, "answer", seen)
    return found


def test_a_large_file_goes_in_pieces(client, far_end, prediction, arrived):
    seen = []
    made = client.submit("synth", "m", prediction, check=False, links=["https://a"], sent=lambda *s: seen.append(s))
    assert made.id == ID
    assert asked(far_end) == ["POST", *["PATCH"] * 5, "SUBMIT"]
    assert far_end.pieces == [PIECE] * 4 + [35_200]
    assert arrived == [CONTENT]
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == ((0, 435_200), (435_200, 435_200))
    form = far_end.requests[-1][3]
    assert (form["method"], form["links"], "file" in form) == ([b"m"], [b"https://a"], False)


def test_a_small_one_goes_in_one_request(client, far_end, prediction):
    prediction.write_bytes(CONTENT[:PIECE])
    client.submit("synth", "m", prediction, check=False)
    assert asked(far_end) == ["SUBMIT"]
    assert far_end.requests[0][3]["file"] == [CONTENT[:PIECE]]


def test_a_connection_lost_within_a_piece_costs_that_piece_alone(client, far_end, prediction, arrived):
    far_end.trouble = [(), (), (), 30_000, ()]
    client.submit("synth", "m", prediction, check=False)
    assert far_end.pieces == [PIECE, PIECE, 30_000, PIECE, PIECE, 35_200]
    assert arrived == [CONTENT]


def test_a_server_that_counts_parts_of_pieces_is_asked_where_it_stands(client, far_end, prediction, arrived):
    far_end.keeps_parts = True
    far_end.trouble = [(), (), 30_000]
    client.submit("synth", "m", prediction, check=False)
    assert asked(far_end) == ["POST", "PATCH", "PATCH", "PATCH", "HEAD", *["PATCH"] * 4, "SUBMIT"]
    assert far_end.pieces == [PIECE, 30_000, PIECE, PIECE, PIECE, PIECE, 5_200]
    assert arrived == [CONTENT]


def test_a_piece_whose_answer_is_lost_is_not_counted_twice(client, far_end, prediction, arrived):
    far_end.lost = {2}
    client.submit("synth", "m", prediction, check=False)
    assert asked(far_end) == ["POST", "PATCH", "PATCH", "PATCH", "HEAD", *["PATCH"] * 3, "SUBMIT"]
    assert arrived == [CONTENT]


def test_interrupted_and_given_again_only_the_rest_is_sent(client, far_end, prediction, arrived):
    def interrupt(done, total):
        if done >= 250_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.submit("synth", "m", prediction, check=False, sent=interrupt)
    before, seen = len(far_end.requests), []
    far_end.pieces.clear()
    with Client(far_end.url, TOKEN) as another:
        another.submit("synth", "m", prediction, check=False, sent=lambda *s: seen.append(s))
    assert asked(far_end)[before:] == ["HEAD", "PATCH", "PATCH", "PATCH", "SUBMIT"]
    assert sum(far_end.pieces) == len(CONTENT) - 2 * PIECE
    assert seen[0] == (200_000, 435_200)
    assert arrived == [CONTENT]


def test_a_server_that_goes_away_is_found_again_later(far_end, prediction, monkeypatch, capfd):
    monkeypatch.setenv("PALMARES_SERVER", far_end.url)
    monkeypatch.setenv("PALMARES_TOKEN", TOKEN)
    command = ["submit", "-b", "synth", "-m", "m", str(prediction), "--no-check"]
    far_end.trouble = [(), (), *[None] * 4]
    assert main(command) == 4
    far_end.pieces.clear()
    assert main(command) == 0
    assert sum(far_end.pieces) == len(CONTENT) - PIECE
    assert ID in capfd.readouterr().out


def test_another_file_or_another_command_begins_anew(client, far_end, prediction):
    far_end.trouble = [(), (), *[None] * 4]
    with pytest.raises(NetworkError):
        client.submit("synth", "m", prediction, check=False)
    far_end.pieces.clear()
    client.submit("synth", "another", prediction, check=False)
    assert sum(far_end.pieces) == len(CONTENT)
    prediction.write_bytes(CONTENT[::-1])
    client.submit("synth", "m", prediction, check=False)
    assert sum(far_end.pieces) == 2 * len(CONTENT)


@pytest.mark.parametrize("status", [404, 410])
def test_what_the_server_has_lost_is_sent_anew(client, far_end, prediction, arrived, status):
    gone = (status, {}, {"detail": "What had come is gone."})
    far_end.trouble = [(), (), *[None] * 4]
    with pytest.raises(NetworkError):
        client.submit("synth", "m", prediction, check=False)
    far_end.files.clear()
    far_end.trouble = [gone] if status == 410 else []
    client.submit("synth", "m", prediction, check=False)
    assert asked(far_end)[-8:] == ["SUBMIT", "POST", *["PATCH"] * 5, "SUBMIT"]
    assert arrived == [CONTENT]


def test_a_file_that_expires_while_it_is_sent_is_sent_anew(client, far_end, prediction, arrived):
    def expire(done, total):
        if len(far_end.requests) == 3:
            far_end.files.clear()

    client.submit("synth", "m", prediction, check=False, sent=expire)
    assert asked(far_end) == ["POST", "PATCH", "PATCH", "PATCH", "SUBMIT", "POST", *["PATCH"] * 5, "SUBMIT"]
    assert arrived == [CONTENT]


def test_a_submission_whose_answer_was_lost_is_not_sent_again(client, far_end, prediction):
    far_end.lost = {6, 7, 8, 9}
    with pytest.raises(NetworkError):
        client.submit("synth", "m", prediction, check=False)
    far_end.pieces.clear()
    assert client.submit("synth", "m", prediction, check=False).id == ID
    assert far_end.pieces == []
    assert asked(far_end)[-2:] == ["HEAD", "SUBMIT"]
    assert len(far_end.submissions) == 1


def test_after_the_days_quota_the_file_need_not_be_sent_again(client, far_end, prediction):
    far_end.trouble = [*[()] * 6, QUOTA]
    with pytest.raises(RefusedError, match="All 5 submissions"):
        client.submit("synth", "m", prediction, check=False)
    far_end.pieces.clear()
    client.submit("synth", "m", prediction, check=False)
    assert far_end.pieces == []


def test_what_is_refused_for_good_is_not_left_on_the_server(client, far_end, prediction):
    far_end.trouble = [*[()] * 6, (400, {}, {"detail": "method: too long.", "errors": {"method": ["too long."]}})]
    with pytest.raises(RefusedError, match="too long"):
        client.submit("synth", "m", prediction, check=False)
    assert far_end.files == {}
    far_end.pieces.clear()
    client.submit("synth", "m", prediction, check=False)
    assert sum(far_end.pieces) == len(CONTENT)


def test_a_server_that_takes_no_pieces_gets_it_in_one(far_end, prediction):
    far_end.takes_pieces = False
    said = []
    with Client(far_end.url, TOKEN, say=said.append) as client:
        client.submit("synth", "m", prediction, check=False)
    assert asked(far_end) == ["POST", "SUBMIT"]
    assert far_end.requests[-1][3]["file"] == [CONTENT]
    assert "takes no files in pieces" in said[0]


def test_too_many_files_on_their_way_are_no_obstacle(far_end, prediction):
    far_end.trouble = [(409, {}, {"detail": "You have 5 files on their way."})]
    said = []
    with Client(far_end.url, TOKEN, say=said.append) as client:
        client.submit("synth", "m", prediction, check=False)
    assert asked(far_end) == ["POST", "SUBMIT"]
    assert "You have 5 files on their way." in said[0]


def test_what_is_too_large_is_told_before_it_is_sent(client, far_end, prediction):
    far_end.trouble = [(413, {}, {"detail": "at most 1 MB are accepted."})]
    with pytest.raises(RefusedError, match="at most 1 MB"):
        client.submit("synth", "m", prediction, check=False)
    assert asked(far_end) == ["POST"]


def test_a_server_that_never_gets_any_further_is_left(client, far_end, prediction):
    stuck = (204, {"Upload-Offset": "0"}, None)
    far_end.trouble = [(), *[stuck] * 50]
    with pytest.raises(NetworkError, match="takes no more"):
        client.submit("synth", "m", prediction, check=False)


def test_a_server_that_forgets_every_file_gets_it_in_one(client, far_end, prediction, monkeypatch):
    answer = far_end.answer

    def forgetful(method, path, headers, body, form):
        if "sent" in form:
            far_end.files.clear()
        return answer(method, path, headers, body, form)

    monkeypatch.setattr(far_end, "answer", forgetful)
    client.submit("synth", "m", prediction, check=False)
    assert asked(far_end).count("SUBMIT") == 4
    assert far_end.requests[-1][3]["file"] == [CONTENT]

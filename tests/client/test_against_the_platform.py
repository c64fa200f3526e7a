"""The client and the platform, with a real server, database and scorer between them."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator

import pytest
from django.core.files.base import ContentFile
from django.db import connection

from palmares.benchmarks import services
from palmares.benchmarks.models import Benchmark, Truth
from palmares.queue.models import Status
from palmares.submissions.models import PendingFile, Submission
from palmares.teams.access import create_token
from palmares.uploads.partial import partial_path
from palmares_client import Client, NotSignedInError, RejectedError, ScoringFailedError, chunked_upload
from palmares_client.command import main
from tests.predictions import hands, moved, zipped
from tests.score_waiting import score_waiting
from workers.attempt import attempt
from workers.import_truth import TruthImport

pytestmark = pytest.mark.django_db(transaction=True)

SEQUENCES = {"one": hands(8, seed=1), "two": hands(6, seed=2)}


@pytest.fixture
def contest(team, owner, media_root) -> Benchmark:
    made = services.create_benchmark(team=team, by=owner, slug="ours", name="Ours", protocol="palmares", daily_limit=2)
    truth = services.add_truth(benchmark=made, by=owner, file=ContentFile(zipped(**SEQUENCES), name="truth.zip"))
    attempt(Truth, str(truth.pk), TruthImport)
    return made


@pytest.fixture
def client(contest, live_server, member) -> Iterator[Client]:
    with Client(live_server.url, create_token(user=member, name="client")[1]) as made:
        yield made


@pytest.fixture
def prediction(tmp_path):
    path = tmp_path / "pred.zip"
    path.write_bytes(zipped(**{name: moved(sequence, 10) for name, sequence in SEQUENCES.items()}))
    return path


def score_in_background() -> threading.Thread:
    """Score it in another thread, as a worker does."""

    def work() -> None:
        score_waiting()
        connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_submitted_file_is_scored_and_appears_on_the_board(client, prediction):
    submission = client.submit(
        "ours", "Ours v2", prediction, description="d", links=["https://example.org/code"], is_public=True, shape="calibrated"
    )
    assert (submission.status, submission.data["place"]) == ("queued", 1)
    assert submission.data["links"] == ["https://example.org/code"]
    assert submission.data["is_public"] is True
    assert submission.data["shape"] == "calibrated"
    worker = score_in_background()
    submission.wait(timeout_s=60)
    worker.join()
    assert submission.scores["figures"]["mpjpe"] == pytest.approx(10, abs=1e-3)
    assert submission.scores["coverage"] == 1
    (row,) = [row for row in client.leaderboard("ours", metric="mpjpe")["rows"] if not row["published"]]
    assert (row["rank"], row["submission"], row["method"]) == (1, submission.id, "Ours v2")
    (mine,) = client.submissions("ours")
    assert mine.id == submission.id
    assert mine.scores == submission.scores


def test_a_large_file_in_chunks_continues_after_an_interruption(client, prediction, live_server, monkeypatch):
    content, seen = prediction.read_bytes(), []
    monkeypatch.setattr(chunked_upload, "CHUNK_BYTES", len(content) // 5)

    def interrupt(done, total):
        if done > total // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        client.submit("ours", "m", prediction, on_upload=interrupt)
    begun = PendingFile.objects.get()
    assert 0 < begun.received_bytes < len(content)
    with Client(live_server.url, client._connection.account.token) as another:
        submission = another.submit("ours", "m", prediction, on_upload=lambda *s: seen.append(s))
    assert seen[0] in [
        (begun.received_bytes + more, len(content)) for more in (0, chunked_upload.CHUNK_BYTES)
    ]  # the last may have arrived
    assert submission.data["sha256"] == hashlib.sha256(content).hexdigest()
    assert not PendingFile.objects.exists()
    assert not partial_path(begun.pk).exists()


def test_a_large_file_that_is_refused_is_sent_again_as_a_whole(client, tmp_path, monkeypatch):
    path = tmp_path / "pred.zip"
    path.write_bytes(zipped(three=SEQUENCES["one"]))
    monkeypatch.setattr(chunked_upload, "CHUNK_BYTES", 1000)
    for _ in range(2):
        with pytest.raises(RejectedError, match="there is no sequence `three`"):
            client.submit("ours", "m", path)
        assert not PendingFile.objects.exists()
    assert Submission.objects.count() == 0


def test_the_command_prints_scores_and_board(client, prediction, live_server, monkeypatch, capfd):
    monkeypatch.setenv("PALMARES_SERVER", live_server.url)
    monkeypatch.setenv("PALMARES_TOKEN", client._connection.account.token)
    submission = client.submit("ours", "Ours v2", prediction, team="Ours")
    score_waiting()
    assert main(["wait", submission.id, "--board"]) == 0
    out = capfd.readouterr().out
    assert "pa_mpjpe" in out
    assert "Ours v2" in out
    assert "←" in out
    assert main(["benchmarks"]) == main(["scores", "-b", "ours"]) == main(["board", "ours"]) == 0
    assert main(["login", "--token", client._connection.account.token]) == 0


def test_the_same_key_makes_one_submission(client, prediction, monkeypatch):
    monkeypatch.setattr("palmares_client.unfinished.key_of", lambda fingerprint: "one and the same")
    assert client.submit("ours", "m", prediction).id == client.submit("ours", "m", prediction).id
    assert Submission.objects.count() == 1


def test_the_server_refuses_what_the_client_cannot_check(client, tmp_path):
    path = tmp_path / "pred.zip"
    path.write_bytes(zipped(three=SEQUENCES["one"]))
    with pytest.raises(RejectedError, match="there is no sequence `three`") as raised:
        client.submit("ours", "m", path)
    assert raised.value.status == 422
    assert Submission.objects.count() == 0


def test_the_daily_quota(client, prediction):
    for method in "ab":
        client.submit("ours", method, prediction)
    with pytest.raises(RejectedError) as raised:
        client.submit("ours", "c", prediction)
    assert raised.value.status == 429


def test_cancel_and_retry(client, prediction):
    submission = client.submit("ours", "m", prediction)
    assert submission.cancel().status == Status.CANCELLED
    with pytest.raises(ScoringFailedError, match="cancelled"):
        submission.wait()
    assert submission.retry().status == Status.QUEUED


def test_a_benchmark_of_another_team_and_a_wrong_token(client, live_server):
    with pytest.raises(RejectedError) as raised:
        client.benchmark("theirs")
    assert raised.value.status == 404
    with Client(live_server.url, "0" * 64) as outsider, pytest.raises(NotSignedInError):
        outsider.me()

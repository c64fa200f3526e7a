"""Two web processes and two workers with folders of their own: they share PostgreSQL and Redis over TCP, and a bucket."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import httpx
import numpy as np
import pytest
from django.core.files.base import ContentFile

from ml.clip.encode import web_video
from palmares.benchmarks import services as benchmarks
from palmares.benchmarks.revisions import publish_revision
from palmares.calibrations.models import Calibration
from palmares.queue.models import Status
from palmares.runs.models import Run
from palmares.subjects.models import Subject
from palmares.submissions.models import Submission
from palmares.teams.access import create_token
from palmares.uploads.models import Upload
from tests.factories import SubjectFactory
from tests.object_storage import Bucket, bucket, s3_server, unreliable  # noqa: F401 - fixtures
from tests.predictions import hands, moved, npz
from tests.workers.conftest import wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
ROOT = Path(__file__).resolve().parents[2]
TUS = {"Tus-Resumable": "1.0.0"}


class Machine:
    """A web process and a worker with a folder of their own."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        folder.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.folder, self.url = folder, f"http://127.0.0.1:{port}"
        self._log = (folder / "output").open("wb")
        environment = {**environment, "PALMARES_DATA": str(folder)}
        web = ["-m", "uvicorn", "palmares.asgi:application", "--port", str(port)]
        commands = (web, ["-m", "workers"])
        self.processes = [
            subprocess.Popen([sys.executable, *command], env=environment, cwd=ROOT, stdout=self._log, stderr=self._log)
            for command in commands
        ]

    def answers(self) -> bool:
        assert all(process.poll() is None for process in self.processes), (self.folder / "output").read_text()
        try:
            return httpx.get(f"{self.url}/accounts/login/", trust_env=False).status_code == 200
        except httpx.TransportError:
            return False

    def stop(self) -> None:
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()
        self._log.close()


@pytest.fixture
def database_port(settings) -> Iterator[int]:
    """A TCP port at which the test's PostgreSQL, which listens on a socket of this machine only, can be reached."""
    path = f"{settings.DATABASES['default']['HOST']}/.s.PGSQL.5432"

    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError):
            while piece := await reader.read(1 << 16):
                writer.write(piece)
                await writer.drain()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(path)
        await asyncio.gather(copy(reader, back), copy(there, writer))

    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_server(relay, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield server.sockets[0].getsockname()[1]
    loop.call_soon_threadsafe(server.close)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    for task in asyncio.all_tasks(loop):
        task.cancel()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()


@pytest.fixture
def machines(own_redis, bucket: Bucket, unreliable, database_port: int, settings, tmp_path) -> Iterator[list[Machine]]:  # noqa: F811
    database = settings.DATABASES["default"]
    environment = {
        **os.environ,
        **bucket.environment(),
        "S3_ENDPOINT_URL": unreliable.url,
        "DJANGO_SETTINGS_MODULE": "palmares.settings.testing",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}",
        "DATABASE_URL": f"postgres://postgres@127.0.0.1:{database_port}/{database['NAME']}",
        "REDIS_URL": settings.REDIS_URL,
        "SECRET_KEY": "the same on all machines",
        "WORKER_PROCESSES": "1",
    }
    started = [Machine(tmp_path / name, environment) for name in ("one", "two")]
    yield started
    for machine in started:
        machine.stop()
        print((machine.folder / "output").read_text()[-4000:])


def test_everything_works_without_a_shared_disk(machines, bucket, unreliable, team, owner, member, tmp_path):  # noqa: F811
    wait_for("both webs answer", lambda: all(machine.answers() for machine in machines))
    headers = {"Authorization": f"Bearer {create_token(user=owner, name='test')[1]}"}
    one, two = (httpx.Client(base_url=m.url, headers=headers, trust_env=False, timeout=60) for m in machines)
    subject = SubjectFactory(team=team)
    video = grey_video(tmp_path)

    send_in_two_parts(one, two, video, subject)
    upload = Upload.objects.get()
    wait_for("the upload is ready", lambda: ended(upload))
    assert upload.status == Status.SUCCEEDED, upload.error

    # media with ranges from either web; a run, which waits while the storage is away; its files
    for web in (one, two):
        part = web.get(f"/api/v1/uploads/{upload.pk}/media/web.mp4", headers={"Range": "bytes=4-7"})
        assert (part.status_code, part.content) == (206, b"ftyp")
    unreliable.fault = "busy"
    started = two.post("/api/v1/runs/", json={"upload": str(upload.pk), "method": "mediapipe-ik"})
    run = Run.objects.get(pk=started.json()["id"])
    wait_for("the run waits", lambda: waits_for_storage(run))
    unreliable.fault = "none"
    wait_for("the run has ended", lambda: ended(run))
    assert (run.status, run.attempts) == (Status.SUCCEEDED, 1), run.error
    assert one.get(f"/api/v1/runs/{run.pk}/prediction/").content[:2] == b"PK"

    # a calibration says that it found no hand: it read the video from the bucket
    asked = one.post(f"/api/v1/subjects/{subject.pk}/calibrations/", json={"uploads": [str(upload.pk)]})
    calibration = Calibration.objects.get(pk=asked.json()["id"])
    wait_for("the calibration has ended", lambda: ended(calibration))
    assert (calibration.status, "found in any of the uploads" in calibration.error) == (Status.FAILED, True)

    # a submission is scored, and again under new ground truth
    truth = hands(40)
    benchmark = benchmarks.create_benchmark(team=team, by=owner, slug="b", name="B", protocol="palmares")
    imported = benchmarks.add_truth(benchmark=benchmark, by=owner, file=ContentFile(npz(truth), name="truth.npz"))
    wait_for("the ground truth is imported", lambda: ended(imported))
    sent = one.post(
        "/api/v1/benchmarks/b/submissions/", data={"method": "m"}, files={"file": ("pred.npz", npz(moved(truth, 10)))}
    )
    assert sent.status_code == 201, sent.text
    submission = Submission.objects.get()
    wait_for("the submission is scored", lambda: ended(submission) and board(two) == pytest.approx(10, abs=0.1))
    again = benchmarks.add_truth(benchmark=benchmark, by=owner, file=ContentFile(npz(moved(truth, 30)), name="truth.npz"))
    wait_for("the new ground truth is imported", lambda: ended(again))
    revision = benchmark.revisions.order_by("-number").first()
    wait_for("everything is scored again", lambda: ended(revision))
    publish_revision(revision=revision, by=owner)
    wait_for("the board shows it", lambda: board(one) == pytest.approx(20, abs=0.1))

    # deletion leaves nothing in the bucket, and no media was ever on a disk
    assert two.delete(f"/api/v1/uploads/{upload.pk}/").status_code == 204
    assert bucket.keys(f"uploads/{upload.pk}") == bucket.keys(f"runs/{run.pk}") == []
    assert [path for machine in machines for path in (machine.folder / "media").rglob("*")] == []
    for web in (one, two):
        web.close()


def send_in_two_parts(one: httpx.Client, two: httpx.Client, video: bytes, subject: Subject) -> None:
    """A resumable upload that moves from one web to the other."""
    facts = {"filename": "grey.mp4", "subject": str(subject.pk)}
    metadata = ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in facts.items())
    made = one.post("/api/v1/uploads/tus/", headers={**TUS, "Upload-Length": str(len(video)), "Upload-Metadata": metadata})
    assert made.status_code == 201, made.text
    offset = 0
    for web, end in ((one, len(video) // 2), (two, len(video))):
        kind = {"Content-Type": "application/offset+octet-stream", "Upload-Offset": str(offset)}
        answer = web.patch(made.headers["Location"], content=video[offset:end], headers={**TUS, **kind})
        assert answer.status_code == 204, answer.text
        offset = end


def ended(item) -> bool:
    item.refresh_from_db()
    return item.is_final


def waits_for_storage(run: Run) -> bool:
    run.refresh_from_db()
    assert not run.is_final, run.error
    return run.stage == "Waiting for the file storage"


def board(web: httpx.Client) -> float | None:
    rows = web.get("/api/v1/benchmarks/b/leaderboard/", params={"metric": "mpjpe"}).json()["rows"]
    return rows[0]["figures"]["mpjpe"]["value"] if rows else None


def grey_video(folder: Path) -> bytes:
    with web_video(folder / "grey.mp4", Fraction(30), (64, 48)) as writer:
        for _ in range(12):
            writer.write(np.full((48, 64, 3), 128, np.uint8))
    return (folder / "grey.mp4").read_bytes()

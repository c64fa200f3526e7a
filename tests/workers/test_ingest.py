"""From an upload's row and file to what its row names afterwards."""

from __future__ import annotations

import errno
import os
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from ml.clip.encode import web_video
from ml.keypoints.tracks import Keypoints
from palmares.queue import services
from palmares.queue.models import Status
from palmares.uploads.models import Upload
from tests.factories import UploadFactory
from workers import attempt as attempts
from workers.attempt import attempt
from workers.ingest import Ingestion

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def queued(media_root: Path):
    """An upload whose file is what is given."""

    def make(name: str, content: bytes, **facts: object) -> Upload:
        upload = UploadFactory(status=Status.QUEUED, name=name, size_bytes=len(content), facts=facts)
        upload.source = f"uploads/{upload.pk}/source{Path(name).suffix}"
        upload.save()
        path = media_root / upload.source
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        return upload

    return make


@pytest.fixture(scope="module")
def grey(tmp_path_factory) -> bytes:
    """Twelve grey frames, 1600 × 900: larger than the web copy will be."""
    path = tmp_path_factory.mktemp("grey") / "grey.mp4"
    with web_video(path, Fraction(30), (1600, 900)) as writer:
        for _ in range(12):
            writer.write(np.full((900, 1600, 3), 128, np.uint8))
    return path.read_bytes()


def ingest(upload: Upload) -> None:
    attempt(Upload, str(upload.pk), Ingestion)
    upload.refresh_from_db()


def files(media_root: Path) -> set[str]:
    return {path.name for path in media_root.rglob("*") if path.is_file()}


def test_a_video_becomes_ready(queued, grey, media_root):
    upload = queued("grey.mp4", grey, camera={"focal_px": 1500.0})
    ingest(upload)
    assert upload.public_status == "ready", upload.error
    assert (upload.width, upload.height, upload.frame_count, upload.fps) == (1280, 720, 12, 30)
    assert upload.intrinsics == pytest.approx([1200, 0, 640, 0, 1200, 360, 0, 0, 1])
    assert upload.facts["source_width"] == 1600
    assert upload.facts["hands"] == 0
    assert {"web.mp4", "poster.jpg", "filmstrip.jpg", "keypoints.npz", "timestamps.npz"} <= files(media_root)
    assert Keypoints.load(media_root / upload.folder / "keypoints.npz").frame_count == 12
    assert not list((media_root.parent / "tmp" / "work").iterdir())


def test_a_repeated_ingestion_keeps_only_the_new_folder(queued, grey, media_root):
    upload = queued("grey.mp4", grey)
    ingest(upload)
    first = upload.folder
    services.enqueue(item=upload)
    ingest(upload)
    assert upload.folder != first
    assert [path.name for path in (media_root / "uploads" / str(upload.pk)).iterdir() if path.is_dir()] == [upload.folder[-40:]]
    assert upload.intrinsics is None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"PK\x03\x04" + bytes(100), "ZIP"), (b"\x00" * 5000, "clip.mp4 is not a video"), (b"", "empty")],
)
def test_a_file_that_is_refused_leaves_a_sentence_and_nothing_else(queued, media_root, content, sentence):
    upload = queued("clip.mp4", content)
    ingest(upload)
    assert upload.status == Status.FAILED
    assert sentence in upload.error
    assert upload.error.endswith(".")
    assert (upload.source, upload.folder) == ("", "")
    assert files(media_root) == set()


def test_a_video_too_narrow_to_show_a_hand_is_refused_at_once(queued, media_root, tmp_path):
    with web_video(tmp_path / "line.mp4", Fraction(25), (1280, 2)) as writer:
        for _ in range(5):
            writer.write(np.full((2, 1280, 3), 128, np.uint8))
    upload = queued("line.mp4", (tmp_path / "line.mp4").read_bytes())
    ingest(upload)
    assert (upload.status, upload.attempts) == (Status.FAILED, 1)
    assert upload.error.startswith("line.mp4 is 1280 × 2 pixels, too narrow to show a hand")
    assert files(media_root) == set()


def test_a_synthetic_upload_is_rendered_with_its_truth(media_root):
    facts = {"synthetic": {"subject": 0, "seed": 3, "seconds": 0.2, "hands": ["right"]}}
    upload = UploadFactory(status=Status.QUEUED, name="take 1.mp4", size_bytes=0, facts=facts)
    ingest(upload)
    assert upload.public_status == "ready", upload.error
    assert upload.frame_count == 6
    assert upload.size_bytes > 0


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_work_waits_for_disk_space_without_using_up_its_attempts(queued, grey, media_root, number):
    upload = queued("grey.mp4", grey)

    class FullDisk(Ingestion):
        def perform(self, *_):
            raise OSError(number, os.strerror(number), "/srv/media/a.npz")

    for _ in range(Upload.MAX_ATTEMPTS + 1):
        attempt(Upload, str(upload.pk), FullDisk)
        upload.refresh_from_db()
        assert (upload.status, upload.attempts, upload.stage) == (Status.QUEUED, 0, "Waiting for disk space")
    ingest(upload)
    assert upload.public_status == "ready", upload.error


def test_a_failing_disk_is_retried_and_then_reported_without_paths(queued, grey, media_root):
    upload = queued("grey.mp4", grey)

    class BrokenDisk(Ingestion):
        def perform(self, *_):
            raise OSError(errno.EIO, "Input/output error", "/srv/media/a.npz")

    for _ in range(Upload.MAX_ATTEMPTS):
        attempt(Upload, str(upload.pk), BrokenDisk)
    upload.refresh_from_db()
    assert upload.status == Status.FAILED
    assert "OSError: Input/output error" in upload.error
    assert "/srv" not in upload.error
    assert (media_root / upload.source).exists()


def test_an_internal_error_is_reported_without_details(queued, grey):
    upload = queued("grey.mp4", grey)

    class Faulty(Ingestion):
        def perform(self, *_):
            raise KeyError("thumb of /srv/media/a.npz")

    attempt(Upload, str(upload.pk), Faulty)
    upload.refresh_from_db()
    assert upload.status == Status.FAILED
    assert upload.error.startswith("Something went wrong inside (KeyError: 'thumb of …')")


def test_a_cancelled_upload_leaves_no_files(queued, grey, media_root, monkeypatch):
    upload = queued("grey.mp4", grey)
    monkeypatch.setattr(attempts, "LEASE_SECONDS", 30.0)

    class Cancelled(Ingestion):
        def perform(self, item, scratch, report):
            publish = super().perform(item, scratch, report)
            services.cancel(item=item)
            return publish

    attempt(Upload, str(upload.pk), Cancelled)
    upload.refresh_from_db()
    assert (upload.status, upload.folder) == (Status.CANCELLED, "")
    assert files(media_root) == {"source.mp4"}

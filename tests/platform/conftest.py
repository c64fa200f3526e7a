"""Fixtures of the web's tests: rows with files."""

from __future__ import annotations

import gzip
import hashlib
import io
import json

import numpy as np
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from palmares.queue.models import Status
from palmares.runs.models import Prediction, Run
from palmares.subjects.models import Subject
from palmares.uploads.models import Upload
from tests.factories import RunFactory, SubjectFactory, UploadFactory
from tests.scored_benchmarks import contest, scored  # noqa: F401 - fixtures

MP4_HEAD = b"\x00\x00\x00\x20ftypisom\x00\x00\x02\x00isomiso2avc1mp41"


@pytest.fixture(autouse=True)
def _own_storage(media_root) -> None:
    """No test of the web sees another's files."""


@pytest.fixture
def mp4() -> bytes:
    """Bytes that begin as an MP4 does; enough for the door, not for a decoder."""
    return MP4_HEAD + bytes(range(256)) * 64


@pytest.fixture
def subject(team) -> Subject:
    return SubjectFactory(team=team, name="Ours 1")


@pytest.fixture
def upload(subject, mp4) -> Upload:
    """A ready upload with its files."""
    upload = UploadFactory(subject=subject, name="our clip.mp4")
    upload.source = default_storage.save(f"uploads/{upload.pk}/source.mp4", ContentFile(mp4))
    upload.folder = f"uploads/{upload.pk}/web-1"
    for name in ("web.mp4", "poster.jpg", "filmstrip.jpg"):
        default_storage.save(f"{upload.folder}/{name}", ContentFile(mp4))
    upload.save()
    return upload


@pytest.fixture
def run(upload) -> Run:
    return RunFactory(upload=upload)


@pytest.fixture
def finished_run(run) -> Run:
    """A run with a prediction: two hands of five vertices in frames 0 and 1, the right one alone in frame 2."""
    folder = f"runs/{run.pk}/1"
    content = _prediction()
    default_storage.save(f"{folder}/prediction.npz", ContentFile(content))
    faces = gzip.compress(np.array([[0, 1, 2], [2, 3, 4]], "<u2").tobytes(), mtime=0)
    name = f"{hashlib.sha256(faces).hexdigest()[:32]}.bin"
    default_storage.save(f"{folder}/track/{name}", ContentFile(faces))
    entry = {"file": name, "count": 2, "type": "uint16"}
    hands = [{"track": i, "side": side, "vertex_count": 5, "faces": entry} for i, side in enumerate(("left", "right"))]
    default_storage.save(f"{folder}/track.json", ContentFile(json.dumps({"version": 1, "hands": hands}).encode()))
    default_storage.save(f"{folder}/series.json", ContentFile(b'{"version": 1}'))
    run.prediction = Prediction.objects.create(
        folder=folder,
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        rows=5,
        hand_model="open",
        summary={"x": 1.0},
    )
    run.status = Status.SUCCEEDED
    run.save()
    return run


def _prediction() -> bytes:
    rows, vertices = 5, 5
    arrays = {
        "frame": np.array([0, 0, 1, 1, 2], np.int32),
        "side": np.array([0, 1, 0, 1, 1], np.uint8),
        "track": np.array([0, 1, 0, 1, 1], np.int32),
        "score": np.ones(rows, np.float32),
        "joints": np.zeros((rows, 21, 3), np.float32),
        "vertices": np.arange(rows * vertices * 3, dtype=np.float32).reshape(rows, vertices, 3),
    }
    target = io.BytesIO()
    np.savez(target, meta=np.array("{}"), **arrays)
    return target.getvalue()

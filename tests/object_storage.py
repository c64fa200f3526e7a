"""A real S3 server (moto's) on this machine, and a count of what is asked of it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from uuid import uuid4

import boto3
import pytest
from botocore.config import Config
from django.core.files.storage import default_storage

from tests.unreliable_server import UnreliableServer

KEYS = {"access_key": "key", "secret_key": "secret"}


class Bucket:
    """The bucket that `default_storage` uses; `requests` counts operations, `received` bytes of answered bodies."""

    def __init__(self, name: str, url: str) -> None:
        self.name, self.url = name, url
        self.requests: Counter[str] = Counter()
        self.received = 0
        self.client = boto3.client(
            "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id="key", aws_secret_access_key="secret"
        )
        self.client.create_bucket(Bucket=name)

    def watch(self) -> None:
        """Count the requests of this thread's `default_storage` from now on."""
        self.requests.clear()
        self.received = 0
        events = default_storage.connection.meta.client.meta.events
        events.register("after-call.s3", self._count, unique_id="count")

    def _count(self, model, parsed, **_) -> None:
        self.requests[model.name] += 1
        self.received += int(parsed.get("ContentLength", 0)) if model.name == "GetObject" else 0

    def keys(self, prefix: str = "") -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", ())]

    def environment(self) -> dict[str, str]:
        """For processes that use this bucket."""
        return {
            "S3_BUCKET": self.name, "S3_ENDPOINT_URL": self.url, "S3_REGION": "us-east-1", "S3_ACCESS_KEY_ID": "key",
            "S3_SECRET_ACCESS_KEY": "secret", "S3_ADDRESSING_STYLE": "path",
        }  # fmt: skip


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory) -> Iterator[str]:
    """The address of an S3 server, a process of its own."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("s3") / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=output, stderr=output
        )
    deadline = time.monotonic() + 120
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
    yield f"http://127.0.0.1:{port}"
    process.kill()
    process.wait()


@pytest.fixture
def bucket(s3_server: str, settings, tmp_path) -> Bucket:
    """An empty bucket in which `default_storage` keeps its files."""
    made = Bucket(f"test-{uuid4()}", s3_server)
    (tmp_path / "tmp").mkdir(exist_ok=True)
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "tmp"
    settings.STORAGES = {**settings.STORAGES, "default": storage_settings(made.name, s3_server)}
    return made


def storage_settings(name: str, url: str) -> dict[str, object]:
    """`STORAGES["default"]` for a bucket; gives up soon if there is no answer."""
    options = {"bucket_name": name, "endpoint_url": url, "region_name": "us-east-1", **KEYS, "file_overwrite": True}
    config = Config(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=10, s3={"addressing_style": "path"})
    return {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {**options, "client_config": config}}


@pytest.fixture
def unreliable(s3_server: str, bucket: Bucket, settings) -> Iterator[UnreliableServer]:
    """What stands between `default_storage` and the bucket; `bucket` itself goes past it."""
    server = UnreliableServer(int(s3_server.rpartition(":")[2]))
    settings.STORAGES = {**settings.STORAGES, "default": storage_settings(bucket.name, server.url)}
    yield server
    server.close()

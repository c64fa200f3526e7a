"""A range of 1 kB out of a media object of 300 MB in S3, through the view that serves media."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import tracemalloc

MEGABYTES = 300
RANGE = "bytes=200000000-200000999"


def rows() -> list[tuple[str, str, str]]:
    """(what, measured, target)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while socket.socket().connect_ex(("127.0.0.1", port)):
            time.sleep(0.1)
        return _measured(f"http://127.0.0.1:{port}")
    finally:
        server.kill()
        server.wait()


def _measured(url: str) -> list[tuple[str, str, str]]:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "palmares.settings.testing")
    import django  # noqa: PLC0415

    django.setup()
    from django.conf import settings  # noqa: PLC0415
    from django.test import RequestFactory, override_settings  # noqa: PLC0415

    from palmares.api.ranges import stored_file  # noqa: PLC0415
    from tests.object_storage import Bucket, storage_settings  # noqa: PLC0415

    bucket = Bucket("bench", url)
    with override_settings(STORAGES={**settings.STORAGES, "default": storage_settings("bench", url)}):
        bucket.client.put_object(Bucket=bucket.name, Key="web.mp4", Body=bytes(MEGABYTES * 1_000_000))
        request = RequestFactory().get("/", headers={"Range": RANGE})
        bucket.watch()
        tracemalloc.start()
        began = time.perf_counter()
        answer = stored_file(request, "web.mp4", content_type="video/mp4")
        length = sum(len(piece) for piece in answer.streaming_content)  # type: ignore[attr-defined]
        taken, peak = time.perf_counter() - began, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    what = f"1 kB of {MEGABYTES} MB in S3"
    asked = ", ".join(f"{count} {name}" for name, count in bucket.requests.items())
    return [
        (f"{what}: requests", f"{asked}; {length} bytes", "1 GetObject"),
        (f"{what}: memory taken", f"{peak / 1e6:.1f} MB", "< 20 MB"),
        (f"{what}: time", f"{1000 * taken:.0f} ms (load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores)", ""),
    ]

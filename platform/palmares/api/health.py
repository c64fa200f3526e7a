"""`/health/`: whether database, Redis and storage answer, the disk has space, pages have their files, and the queue moves."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any
from uuid import uuid4

from asgiref.sync import sync_to_async
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.templatetags.static import static
from django_vite.core.asset_loader import DjangoViteAssetLoader
from django_vite.core.exceptions import DjangoViteAssetNotFoundError, DjangoViteManifestError
from health_check.base import HealthCheck
from health_check.checks import Database
from health_check.contrib.redis import Redis
from health_check.exceptions import ServiceUnavailable, ServiceWarning
from health_check.views import HealthCheckView
from redis.asyncio import Redis as RedisClient

from palmares.disk_space import free_bytes
from palmares.media_storage import STORAGE_ERRORS
from palmares.queue.waiting_times import oldest_queued_seconds

OLDEST_QUEUED = timedelta(hours=1)
"""Work that waits longer than this means that no worker is there, or too few."""


@dataclasses.dataclass
class RequestDatabase(Database):
    """Asks the database, over the request's own connection: in a thread of its own one would be left open."""

    async def run(self) -> None:  # type: ignore[override]
        await sync_to_async(super().run)()


@dataclasses.dataclass
class WritableStorage(HealthCheck):
    """Writes and deletes a small file: two requests where the storage is a bucket."""

    async def run(self) -> None:
        try:
            await sync_to_async(_write_and_delete)()
        except (*STORAGE_ERRORS, OSError) as error:
            raise ServiceUnavailable("the file storage takes no files") from error


def _write_and_delete() -> None:
    default_storage.delete(default_storage.save(f"health/{uuid4()}", ContentFile(b"a check of the health page")))


@dataclasses.dataclass
class OldestQueued(HealthCheck):
    """Warns when work has waited for too long."""

    async def run(self) -> None:
        waited = timedelta(seconds=round(await sync_to_async(oldest_queued_seconds)()))
        if waited > OLDEST_QUEUED:
            raise ServiceWarning(f"work has been queued for {waited}; start (more) workers")


@dataclasses.dataclass
class DiskSpace(HealthCheck):
    """Fails when less than the reserve is free on the disks of media and temporary files."""

    async def run(self) -> None:
        if await sync_to_async(free_bytes)() < settings.MIN_FREE_BYTES:
            raise ServiceUnavailable("less than MIN_FREE_BYTES is free; make room")


@dataclasses.dataclass
class PageFiles(HealthCheck):
    """Fails where scripts and styles were not built or not collected: every page would be an error."""

    async def run(self) -> None:
        try:
            static("favicon.svg")
            DjangoViteAssetLoader.instance().generate_vite_asset_url("live/main.ts")
        except (ValueError, DjangoViteManifestError, DjangoViteAssetNotFoundError) as error:
            raise ServiceUnavailable("scripts and styles are missing; run `manage.py collectstatic`") from error


NAMES = {
    RequestDatabase: "database",
    WritableStorage: "storage",
    Redis: "redis",
    DiskSpace: "disk",
    PageFiles: "pages",
    OldestQueued: "queue",
}


class HealthView(HealthCheckView):
    """All checks as JSON: 200 when all are well, 503 when one is not. Says nothing of what is inside."""

    checks = (
        RequestDatabase,
        WritableStorage,
        (Redis, {"client_factory": lambda: RedisClient.from_url(settings.REDIS_URL)}),
        DiskSpace,
        PageFiles,
        OldestQueued,
    )
    http_method_names = ("get", "head")

    async def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with self.get_executor() as executor:
            results = [await check.get_result(executor) for check in self.get_checks()]
        body = {NAMES[type(r.check)]: str(r.error) if r.error else "working" for r in results}
        return JsonResponse(body, status=503 if any(r.error for r in results) else 200)

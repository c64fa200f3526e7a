"""`/health/`: whether the database, Redis and the storage answer, the disk has space, and whether the queue moves."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from health_check.base import HealthCheck
from health_check.checks import Database, Storage
from health_check.contrib.redis import Redis
from health_check.exceptions import ServiceUnavailable, ServiceWarning
from health_check.views import HealthCheckView
from redis.asyncio import Redis as RedisClient

from palmares.disk_space import free_bytes
from palmares.queue.waiting_times import oldest_queued_seconds

OLDEST_QUEUED = timedelta(hours=1)
"""Work that waits longer than this means that no worker is there, or too few."""


@dataclasses.dataclass
class RequestDatabase(Database):
    """Asks the database, over the request's own connection: in a thread of its own one would be left open."""

    async def run(self) -> None:  # type: ignore[override]
        await sync_to_async(super().run)()


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


NAMES = {RequestDatabase: "database", Storage: "storage", Redis: "redis", DiskSpace: "disk", OldestQueued: "queue"}


class HealthView(HealthCheckView):
    """All checks as JSON: 200 when all are well, 503 when one is not. Says nothing of what is inside."""

    checks = (
        RequestDatabase,
        Storage,
        (Redis, {"client_factory": lambda: RedisClient.from_url(settings.REDIS_URL)}),
        DiskSpace,
        OldestQueued,
    )
    http_method_names = ("get", "head")

    async def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with self.get_executor() as executor:
            results = [await check.get_result(executor) for check in self.get_checks()]
        body = {NAMES[type(r.check)]: str(r.error) if r.error else "working" for r in results}
        return JsonResponse(body, status=503 if any(r.error for r in results) else 200)

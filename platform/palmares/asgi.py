"""The web as an ASGI application."""

import os
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "palmares.settings.production")

from palmares.api.threaded_handler import ThreadedHandler

_django: Any = ThreadedHandler()

from django.conf import settings  # noqa: E402 - after Django is set up

from palmares.api.body_limit import BodyLimit  # noqa: E402
from palmares.api.callers import Callers  # noqa: E402
from palmares.api.database_pool import close_pool, use_pool  # noqa: E402
from palmares.api.proxies import TrustedProxies  # noqa: E402
from palmares.api.refusals import AnswerRefusals, Receive, Scope, Send  # noqa: E402
from palmares.api.request_ids import RequestIds  # noqa: E402
from palmares.api.request_limit import RequestLimit, allow_open_files  # noqa: E402
from palmares.local.data_folders import UMASK  # noqa: E402
from palmares.queue.event_streams import EventStreams  # noqa: E402

_callers = Callers()
_pages = BodyLimit(
    _django,
    largest=settings.MAX_UPLOAD_BYTES,
    file_prefixes=("/api/v1/uploads/", "/api/v1/runs/", "/api/v1/benchmarks/", "/api/v1/predictions/", "/uploads/"),
    is_known=_callers.is_known,
)
_limited = RequestLimit(_pages, slots=settings.WEB_REQUESTS, callers=_callers)
_events = EventStreams(_limited, callers=_callers)


async def _lifespan(_scope: Scope, receive: Receive, send: Send) -> None:
    """What a server does before its first request and after its last; not done where the tests import this module."""
    await receive()
    os.umask(UMASK)
    use_pool(requests=settings.WEB_REQUESTS)
    allow_open_files()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    close_pool()
    await send({"type": "lifespan.shutdown.complete"})


application = RequestIds(AnswerRefusals(TrustedProxies(_events, trusted=settings.TRUSTED_PROXIES), other=_lifespan))

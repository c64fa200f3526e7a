"""The web as an ASGI application."""

import os
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "palmares.settings.production")
_django: Any = get_asgi_application()

from asgiref.sync import sync_to_async  # noqa: E402 - after Django is set up
from django.conf import settings  # noqa: E402 - after Django is set up

from palmares.api.authentication import is_known  # noqa: E402 - after Django is set up
from palmares.api.body_limit import BodyLimit  # noqa: E402 - after Django is set up

application = BodyLimit(
    _django,
    largest=settings.MAX_UPLOAD_BYTES,
    file_prefixes=("/api/v1/uploads/", "/api/v1/benchmarks/", "/api/v1/predictions/"),
    is_known=sync_to_async(is_known),
)

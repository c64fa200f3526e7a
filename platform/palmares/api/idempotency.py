"""`Idempotency-Key`: a request sent twice is done once, and answered the same."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models.signals import post_delete
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.encoders import JSONEncoder

from palmares.api.models import IdempotencyKey
from palmares.api.problems import GoneError, InvalidError, UnprocessableError

KEPT = timedelta(days=1)
MAX_KEY_LENGTH = 255
_HASHED_OF_FILE = 1 << 20

KEY_PARAMETER = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="A string of your own, new for each thing you want done. Sent again within a day, it gets the first answer.",
)

Handler = Callable[..., Response]


def idempotent(handler: Handler) -> Handler:
    """Decorate a view's method that creates something.

    The key, what the handler does and its answer are committed in one transaction: a second request with the key waits
    for the first, then gets its answer; an error leaves no trace, so the key may be used again.

    Raises:
        InvalidError: the key is empty, too long, or not printable ASCII.
        UnprocessableError: the key came before with another request.
    """

    @wraps(handler)
    def wrapper(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return handler(view, request, *args, **kwargs)
        if not 0 < len(key) <= MAX_KEY_LENGTH or not (key.isascii() and key.isprintable()):
            raise InvalidError(f"Idempotency-Key has 1 to {MAX_KEY_LENGTH} printable ASCII characters.")
        fingerprint, user = _fingerprint(request), _caller(request)
        IdempotencyKey.objects.filter(user_id=user, created_at__lt=timezone.now() - KEPT).delete()
        with transaction.atomic():
            try:
                with transaction.atomic():
                    record = IdempotencyKey.objects.create(user_id=user, key=key, fingerprint=fingerprint)
            except IntegrityError:
                return _replay(request, key, fingerprint)
            response = handler(view, request, *args, **kwargs)
            record.response_status = response.status_code
            record.response_body = json.loads(json.dumps(response.data, cls=JSONEncoder))
            record.save(update_fields=["response_status", "response_body"])
        return response

    return wrapper


def _caller(request: Request) -> int:
    assert request.user.pk is not None  # views without a permission for anonymous callers
    return int(request.user.pk)


def forget_answers(*, user_id: int | None = None, resource: str | None = None) -> None:
    """Empty the kept answers of a user whose access has changed, or those that describe a deleted resource (its id)."""
    found = IdempotencyKey.objects.filter(response_status=201)
    if user_id is not None:
        found = found.filter(user_id=user_id)
    if resource is not None:
        found = found.filter(response_body__id=resource)
    found.update(response_status=GoneError.status, response_body={})


def forget_answers_with(*models: str) -> None:
    """Empty the kept answers that describe a row of one of these models (labels such as `runs.Run`) when it is deleted."""
    for label in models:
        post_delete.connect(_forget_row, sender=label, dispatch_uid=f"answers of {label}")  # type: ignore[arg-type]


def _forget_row(instance: Any, **_: Any) -> None:
    forget_answers(resource=str(instance.pk))


def _replay(request: Request, key: str, fingerprint: str) -> Response:
    record = IdempotencyKey.objects.get(user_id=_caller(request), key=key)
    if record.fingerprint != fingerprint:
        raise UnprocessableError(
            "This Idempotency-Key was already used with a different request; use a new key for a new request."
        )
    if record.response_status == GoneError.status:
        raise GoneError("This request was carried out; what it created was deleted since, or you no longer have access to it.")
    return Response(record.response_body, status=record.response_status, headers={"Idempotency-Replayed": "true"})


def _fingerprint(request: Request) -> str:
    digest = hashlib.sha256(f"{request.method} {request.path}\n".encode())
    data = request.data
    items = data.lists() if hasattr(data, "lists") else data.items() if isinstance(data, dict) else [("", data)]
    for name, value in sorted(items, key=lambda item: str(item[0])):
        values = value if isinstance(value, list) else [value]
        digest.update(json.dumps([str(name), [_hashable(v) for v in values]], default=str).encode())
    return digest.hexdigest()


def _hashable(value: Any) -> Any:
    if not isinstance(value, UploadedFile):
        return value
    value.seek(0)
    head = hashlib.sha256(value.read(_HASHED_OF_FILE)).hexdigest()
    value.seek(0)
    return [value.name, value.size, head]

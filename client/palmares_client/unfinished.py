"""Submissions that the server has not answered yet, so that the same command continues them and makes no second one.

For each, the idempotency key is saved, and the id of its file on the server where that is uploaded in chunks.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from pathlib import Path
from typing import Any, Final

from palmares_client.account import config_folder, write_private_file

LIFETIME_S: Final = 23 * 3600
"""The server remembers a key for a day."""


def fingerprint_of(server: str, fields: dict[str, Any], file: Path) -> str:
    """A hash of the server, the form's fields, and the file's name and content."""
    with file.open("rb") as stream:
        content = hashlib.file_digest(stream, "sha256").hexdigest()
    return hashlib.sha256(json.dumps([server, fields, file.name, content], sort_keys=True).encode()).hexdigest()


def key_of(fingerprint: str) -> str:
    """The idempotency key of the unfinished submission with this fingerprint; a new one, saved until `forget`, if none."""
    saved = _load()
    if fingerprint not in saved:
        saved[fingerprint] = {"key": str(uuid.uuid4()), "since": time.time()}
        _save(saved)
    return str(saved[fingerprint]["key"])


def upload_id_of(fingerprint: str) -> str | None:
    """The id of this submission's file on the server, where its upload in chunks has begun."""
    found = _load().get(fingerprint, {}).get("upload")
    return str(found) if found else None


def save_upload_id(fingerprint: str, upload_id: str | None) -> None:
    """Save that id beside the key, or with None that there is no such file any more."""
    saved = _load()
    if fingerprint in saved:
        saved[fingerprint]["upload"] = upload_id
        _save(saved)


def forget(fingerprint: str) -> None:
    """Remove the submission: the server has answered."""
    saved = _load()
    if saved.pop(fingerprint, None) is not None:
        _save(saved)


def _load() -> dict[str, dict[str, Any]]:
    try:
        content = json.loads(_path().read_text(encoding="utf-8"))
        return {fingerprint: entry for fingerprint, entry in content.items() if time.time() - entry["since"] < LIFETIME_S}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}  # no file, or a damaged one: a new key does no harm


def _save(entries: dict[str, dict[str, Any]]) -> None:
    write_private_file(_path(), json.dumps(entries))


def _path() -> Path:
    return config_folder() / "unfinished.json"

"""Submissions whose answer has not come yet: the same command, given again, goes on where it stopped and begins no second one.

Kept is each one's key, and the id of its file on the server where that is sent in pieces.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from pathlib import Path
from typing import Any, Final

from palmares_client.account import config_folder, write_privately

KEPT_S: Final = 23 * 3600
"""The server keeps a key for a day."""


def fingerprint(server: str, facts: dict[str, Any], file: Path) -> str:
    """The same for the same file and the same words to the same server."""
    with file.open("rb") as stream:
        content = hashlib.file_digest(stream, "sha256").hexdigest()
    return hashlib.sha256(json.dumps([server, facts, file.name, content], sort_keys=True).encode()).hexdigest()


def key_of(mark: str) -> str:
    """The key of an unfinished submission with this fingerprint, or a new one, kept until `forget`."""
    kept = _kept()
    if mark not in kept:
        kept[mark] = {"key": str(uuid.uuid4()), "since": time.time()}
        _keep(kept)
    return str(kept[mark]["key"])


def sent_of(mark: str) -> str | None:
    """The id under which the server gathers this one's file, if it does."""
    found = _kept().get(mark, {}).get("sent")
    return str(found) if found else None


def keep_sent(mark: str, sent: str | None) -> None:
    """Remember that id beside the key, or that there is none any more."""
    kept = _kept()
    if mark in kept:
        kept[mark]["sent"] = sent
        _keep(kept)


def forget(mark: str) -> None:
    """The answer has come."""
    kept = _kept()
    if kept.pop(mark, None) is not None:
        _keep(kept)


def _kept() -> dict[str, dict[str, Any]]:
    try:
        content = json.loads(_path().read_text(encoding="utf-8"))
        return {mark: entry for mark, entry in content.items() if time.time() - entry["since"] < KEPT_S}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}  # none, or broken: a new key is always good


def _keep(entries: dict[str, dict[str, Any]]) -> None:
    write_privately(_path(), json.dumps(entries))


def _path() -> Path:
    return config_folder() / "unfinished.json"

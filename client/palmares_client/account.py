"""Which server, and the token for it: from the environment, or from a file that its owner alone can read."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import httpx
import platformdirs

from palmares_client.errors import PalmaresError

DEFAULT_SERVER = "http://localhost:8000"
_LOCAL = ("localhost", "127.0.0.1", "::1")


@dataclass(frozen=True)
class Account:
    """A server's address, without a slash at its end, and the token for it; empty when there is none."""

    server: str
    token: str


def config_folder() -> Path:
    """Where the client keeps what it remembers: `PALMARES_CONFIG`, or the system's place for it."""
    return Path(os.environ.get("PALMARES_CONFIG") or platformdirs.user_config_path("palmares"))


def load_account(server: str | None = None, token: str | None = None) -> Account:
    """What is given, else `PALMARES_SERVER` and `PALMARES_TOKEN`, else what `palmares login` kept.

    A token that was kept is sent to its own server and to no other.

    Raises:
        PalmaresError: the address is not one of a server, or the file is broken.
    """
    kept = _kept()
    asked = server or os.environ.get("PALMARES_SERVER")
    address = checked_server(asked or kept.get("server") or DEFAULT_SERVER)
    own = kept.get("token", "") if address == kept.get("server") else ""
    return Account(address, token or os.environ.get("PALMARES_TOKEN") or own)


def save_account(account: Account) -> Path:
    """Keep it, readable by its owner alone; the file."""
    path = config_folder() / "account.json"
    write_privately(path, json.dumps({"server": account.server, "token": account.token}))
    return path


def checked_server(text: str) -> str:
    """The address as it is used.

    Raises:
        PalmaresError: it is no address, or one over which a token could be read on its way.
    """
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        raise PalmaresError(f"«{text}» is not an address: {error}.") from error
    if url.scheme not in ("http", "https") or not url.host:
        raise PalmaresError(f"«{text}» is not the address of a server, expected https://palmares.example.org.")
    if url.scheme == "http" and url.host not in _LOCAL and not os.environ.get("PALMARES_ALLOW_HTTP"):
        raise PalmaresError(
            f"{text} is not encrypted and the token could be read on its way: use https://{url.host}, "
            "or set PALMARES_ALLOW_HTTP=1 on a network that you trust."
        )
    return str(url.copy_with(query=None, fragment=None)).rstrip("/")


def write_privately(path: Path, text: str) -> None:
    """Put text into a file in one step; mode 0600 from its first byte on."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(f"{path.name}.{os.getpid()}")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
        stream.write(text)
    aside.replace(path)


def _kept() -> dict[str, str]:
    path = config_folder() / "account.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise PalmaresError(f"{path} cannot be read ({error}); `palmares login` writes it anew.") from error
    return content if isinstance(content, dict) else {}

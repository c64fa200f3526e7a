"""Which server to use, and the token for it: from the environment, or from a file that only its owner can read."""

from __future__ import annotations

import ipaddress
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import httpx
import platformdirs

from palmares_client.api_errors import PalmaresError

DEFAULT_SERVER: Final = "http://localhost:8000"
_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]+")
"""The characters of a bearer token, by RFC 6750."""


@dataclass(frozen=True)
class Account:
    """A server and the token for it.

    Attributes:
        server: its address, without a slash at the end.
        token: empty when there is none. White space around it is dropped.

    Raises:
        PalmaresError: the token holds characters that no token has. The message does not show it.
    """

    server: str
    token: str = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "token", self.token.strip())
        if self.token and not _TOKEN.fullmatch(self.token):
            raise PalmaresError(
                "The token holds a space, a line break or another character that no token has (it is not shown here). "
                "Copy it again from your account's page."
            )


def config_folder() -> Path:
    """Where the client keeps its files: `PALMARES_CONFIG`, or the system's folder for settings."""
    return Path(os.environ.get("PALMARES_CONFIG") or platformdirs.user_config_path("palmares"))


def find_server(server: str | None = None) -> str:
    """The address that is given, else `PALMARES_SERVER`, else the one that `palmares login` saved, else this machine.

    Raises:
        PalmaresError: the address cannot be used, or the saved file is damaged.
    """
    return checked_server(server or os.environ.get("PALMARES_SERVER") or _saved_account()[0] or DEFAULT_SERVER)


def load_account(server: str | None = None, token: str | None = None) -> Account:
    """The server as by `find_server`; and the token that is given, else `PALMARES_TOKEN`, else the saved one.

    A saved token is sent to the server it was saved for and to no other.

    Raises:
        PalmaresError: the address or the token cannot be used, or the saved file is damaged.
    """
    address = find_server(server)
    given = token or os.environ.get("PALMARES_TOKEN")
    if given:
        return Account(address, given)
    saved_server, saved_token = _saved_account()
    return Account(address, saved_token if address == saved_server else "")


def save_account(account: Account) -> Path:
    """Save it in a file that only its owner can read; the file."""
    path = config_folder() / "account.json"
    write_private_file(path, json.dumps({"server": account.server, "token": account.token}))
    return path


def checked_server(text: str) -> str:
    """The address in the form in which it is used.

    Raises:
        PalmaresError: it is not an address, it holds a password, or the token would be sent to it unencrypted.
    """
    expected = "expected an address such as https://palmares.example.org"
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL as error:
        shown = "The address of the server" if "@" in text else f'"{text}"'  # before an @ there may be a password
        raise PalmaresError(f"{shown} is not a valid address; {expected}.") from (None if "@" in text else error)
    if url.userinfo:
        raise PalmaresError(f"The address of the server holds a user name or password; {expected}, and sign in with a token.")
    if url.scheme not in ("http", "https") or not url.host:
        raise PalmaresError(f'"{text}" is not the address of a server; {expected}.')
    if url.scheme == "http" and not is_loopback(url.host) and os.environ.get("PALMARES_ALLOW_HTTP") != "1":
        raise PalmaresError(
            f"{text} is not encrypted, so that others on the network could read your token: use https://{url.host}, "
            "or set PALMARES_ALLOW_HTTP=1 on a network that you trust."
        )
    return str(url.copy_with(query=None, fragment=None)).rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine: `localhost`, 127.0.0.0/8 or ::1."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def write_private_file(path: Path, text: str) -> None:
    """Replace a file in one step; mode 0600 from its first byte on (on Windows the folder's permissions hold).

    Raises:
        PalmaresError: it cannot be written.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as stream:
            stream.write(text)
        temporary.replace(path)
    except OSError as error:
        reason = error.strerror or error
        raise PalmaresError(f"{path} cannot be written ({reason}); PALMARES_CONFIG names another folder.") from error


def _saved_account() -> tuple[str, str]:
    """Server and token as `palmares login` saved them; empty where there is no such file."""
    path = config_folder() / "account.json"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        server, token = content["server"], content["token"]
        if not (isinstance(server, str) and isinstance(token, str)):
            raise TypeError
    except FileNotFoundError:
        return "", ""
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise PalmaresError(
            f"{path} cannot be read ({type(error).__name__}); `palmares login --server URL` writes it again."
        ) from error
    return server, token

"""The errors of the client, each with the exit code of the command."""

from __future__ import annotations

from typing import Any, ClassVar


class PalmaresError(Exception):
    """Base class; the message is a sentence for the user."""

    exit_code: ClassVar[int] = 1


class RejectedError(PalmaresError):
    """The server, or the check before it, refuses what was given.

    Attributes:
        status: of HTTP; None where nothing was sent.
        errors: sentences by field.
        findings: of the check of the file: `level`, `message`, `place`.
    """

    def __init__(
        self,
        detail: str,
        *,
        status: int | None = None,
        errors: dict[str, Any] | None = None,
        findings: list[dict[str, Any]] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.errors = errors or {}
        self.findings = findings or []


class NotSignedInError(PalmaresError):
    """There is no token, or the server does not accept it."""

    exit_code = 3


class NetworkError(PalmaresError):
    """The server was not reached or could not answer, after all retries."""

    exit_code = 4


class ScoringFailedError(PalmaresError):
    """The submission was accepted but not scored: it failed or was cancelled."""

    exit_code = 5

"""Submissions and leaderboards of a Palmarès server, from Python."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, BinaryIO, Final, Self

import httpx

from palmares_client import chunked_upload, unfinished
from palmares_client.account import load_account
from palmares_client.api_errors import RejectedError
from palmares_client.chunked_upload import UploadCallback
from palmares_client.connection import Connection, MessageCallback
from palmares_client.own_methods import RunHandle, zipped
from palmares_client.work_handle import WorkHandle

ATTEMPTS: Final = 3
"""How often a file is sent in chunks if the server then says that it does not have it; after that it goes in one request."""
TEMPORARY_REFUSALS: Final = (409, 429)
"""Refusals that end by themselves, such as the day's quota: the server keeps the file for the next try."""


class Client:
    """One server, as one user.

    Args:
        server: its address; else `PALMARES_SERVER`, what `palmares login` saved, or http://localhost:8000.
        token: else `PALMARES_TOKEN`, or what `palmares login` saved.
        on_message: called with a sentence when something is tried again.

    Raises:
        PalmaresError: the address, the token or the proxy of the environment cannot be used.
    """

    def __init__(
        self, server: str | None = None, token: str | None = None, *, on_message: MessageCallback | None = None
    ) -> None:
        self._on_message = on_message or (lambda _: None)
        self._connection = Connection(load_account(server, token), on_message=on_message)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._connection.__exit__(kind, error, trace)

    @property
    def server(self) -> str:
        """Its address."""
        return self._connection.account.server

    def me(self) -> dict[str, Any]:
        """Your email address and your teams."""
        return dict(self._connection.get("me/"))

    def benchmarks(self) -> Iterator[dict[str, Any]]:
        """All benchmarks that you may see, newest first."""
        return self._connection.pages("benchmarks/")

    def benchmark(self, slug: str) -> dict[str, Any]:
        """One benchmark, by its slug."""
        return dict(self._connection.get(f"benchmarks/{_segment(slug)}/"))

    def leaderboard(self, slug: str, board: str = "all", metric: str = "") -> dict[str, Any]:
        """The first page of a board: `rows` with `rank`, `method`, `value`, `low`, `high`, `coverage`."""
        params = {"board": board, **({"metric": metric} if metric else {})}
        return dict(self._connection.get(f"benchmarks/{_segment(slug)}/leaderboard/", **params))

    def submit(
        self,
        benchmark: str,
        method: str,
        file: str | os.PathLike[str],
        *,
        description: str = "",
        links: tuple[str, ...] | list[str] = (),
        is_public: bool = False,
        shape: str = "estimated",
        is_optimised: bool = False,
        team: str | None = None,
        check: bool = True,
        on_upload: UploadCallback | None = None,
    ) -> SubmissionHandle:
        """Send a prediction. If it was interrupted, the same call again gives the same submission, not a second one.

        The upload of a large file then continues where it stopped (`palmares_client.chunked_upload`).

        Args:
            benchmark: its slug.
            method: its name on leaderboards.
            file: the prediction, in the format of the benchmark's protocol.
            description: of the method.
            links: to its paper or code.
            is_public: whether other teams see the submission.
            shape: where the subject's hand shape comes from: `estimated`, `true` or `calibrated`.
            is_optimised: whether parameters were optimised at inference time.
            team: the team that submits, by name or id; by default the first one that you may submit for.
            check: check the file on this machine before it is sent and counts against the day's quota.
            on_upload: follows the upload.

        Raises:
            RejectedError: the file or the benchmark's rules do not allow it; nothing is stored or counted.
            NotSignedInError, NetworkError: as for every request.
        """
        path = Path(file)
        if not path.is_file():
            raise RejectedError(f"{path} is {'a folder' if path.exists() else 'missing'}, expected a file.")
        if check:
            from palmares_client.local_check import refuse_errors  # noqa: PLC0415 - numpy is not needed to read a leaderboard

            refuse_errors(self.benchmark(benchmark)["protocol"], path)
        fields: dict[str, Any] = {"method": method, "description": description, "is_public": is_public, "links": list(links)}
        fields |= {"shape": shape, "is_optimised": is_optimised}
        if team is not None:
            fields["team"] = self._team_id(team)
        fingerprint = unfinished.fingerprint_of(self.server, {"benchmark": benchmark, **fields}, path)
        try:
            answer = self._send(benchmark, fields, path, fingerprint, on_upload)
        except RejectedError as refusal:
            if refusal.status not in TEMPORARY_REFUSALS:
                chunked_upload.discard(self._connection, fingerprint)
                unfinished.forget(fingerprint)
            raise
        unfinished.forget(fingerprint)
        return SubmissionHandle(self, answer.json())

    def _send(
        self, benchmark: str, fields: dict[str, Any], path: Path, fingerprint: str, on_upload: UploadCallback | None
    ) -> httpx.Response:
        """Create the submission, with the file uploaded in chunks before if it is large, else in the same request."""
        request: dict[str, Any] = {"data": fields, "headers": {"Idempotency-Key": unfinished.key_of(fingerprint)}}
        address, size = f"benchmarks/{_segment(benchmark)}/submissions/", path.stat().st_size
        for _ in range(ATTEMPTS if size > chunked_upload.CHUNK_BYTES else 0):
            pk = chunked_upload.upload(
                self._connection, path, fingerprint=fingerprint, on_upload=on_upload, on_message=self._on_message
            )
            if pk is None:
                break
            try:
                return self._connection.send("POST", address, files={"sent": (None, pk)}, **request)
            except RejectedError as refusal:
                if not chunked_upload.is_unknown(refusal):
                    raise
            unfinished.save_upload_id(fingerprint, None)
        with path.open("rb") as stream:
            file = (path.name, _ReportingFile(stream, size, on_upload))
            return self._connection.send("POST", address, files={"file": file}, **request)

    def _team_id(self, team: str) -> str:
        teams = {str(one["id"]): str(one["name"]) for one in self.me()["teams"]}
        found = [pk for pk, name in teams.items() if team in (pk, name)]
        if len(found) != 1:
            names = ", ".join(f'"{name}" ({pk})' for pk, name in teams.items()) or "none"
            problem = "is the name of several of your teams, expected an id" if found else "is not one of your teams"
            raise RejectedError(f'"{team}" {problem}; your teams are {names}.')
        return found[0]

    def submission(self, pk: str) -> SubmissionHandle:
        """One submission, by its id."""
        return SubmissionHandle(self, dict(self._connection.get(f"submissions/{_segment(pk)}/")))

    def submissions(self, benchmark: str | None = None) -> Iterator[SubmissionHandle]:
        """Those of your own teams, team by team, newest first; `scores` are requested when they are read."""
        params = {"benchmark": benchmark} if benchmark else {}
        for team in self.me()["teams"]:
            for row in self._connection.pages("submissions/", team=team["id"], **params):
                yield SubmissionHandle(self, row)

    def add_run(
        self,
        upload: str,
        method: str,
        file: str | os.PathLike[str],
        *,
        file_format: str = "palmares",
        version: str = "",
        link: str = "",
        side: str = "right",
    ) -> RunHandle:
        """Add predictions of your own method to an upload; `palmares_client.log` takes arrays instead of a file.

        Args:
            upload: its id.
            method: its name in tables and plots.
            file: the predictions; with `meshes` also a folder of .obj or .ply files, with `joints.npy` where it is needed.
            file_format: `palmares`, `mano`, `freihand`, `ho3d` or `meshes`.
            version: of the method.
            link: to its paper or code.
            side: of the hands, in formats that do not say.

        Raises:
            RejectedError: the server does not accept the file; the message says why.
            NotSignedInError, NetworkError: as for every request.
        """
        path = Path(file)
        if not path.exists():
            raise RejectedError(f"{path} is missing, expected a file, or a folder of meshes.")
        fields = {
            "upload": upload,
            "method_name": method,
            "format": file_format,
            "version": version,
            "link": link,
            "side": side,
        }
        with TemporaryDirectory(prefix="palmares-") as folder:
            sent = zipped(path, Path(folder)) if path.is_dir() else path
            with sent.open("rb") as stream:
                request: dict[str, Any] = {"data": fields, "files": {"file": (sent.name, stream)}}
                headers = {"Idempotency-Key": str(uuid.uuid4())}
                return RunHandle(self, dict(self._connection.send("POST", "runs/", headers=headers, **request).json()))

    def run(self, pk: str) -> RunHandle:
        """One run, by its id."""
        return RunHandle(self, dict(self._connection.get(f"runs/{_segment(pk)}/")))

    def run_scores(self, pk: str) -> dict[str, Any]:
        """Errors of a run against the ground truth of its upload."""
        return dict(self._connection.get(f"runs/{_segment(pk)}/scores/"))

    def act(self, pk: str, action: str) -> dict[str, Any]:
        """`cancel` or `retry` a submission; its data afterwards. The request is not repeated: it has no idempotency key."""
        return dict(self._connection.send("POST", f"submissions/{_segment(pk)}/{action}/", retry=False).json())


class SubmissionHandle(WorkHandle):
    """A submission on the server."""

    KIND = "Submission"

    def __init__(self, client: Client, data: dict[str, Any]) -> None:
        self._client = client
        self.data = data

    @property
    def scores(self) -> dict[str, Any] | None:
        """`figures` (mm), `report` (official names and units), `coverage`, versions and hashes; None until scored."""
        if "scores" not in self.data:
            self.refresh()
        found = self.data["scores"]
        return None if found is None else dict(found)

    def refresh(self) -> Self:
        """Request its data again."""
        self.data = self._client.submission(self.id).data
        return self

    def cancel(self) -> Self:
        """Cancel its scoring."""
        self.data = self._client.act(self.id, "cancel")
        return self

    def retry(self) -> Self:
        """Queue it again after it failed or was cancelled."""
        self.data = self._client.act(self.id, "retry")
        return self


class _ReportingFile:
    """A file that reports how much of it was read; it has only the methods that httpx calls."""

    def __init__(self, stream: BinaryIO, size: int, on_upload: UploadCallback | None) -> None:
        self._stream, self._size, self._on_upload = stream, size, on_upload

    def read(self, count: int = -1) -> bytes:
        content = self._stream.read(count)
        self._report()
        return content

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        position = self._stream.seek(offset, whence)
        if whence == os.SEEK_SET:
            self._report()
        return position

    def tell(self) -> int:
        return self._stream.tell()

    def fileno(self) -> int:
        return self._stream.fileno()

    def _report(self) -> None:
        if self._on_upload:
            self._on_upload(self._stream.tell(), self._size)


def _segment(text: str) -> str:
    """One part of an address, which cannot lead to another address."""
    if not text or not all(letter.isascii() and (letter.isalnum() or letter in "-_") for letter in text):
        raise RejectedError(f'"{text}" is not a slug or an id, expected letters, digits, - and _ only.')
    return text

"""The client with settings of the test's own, and a server that can be scripted to misbehave."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from palmares_client import connection, work_handle

TOKEN = "right"
ID = "0c8e5b9e-6f7b-4f4a-9a51-111111111111"
SCORES = {
    "protocol": "palmares", "protocol_version": "1 (abc)", "scorer_version": "1 (def)", "truth_sha256": "5" * 64,
    "report": {}, "figures": {"pa_mpjpe": 6.25, "pa_auc_joints": 0.875}, "coverage": 1.0, "counts": {"rows": 10},
}  # fmt: skip
SUBMISSION = {
    "id": ID, "benchmark": "synth", "method": "m", "description": "", "links": [], "is_public": False, "status": "queued",
    "stage": "", "progress": 0.0, "place": 2, "seconds_left": None, "error": "", "findings": [], "scores": None,
    "created_at": "2026-01-02T03:04:05Z",
}  # fmt: skip
WAY = [
    SUBMISSION,
    {**SUBMISSION, "status": "running", "place": None, "stage": "scoring", "progress": 0.5, "seconds_left": 3.0},
    {**SUBMISSION, "status": "succeeded", "place": None, "progress": 1.0, "scores": SCORES},
]
BENCHMARK = {
    "slug": "synth", "name": "Synth", "protocol": "palmares", "visibility": "public", "daily_limit": 5, "deadline": None,
}  # fmt: skip


class ScriptedServer:
    """A server that answers as the API does, unless `trouble` holds something else to do first.

    Attributes:
        trouble: for each of the next requests a (status, headers, body), None to hang up before the answer, or a number to
            hang up after so many bytes of the body.
        lost: numbers of requests that are carried out but not answered; the first is 0.
        requests: (method, path, headers, form) as they came.
        way: the data of a submission, request by request.
        submissions: made so far, by idempotency key.
        accepts_chunks: whether it speaks tus.
        counts_partial_chunks: whether it keeps the part of a body that had arrived when it hung up.
        files: content uploaded in chunks so far, by id, with the announced size.
        chunks: bytes of each PATCH, in their order.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.trouble: list[tuple[int, dict[str, str], dict[str, Any]] | int | None] = []
        self.lost: set[int] = set()
        self.requests: list[tuple[str, str, Any, dict[str, list[Any]]]] = []
        self.way = list(WAY)
        self.submissions: dict[str, dict[str, Any]] = {}
        self.accepts_chunks = True
        self.counts_partial_chunks = False
        self.files: dict[str, tuple[bytearray, int]] = {}
        self.chunks: list[int] = []

    def answer(
        self, method: str, path: str, headers: Any, body: bytes, form: dict[str, list[Any]]
    ) -> tuple[int, dict[str, str], Any]:
        if self.accepts_chunks and path.startswith("/api/v1/predictions/tus/"):
            return self._tus(method, path.split("/")[5], headers, body)
        sent = form.get("sent", [b""])[0].decode()
        if sent and headers["Idempotency-Key"] not in self.submissions and self.files.pop(sent, None) is None:
            detail = "There is no such file."
            return 400, {}, {"status": 400, "detail": detail, "errors": {"sent": [detail]}}
        status, content = self._content(method, path, headers)
        return status, {}, content

    def _tus(self, method: str, pk: str, headers: Any, body: bytes) -> tuple[int, dict[str, str], Any]:
        assert headers["Tus-Resumable"] == "1.0.0"
        if method == "POST":
            pk = str(uuid4())
            self.files[pk] = bytearray(), int(headers["Upload-Length"])
            return 201, {"Location": f"http://other.example.org/api/v1/predictions/tus/{pk}/"}, None
        if pk not in self.files:
            return 404, {}, {"status": 404, "detail": "There is no such file."}
        content, size = self.files[pk]
        if method == "PATCH":
            if int(headers["Upload-Offset"]) != len(content):
                return 409, {}, {"status": 409, "detail": "Another offset."}
            content += body
        if method == "DELETE":
            del self.files[pk]
        return 200 if method == "HEAD" else 204, {"Upload-Offset": str(len(content)), "Upload-Length": str(size)}, None

    def _content(self, method: str, path: str, headers: Any) -> tuple[int, Any]:
        path, _, query = path.partition("?")
        if headers.get("Authorization") != f"Bearer {TOKEN}":
            return 401, {"title": "Unauthorized", "status": 401, "detail": "Invalid token."}
        if path == "/api/v1/me/":
            return 200, {"email": "a@example.org", "teams": [{"id": "t1", "name": "Ours"}]}
        if path == "/api/v1/benchmarks/":
            second = {**BENCHMARK, "slug": "second"}
            page = [second] if "cursor=2" in query else [BENCHMARK]
            following = None if "cursor=2" in query else "http://other.example.org/api/v1/benchmarks/?cursor=2"
            return 200, {"next": following, "previous": None, "results": page}
        if path == "/api/v1/benchmarks/synth/":
            return 200, BENCHMARK
        if path == "/api/v1/benchmarks/synth/submissions/" and method == "POST":
            known = headers["Idempotency-Key"] in self.submissions
            return (200 if known else 201), self.submissions.setdefault(headers["Idempotency-Key"], SUBMISSION)
        if path == "/api/v1/benchmarks/synth/leaderboard/":
            row = {"rank": 1, "submission": ID, "method": "m", "team": "Ours", "value": 6.25, "low": 6.0, "high": 6.5}
            rows = [{**row, "coverage": 1.0, "published": False, "note": ""}]
            return 200, {"board": "all", "metric": "pa_mpjpe", "unit": "mm", "direction": "lower", "rows": rows}
        if path == "/api/v1/submissions/":
            listed = {k: v for k, v in WAY[-1].items() if k != "scores"}
            return 200, {"next": None, "previous": None, "results": [listed]}
        if path == f"/api/v1/submissions/{ID}/":
            return 200, self.way.pop(0) if len(self.way) > 1 else self.way[0]
        return 404, {"title": "Not Found", "status": 404, "detail": "There is nothing here that you may see."}


@pytest.fixture
def scripted_server() -> Iterator[ScriptedServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            trouble: Any = end.trouble.pop(0) if end.trouble else ()
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(min(trouble, length) if isinstance(trouble, int) else length)
            if not isinstance(trouble, int) and len(body) < length:
                self.close_connection = True  # who asked is gone
                return
            if self.command == "PATCH":
                end.chunks.append(len(body))
            form = {} if isinstance(trouble, int) else _form(self.headers, body)
            end.requests.append((self.command, self.path, self.headers, form))
            if trouble is None or isinstance(trouble, int):
                if end.counts_partial_chunks:
                    end.answer(self.command, self.path, self.headers, body, form)
                self.close_connection = True
                return
            status, headers, content = trouble or end.answer(self.command, self.path, self.headers, body, form)
            if len(end.requests) - 1 in end.lost:
                self.close_connection = True
                return
            text = b"" if content is None or self.command == "HEAD" else json.dumps(content).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(text))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(text)

        do_HEAD = do_PATCH = do_DELETE = do_GET  # noqa: N815 - as http.server has it
        do_POST = do_GET  # noqa: N815 - as http.server has it

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    end = ScriptedServer(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield end
    server.shutdown()
    thread.join()
    server.server_close()


def _form(headers: Any, body: bytes) -> dict[str, list[Any]]:
    """The parts of a multipart body, by name."""
    if not headers.get("Content-Type", "").startswith("multipart/"):
        return {}
    message = BytesParser(EmailMessage, policy=HTTP).parsebytes(
        f"Content-Type: {headers['Content-Type']}\r\n\r\n".encode() + body
    )
    found: dict[str, list[Any]] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        found.setdefault(str(name), []).append(part.get_payload(decode=True))
    return found


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings of this test alone, and short waits."""
    for name in ("PALMARES_SERVER", "PALMARES_TOKEN", "PALMARES_ALLOW_HTTP"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PALMARES_CONFIG", str(tmp_path / "config"))
    monkeypatch.setattr(connection, "WAITS_S", (0.0, 0.0, 0.0))
    monkeypatch.setattr(work_handle, "POLL_S", (0.001, 0.001))
    return tmp_path / "config"

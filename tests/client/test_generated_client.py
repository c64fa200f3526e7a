"""A client that a generator makes of docs/openapi.yaml: complete, and good enough to submit and to read the score."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from palmares.teams.access import create_token
from tests.client.test_against_the_platform import SEQUENCES, contest  # noqa: F401 - a fixture
from tests.predictions import moved, zipped
from tests.score_waiting import score_waiting

SCHEMA = Path(__file__).resolve().parents[2] / "docs" / "openapi.yaml"
NAME = "generated_palmares"
BINARY = ("image/jpeg", "video/mp4", "model/gltf-binary", "model/obj", "application/offset+octet-stream")
"""Content types that the generator is told to treat as bytes; it knows no others than text, JSON and octet-stream."""


@pytest.fixture(scope="module")
def generated(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("generated")
    config = {"post_hooks": [], "content_type_overrides": dict.fromkeys(BINARY, "application/octet-stream")}
    (folder / "config.json").write_text(json.dumps(config))
    command = [
        sys.executable,
        "-m",
        "openapi_python_client",
        "generate",
        "--fail-on-warning",
        "--meta",
        "none",
        "--path",
        SCHEMA,
    ]
    options = ["--config", folder / "config.json", "--output-path", folder / NAME]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture
def package(generated, monkeypatch) -> Any:
    """Imports a module of the generated client."""
    monkeypatch.syspath_prepend(str(generated))
    yield lambda module="": importlib.import_module(f"{NAME}.{module}".rstrip("."))
    for name in [name for name in sys.modules if name.partition(".")[0] == NAME]:
        del sys.modules[name]


def test_every_module_of_it_can_be_imported(generated, package):
    modules = [path.relative_to(generated / NAME).with_suffix("") for path in (generated / NAME).rglob("*.py")]
    names = {".".join(path.parts).removesuffix("__init__").rstrip(".") for path in modules}
    assert len([name for name in names if name.startswith("api.")]) > 70
    for name in names:
        package(name)


@pytest.mark.django_db(transaction=True)
def test_it_submits_and_reads_the_score(package, contest, live_server, member):  # noqa: F811 - the fixture
    models, types, api = package("models"), package("types"), package("client")
    create = package("api.benchmarks.benchmarks_submissions_create").sync
    retrieve = package("api.submissions.submissions_retrieve").sync
    boards = package("api.benchmarks.benchmarks_boards_list").sync
    cancel = package("api.submissions.submissions_cancel_create").sync
    content = zipped(**{name: moved(sequence, 10) for name, sequence in SEQUENCES.items()})
    body = models.NewSubmissionRequest(
        method="Generated",
        file=types.File(payload=BytesIO(content), file_name="pred.zip"),
        links=["https://example.org/paper", "https://example.org/code"],
        is_public=True,
    )
    token = create_token(user=member, name="generated")[1]
    with api.AuthenticatedClient(base_url=live_server.url, token=token, raise_on_unexpected_status=True) as client:
        assert [board.slug for board in boards("ours", client=client)] == ["all"]
        made = create("ours", client=client, body=body, idempotency_key="one")
        assert isinstance(made, models.Submission)
        assert made.links == ["https://example.org/paper", "https://example.org/code"]
        score_waiting()
        found = retrieve(made.id, client=client)
        assert found.status == models.WorkStatus.SUCCEEDED
        assert found.scores.figures["mpjpe"] == pytest.approx(10, abs=1e-3)
        refused = cancel(made.id, client=client)
        assert isinstance(refused, models.Problem)
        assert (refused.status, refused.title) == (409, "Conflict")
    with api.AuthenticatedClient(base_url=live_server.url, token="0" * 64) as nobody:
        assert retrieve(made.id, client=nobody).status == 401

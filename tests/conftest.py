"""Fixtures that more than one part of the tests needs."""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from allauth.account.models import EmailAddress
from rest_framework.test import APIClient

from palmares.teams.access import create_token
from palmares.teams.models import Membership, Role, Team, User
from tests.api_contract import ContractClient
from tests.factories import MembershipFactory, TeamFactory

ROOT = Path(__file__).resolve().parents[1]
SLOW = (
    "tests/browser",
    "tests/workers",
    "tests/client",
    "tests/docs/test_external_methods.py",
    "tests/platform/local",
    "tests/platform/api/test_fuzz.py",
    "tests/ml/training",
    "tests/ml/synthetic",
    "tests/ml/methods",
    "tests/ml/identity",
    "tests/ml/keypoints",
    "tests/ml/priors",
    "tests/ml/web_copy",
    "tests/ml/commands",
    "tests/ml/metrics/test_against_reference.py",
    "tests/ml/metrics/test_intervals.py",
    "tests/ml/metrics/test_ranking.py",
    "tests/ml/metrics/test_statistics.py",
    "tests/ml/fitting/test_solver.py",
    "tests/ml/clip/test_containers.py",
    "tests/ml/formats/test_bad_input.py",
    "tests/ml/intake/test_damaged_files.py",
    "tests/ml/formats/test_json_frames.py",
    "tests/platform/api/test_caching.py",
    "tests/platform/api/test_disk_space.py",
    "tests/platform/api/test_leak_walk.py",
    "tests/platform/api/test_load.py",
    "tests/platform/api/test_private_truth_leaks.py",
    "tests/platform/dashboards/test_panels.py",
    "tests/platform/leaderboards/test_private_truth.py",
    "tests/platform/queue/test_clocks.py",
    "tests/platform/queue/test_events.py",
    "tests/platform/queue/test_state_machine.py",
    "tests/platform/queue/test_scoring_state_machine.py",
    "tests/platform/runs/test_external_runs.py",
    "tests/platform/storage",
    "tests/platform/submissions",
    "tests/platform/test_link_walk.py",
    "tests/platform/test_migrations.py",
    "tests/platform/test_pages.py",
    "tests/platform/test_security.py",
    "tests/platform/uploads/test_ground_truth.py",
    "tests/platform/uploads/test_resume_upload.py",
)
"""Tests of whole servers, long fits, networks, videos and attacks, which `make quick` leaves out."""


def pytest_configure() -> None:
    """Where root runs the tests, each clone keeps its temporary files in a folder of its own.

    PostgreSQL then runs as another user, who must be let through to its data; and whenever pytest starts it closes the usual
    folder (`pytest-of-root`) to other users, also for the databases of tests that are running.
    """
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        folder = Path(tempfile.gettempdir()) / f"palmares-tests-{zlib.crc32(os.fsencode(ROOT)):08x}"
        folder.mkdir(mode=0o711, exist_ok=True)
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(folder))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where slow tests are left out, their files are not even imported."""
    if "not slow" not in config.option.markexpr:
        return None
    return collection_path.relative_to(ROOT).as_posix().startswith(SLOW) or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.relative_to(ROOT).as_posix().startswith(SLOW):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def media_root(settings, tmp_path: Path) -> Path:
    """An empty storage of the test's own, and a folder for files on their way."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "tmp"
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    return settings.MEDIA_ROOT


@pytest.fixture
def team(db) -> Team:
    return TeamFactory(name="Ours")


def _member(team: Team, role: Role) -> User:
    membership: Membership = MembershipFactory(team=team, role=role)
    EmailAddress.objects.create(user=membership.user, email=membership.user.email, verified=True, primary=True)
    return membership.user


@pytest.fixture
def owner(team: Team) -> User:
    return _member(team, Role.OWNER)


@pytest.fixture
def member(team: Team) -> User:
    return _member(team, Role.MEMBER)


@pytest.fixture
def viewer(team: Team) -> User:
    return _member(team, Role.VIEWER)


@pytest.fixture
def outsider(db) -> User:
    """Owner of another team."""
    return _member(TeamFactory(name="Theirs"), Role.OWNER)


@pytest.fixture
def api() -> Callable[[User | None], APIClient]:
    """A client of the API as a person, by a real token; without credentials if None."""

    def client(user: User | None = None) -> APIClient:
        client = ContractClient()
        if user is not None:
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {create_token(user=user, name='test')[1]}")
        return client

    return client


@pytest.fixture
def refusals(api, team, viewer, outsider) -> Callable[..., dict[str, int]]:
    """Statuses of a request without credentials, by an outsider and by a viewer."""

    def statuses(method: str, url: str, data: object = None, **kwargs: object) -> dict[str, int]:
        answers = {}
        for name, user in {"anonymous": None, "outsider": outsider, "viewer": viewer}.items():
            response = getattr(api(user), method)(url, data, **kwargs)
            response.getvalue()  # read to the end, files are closed
            answers[name] = response.status_code
        return answers

    return statuses

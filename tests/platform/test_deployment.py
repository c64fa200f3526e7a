"""The containers cannot be built here; what can be checked of them is."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tomllib
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = {"jax", "jaxlib", "sentencepiece", "sounddevice", "setuptools"}
"""Of MediaPipe's own list, and the head of the lock says why; setuptools comes with torch (`.ci/venv`)."""
SECRETS = {"SECRET_KEY": "a", "POSTGRES_PASSWORD": "b"}


@pytest.fixture(scope="module")
def compose() -> dict:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def ours(compose: dict) -> dict[str, dict]:
    return {name: service for name, service in compose["services"].items() if "build" in service}


def assert_exists(command: str) -> None:
    words = shlex.split(command)
    if words[:2] == ["sh", "-c"]:
        for part in words[2].split("&&"):
            assert_exists(part)
        return
    assert words[0] == "python"
    if words[1] == "-m":
        assert find_spec(words[2]), words[2]
        assert words[2] != "workers" or find_spec("workers.__main__")
        application = [word for word in words if ":application" in word]
        assert application in ([], ["palmares.asgi:application"])
    else:
        assert (ROOT / words[1]).is_file()
        assert words[2] in get_commands(), words[2]


def test_every_services_command_exists(compose):
    assert set(ours(compose)) == {"migrate", "web", "worker", "worker-gpu", "reaper"}
    for service in ours(compose).values():
        assert_exists(service["command"])


def test_services_wait_for_services_that_tell_their_health(compose):
    for service in compose["services"].values():
        for name, condition in service.get("depends_on", {}).items():
            needed = compose["services"][name]
            assert condition["condition"] != "service_healthy" or "healthcheck" in needed
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in compose["volumes"]


def test_production_settings_are_named(compose):
    for service in ours(compose).values():
        environment = service["environment"]
        assert environment["DJANGO_SETTINGS_MODULE"] == "palmares.settings.production"
        assert {"SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL"} <= set(environment)


def _compose(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **SECRETS}
    return subprocess.run(["docker", "compose", *words], env=environment, capture_output=True, text=True, check=False)


def test_docker_understands_it():
    if shutil.which("docker") is None or _compose("version").returncode:
        pytest.skip("there is no `docker compose` on this machine")
    done = _compose("-f", str(ROOT / "docker-compose.yml"), "--profile", "gpu", "config", "--quiet")
    assert done.returncode == 0, done.stderr


def test_the_image_copies_what_is_there():
    for line in (ROOT / "Dockerfile").read_text().splitlines():
        words = line.split()
        if words[:1] == ["COPY"] and not words[1].startswith("--from"):
            for source in words[1:-1]:
                assert (ROOT / source).exists(), source


def test_everything_needed_is_pinned():
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines if "==" in line}
    tables = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for requirement in [*tables["dependencies"], *tables["optional-dependencies"]["dev"]]:
        name = "".join(c if c.isalnum() or c in "-_" else " " for c in requirement).split()[0].lower().replace("_", "-")
        assert name in pinned, f"{name} is not in requirements.lock"


@pytest.mark.parametrize("version", ["3.11.2", "3.11.9", "3.12.7"])
def test_the_lock_is_whole_for_every_python_that_is_supported(version):
    """The lock is installed without looking at dependencies: what another Python needs besides must be in it, too."""
    environment = default_environment() | {"python_version": version.rpartition(".")[0], "python_full_version": version}
    environment["extra"] = ""
    lines = [line for line in (ROOT / "requirements.lock").read_text().splitlines() if line and not line.startswith("#")]
    locked = [Requirement(line) for line in lines]
    there = {canonicalize_name(r.name) for r in locked if r.marker is None or r.marker.evaluate(environment)}
    for distribution in distributions():
        name = canonicalize_name(distribution.metadata["Name"])
        if name not in there or name == "torch":  # which .ci/venv installs with what it needs
            continue
        for text in distribution.requires or ():
            needed = Requirement(text)
            if needed.name not in LEFT_OUT and (needed.marker is None or needed.marker.evaluate(environment)):
                assert canonicalize_name(needed.name) in there, f"{distribution.metadata['Name']} needs {text}"

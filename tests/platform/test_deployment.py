"""Checks of the container files that need no build."""

from __future__ import annotations

import os
import re
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
ELSEWHERE = {
    "SECRET_KEY": "the same on all machines",
    "ALLOWED_HOSTS": "palmares.example.org",
    "DATABASE_URL": "postgres://palmares:x@10.0.0.1/palmares",
    "REDIS_URL": "redis://10.0.0.1:6379/0",
    "S3_BUCKET": "media",
    "S3_ENDPOINT_URL": "https://s3.example.org",
    "S3_REGION": "eu-1",
    "S3_ACCESS_KEY_ID": "id",
    "S3_SECRET_ACCESS_KEY": "secret",
    "S3_ADDRESSING_STYLE": "path",
}
"""What another machine's `.env` names: none of it on that machine."""
NOT_PASSED_ON = {
    "PORT", "HOST", "PALMARES_DATA", "MANO_DIR", "PALMARES_SKINS", "PALMARES_FSYNC", "DJANGO_SETTINGS_MODULE", "WORKER_QUEUES",
}  # fmt: skip
"""Set by the image or the compose file, folders of the host, or of `make run` alone."""


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


def test_services_that_others_wait_for_have_a_health_check(compose):
    for service in compose["services"].values():
        for name, condition in service.get("depends_on", {}).items():
            needed = compose["services"][name]
            assert condition["condition"] != "service_healthy" or "healthcheck" in needed
    for service in compose["services"].values():
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in compose["volumes"]


def test_every_service_uses_the_production_settings(compose):
    for service in ours(compose).values():
        environment = service["environment"]
        assert environment["DJANGO_SETTINGS_MODULE"] == "palmares.settings.production"
        assert {"SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL"} <= set(environment)


def interpolated(text: str, variables: dict[str, str]) -> str:
    """As Docker does it: `${NAME}`, `${NAME:-default}` and `${NAME:?why}`, one in another.

    Raises:
        LookupError: one that must be set is not.
    """
    before, found, rest = text.partition("${")
    if not found:
        return text
    depth, end = 1, 0
    while depth:
        depth += {"{": 1, "}": -1}.get(rest[end], 0)
        end += 1
    inside, after = rest[: end - 1], rest[end:]
    name, _, otherwise = inside.partition(":")
    value = variables.get(name, "")
    if not value and otherwise.startswith("?"):
        raise LookupError(otherwise[1:])
    value = value or interpolated(otherwise.removeprefix("-"), variables)
    return before + value + interpolated(after, variables)


def environment_of(service: dict, variables: dict[str, str]) -> dict[str, str]:
    """What a container gets: names without a value are passed on where they are set."""
    given = {name: variables.get(name) if value is None else interpolated(value, variables) for name, value in service.items()}
    return {name: value for name, value in given.items() if value is not None}


def test_every_service_can_use_a_database_a_broker_and_a_bucket_of_other_machines(compose):
    for name, service in ours(compose).items():
        found = environment_of(service["environment"], ELSEWHERE)
        assert found["ALLOWED_HOSTS"].split(",") == ["localhost", "palmares.example.org"], name
        assert {key: found.get(key) for key in ELSEWHERE} | {"ALLOWED_HOSTS": ELSEWHERE["ALLOWED_HOSTS"]} == ELSEWHERE, name
    for service in compose["services"].values():
        for value in [*service.get("environment", {}).values(), *service.get("ports", [])]:
            interpolated(value or "", ELSEWHERE)  # nothing else must be set on such a machine


def test_one_machine_needs_its_two_secrets_and_nothing_else(compose):
    for service in ours(compose).values():
        found = environment_of(service["environment"], SECRETS)
        assert found["DATABASE_URL"] == "postgres://palmares:b@postgres:5432/palmares"
        assert found["REDIS_URL"] == "redis://redis:6379/0"
        assert not {name for name, value in found.items() if not value}, "an empty setting is not one that is not set"
    for missing in SECRETS:
        with pytest.raises(LookupError, match=f"set {missing} in .env"):
            environment_of(compose["services"]["web"]["environment"], {k: v for k, v in SECRETS.items() if k != missing})


def test_every_documented_setting_reaches_every_service(compose):
    rows = [line.split("|")[1] for line in (ROOT / "docs/settings.md").read_text().splitlines() if line.startswith("| `")]
    names = {name for first in rows for name in re.findall("`([A-Z0-9_]+)`", first)}
    assert len(names) > 30
    for name, service in ours(compose).items():
        assert names - NOT_PASSED_ON - set(service["environment"]) == set(), name


def test_published_ports_are_configurable(compose):
    assert [interpolated(port, {}) for port in compose["services"]["web"]["ports"]] == ["127.0.0.1:8000:8000"]
    chosen = {"BIND": "10.0.0.2", "PORT": "80"}
    assert [interpolated(port, chosen) for port in compose["services"]["web"]["ports"]] == ["10.0.0.2:80:8000"]
    assert not any(compose["services"][name].get("ports") for name in ("postgres", "redis"))
    shared = yaml.safe_load((ROOT / "docker-compose.shared.yml").read_text())["services"]
    for name, port in (("postgres", 5432), ("redis", 6379)):
        assert [interpolated(text, {"SHARED_BIND": "10.0.0.1"}) for text in shared[name]["ports"]] == [
            f"10.0.0.1:{port}:{port}"
        ]
        with pytest.raises(LookupError, match="private network"):
            interpolated(shared[name]["ports"][0], {})


def _compose(*words: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **SECRETS, "SHARED_BIND": "127.0.0.1"}
    return subprocess.run(["docker", "compose", *words], env=environment, capture_output=True, text=True, check=False)


def test_docker_compose_accepts_the_files():
    if shutil.which("docker") is None or _compose("version").returncode:
        pytest.skip("there is no `docker compose` on this machine")
    files = ["-f", str(ROOT / "docker-compose.yml")]
    for words in (files, [*files, "-f", str(ROOT / "docker-compose.shared.yml")]):
        done = _compose(*words, "--profile", "gpu", "config", "--quiet")
        assert done.returncode == 0, done.stderr


def test_every_path_that_the_image_copies_exists():
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

"""The documents and `--help` agree: every command, every option, every choice."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from manage import OFFLINE
from ml.commands import estimate, score
from palmares_client import command as client_command

ROOT = Path(__file__).parents[2]
COMMANDS = (ROOT / "docs/commands.md").read_text()
CLIENT = (ROOT / "docs/client.md").read_text()
OFFLINE_PARSERS = {"estimate": estimate.build_parser(), "score": score.build_parser("manage.py score")}
OURS = sorted(name for name, app in get_commands().items() if app == "palmares")


def client_parsers() -> dict[str, argparse.ArgumentParser]:
    (commands,) = [a for a in client_command.build_parser()._actions if isinstance(a, argparse._SubParsersAction)]
    return dict(commands.choices)


def long_options(parser: argparse.ArgumentParser) -> set[str]:
    return {name for action in parser._actions for name in action.option_strings if name.startswith("--")} - {"--help"}


def section(name: str) -> str:
    """The part of docs/commands.md under a heading."""
    return COMMANDS.partition(f"## {name}\n")[2].partition("\n## ")[0]


def test_the_offline_commands_are_those_documented():
    assert set(OFFLINE_PARSERS) == set(OFFLINE)


@pytest.mark.parametrize("name", list(OFFLINE_PARSERS))
def test_the_arguments_of_an_offline_command_are_documented(name):
    rows = dict(re.findall(r"^\| `([^`]+)` \| (.*) \|$", section(name), re.MULTILINE))
    parser = OFFLINE_PARSERS[name]
    positional = {str(action.metavar) for action in parser._actions if not action.option_strings}
    assert set(rows) == long_options(parser) | positional
    for action in parser._actions:
        if action.choices:
            (option,) = action.option_strings
            listed = re.findall(r"`([\w-]+)`", rows[option])
            assert set(action.choices) <= set(listed), option


@pytest.mark.parametrize("name", OURS)
def test_a_command_of_the_platform_is_documented_with_its_options(name):
    (row,) = [line for line in COMMANDS.splitlines() if line.startswith("| `") and re.match(rf"\| `{name}\b", line)]
    command = load_command_class("palmares", name)
    parser = command.create_parser("manage.py", name)
    of_django = {
        "--version",
        "--verbosity",
        "--settings",
        "--pythonpath",
        "--traceback",
        "--no-color",
        "--force-color",
        "--skip-checks",
    }
    assert long_options(parser) - of_django == set(re.findall(r"--[a-z-]+", row))


def test_the_commands_of_the_client_are_documented():
    rows = re.findall(r"^\| (`\w.*?) \| ", CLIENT, re.MULTILINE)
    documented = {name for row in rows for name in re.findall(r"`(\w+)", row)}
    assert documented == set(client_parsers())


@pytest.mark.parametrize("name", sorted(set(client_parsers()) - {"score"}))
def test_the_options_of_a_client_command_are_documented(name):
    (row,) = [line for line in CLIENT.splitlines() if re.match(rf"\| `{name}\b", line)]
    everywhere = {"--server"}
    assert "`--server URL`" in CLIENT
    documented = set(re.findall(r"(?<![\w-])--[a-z-]+", row))
    short = {"-b": "--benchmark", "-m": "--method"}
    documented |= {short[name] for name in re.findall(r"(?<![\w-])(-[bm])\b", row)}
    assert documented | everywhere == long_options(client_parsers()[name]) | everywhere


def test_every_option_explains_itself():
    parsers = {**OFFLINE_PARSERS, **{n: p for n, p in client_parsers().items() if n != "score"}}
    for name, parser in parsers.items():
        for action in parser._actions:
            assert action.help or not action.option_strings, f"{name} {action.option_strings}"


def test_the_exit_codes_of_the_client_are_documented():
    from palmares_client import api_errors  # noqa: PLC0415

    kinds = [kind for kind in vars(api_errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    codes = {kind.exit_code for kind in kinds} | {0, 2, client_command.INTERRUPTED}
    assert {int(code) for code in re.findall(r"^\| (\d+) \| ", CLIENT, re.MULTILINE)} == codes
    assert {int(code) for code in re.findall(r"\b(\d+) [a-z]", client_command.__doc__.partition("Exit codes:")[2])} == codes

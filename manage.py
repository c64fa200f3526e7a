#!/usr/bin/env python
"""All commands: `up`, `migrate`, `token`, `demo`, …; and `estimate` and `score`, which need neither server nor database."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent
OFFLINE = {"estimate": "ml.commands.estimate", "score": "ml.commands.score"}
"""Commands that do not use Django: name to module with `main(argv) -> exit code`."""


def main(argv: list[str]) -> int:
    """Run one command; its exit code."""
    sys.path[:0] = [str(ROOT), str(ROOT / "platform")]
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "palmares.settings.development")
    command = argv[1] if len(argv) > 1 else "help"
    if command in OFFLINE:
        return int(import_module(OFFLINE[command]).main(argv[2:]))
    if command == "up":
        return int(import_module("palmares.local.launch").main(argv[2:]))
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - offline commands start without it

    execute_from_command_line(argv)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))

"""A submitted file is checked as scoring would read it; what is said of it never depends on the distance to the truth."""

from __future__ import annotations

from pathlib import Path

from palmares.api.limited_check import Checked, run_check


def check_file(*, protocol: str, truth: Path, file: Path, name: str) -> Checked:
    """Read the whole file as scoring would.

    Args:
        protocol: name in `ml.catalog.PROTOCOLS`.
        truth: file or folder on this machine; says which frames there are.
        file: on this machine.
        name: what messages call the file.

    Raises:
        RefusedFileError, InvalidError, UnavailableError, OSError: see `palmares.api.limited_check.run_check`.
    """
    return run_check(module="ml.commands.check", arguments=["--protocol", protocol, "--", str(truth), str(file)], name=name)

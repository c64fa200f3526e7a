"""`python -m ml.commands.check`: whether a file can be scored. Reads all of it, and prints one JSON object.

Of the ground truth only frames, sides and counts are used. The output does not depend on any distance to it, and may be shown
to anyone.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import orjson

from ml.commands.limits import add_limits, apply_limits
from ml.formats.faults import FormatError
from ml.metrics.pairing import Pair, open_pair
from ml.metrics.preflight import Finding, check_prediction
from ml.metrics.protocol import PROTOCOLS

_BLOCK = 256
"""Frames read at a time."""


def main(argv: list[str]) -> int:
    """Run the command; exit code 0 whenever a result was printed."""
    parser = argparse.ArgumentParser(prog="check", description=__doc__)
    parser.add_argument("truth", type=Path)
    parser.add_argument("prediction", type=Path)
    parser.add_argument("--protocol", required=True, choices=list(PROTOCOLS))
    parser.add_argument("--name", help="what messages call the file")
    add_limits(parser)
    options = parser.parse_args(argv)
    apply_limits(options)
    answer = check(options.protocol, options.truth, options.prediction, options.name or options.prediction.name)
    sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
    return 0


def check(protocol: str, truth: Path, prediction: Path, name: str) -> dict[str, Any]:
    """`refused`: why it cannot be scored, or empty; `rows`: predicted hands of the ground truth; `findings`: of the check."""
    recipe = PROTOCOLS[protocol]
    try:
        with open_pair(recipe, truth, prediction, name=name) as pair:
            _read_all(pair)
            findings = check_prediction(recipe, pair.prediction, count=pair.count, sides=pair.sides)
            found = pair.count if pair.prediction.found is None else int(pair.prediction.found[: pair.count].sum())
            findings += [Finding("warning", note, name) for note in pair.notes]
            if found < pair.count:
                findings.append(Finding("note", f"{found} of {pair.count} hands are predicted", name))
    except FormatError as error:
        return {"refused": f"{str(error).rstrip('.')}.", "rows": 0, "findings": []}
    errors = [f"{f.place}: {f.message}." for f in findings if f.level == "error"]
    return {"refused": " ".join(errors), "rows": found, "findings": [f.as_json() for f in findings]}


def _read_all(pair: Pair) -> None:
    """Read every frame, so that a fault is found now and not during scoring."""
    for first in range(0, pair.count, _BLOCK):
        last = min(first + _BLOCK, pair.count)
        pair.prediction.joints(first, last)
        if pair.prediction.vertex_count is not None:
            pair.prediction.vertices(first, last)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

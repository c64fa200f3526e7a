"""Checks a file that somebody attaches to an upload: reads it whole, checks it against the clip, prints one JSON object.

The server runs this in a process of its own, with limits on memory, time and disk space, because the file is untrusted.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, get_args

import orjson

from ml.commands.limits import add_limits, apply_limits
from ml.formats.faults import FormatError
from ml.hand.skeleton import SIDES, Side
from ml.intake.clip_facts import ClipFacts
from ml.intake.reading import READERS, Kind, read_attached


def main(argv: list[str]) -> int:
    """Run the command; exit code 0 whenever a result was printed."""
    parser = argparse.ArgumentParser(prog="check_attached", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--kind", required=True, choices=get_args(Kind))
    parser.add_argument("--format", required=True)
    parser.add_argument("--clip", required=True, help="what is known of the clip, as JSON")
    parser.add_argument("--side", choices=SIDES, default="right")
    parser.add_argument("--name", help="what messages call the file")
    add_limits(parser)
    options = parser.parse_args(argv)
    apply_limits(options)
    clip = ClipFacts.from_json(json.loads(options.clip))
    name = options.name or options.file.name
    answer = check(options.kind, options.file, options.format, clip, name=name, side=options.side)
    sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
    return 0


def check(kind: Kind, file: Path, file_format: str, clip: ClipFacts, *, name: str, side: Side) -> dict[str, Any]:
    """`refused`: why it cannot be used, or empty; `rows`: hands; `findings`: of the check."""
    if file_format not in READERS[kind]:
        return {
            "refused": f"There is no format {file_format!r}; there are {', '.join(READERS[kind])}.",
            "rows": 0,
            "findings": [],
        }
    try:
        attached = read_attached(kind, file, file_format, clip, called=name, side=side)
    except FormatError as error:
        return {"refused": f"{str(error).rstrip('.')}.", "rows": 0, "findings": []}
    findings = [finding.as_json() for finding in attached.findings]
    return {"refused": "", "rows": len(attached.prediction), "findings": findings}


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""`make bench`: every `bench_*.py`, each in a process of its own, as one Markdown table.

`python -m tests.bench [NAME …]` measures only those named (`pipeline` for `bench_pipeline.py`), `storm` among them; `--help`
lists them (docs/measuring.md).
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
ONLY_WHEN_NAMED = ("storm",)
"""Takes minutes by design."""
_ROWS = "import importlib, json, sys; rows = importlib.import_module(sys.argv[1]).rows(); print('\\n' + json.dumps(rows))"


def benches() -> dict[str, str]:
    """What each one measures, by name: the first line of its file's docstring."""
    files = {path.stem.removeprefix("bench_"): path for path in sorted(HERE.glob("bench_*.py"))}
    return {name: (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n\n")[0] for name, path in files.items()}


def chosen(words: list[str]) -> list[str]:
    """The names on the command line; ends with a message where there is no such bench."""
    known = benches()
    listed = "\n".join(f"  {name:<10} {' '.join(text.split())}" for name, text in known.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description=f"Measure, and print a table. Without names: all but {', '.join(ONLY_WHEN_NAMED)}.\n\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME")
    names: list[str] = parser.parse_args(words).names
    if unknown := [name for name in names if name not in known]:
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(known)}")
    return names


def main(names: list[str]) -> int:
    """Measure and print; 1 where something could not be measured."""
    print(f"| What ({os.cpu_count()} cores) | Measured | Target |\n| --- | --- | --- |", flush=True)
    failed = 0
    for path in sorted(HERE.glob("bench_*.py")):
        name = path.stem.removeprefix("bench_")
        if name not in names and (names or name in ONLY_WHEN_NAMED):
            continue
        rows = measure(f"tests.bench.{path.stem}")
        failed += rows is None
        for row in rows or [(path.stem, "could not be measured", "")]:
            print(f"| {' | '.join(row)} |", flush=True)
    return int(failed > 0)


def measure(module: str) -> list[tuple[str, str, str]] | None:
    """`rows()` of a module; None, with its errors on stderr, where it fails."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'platform'}"}
    done = subprocess.run(
        [sys.executable, "-c", _ROWS, module], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(done.stderr[-4000:], file=sys.stderr)
        return None
    rows: list[tuple[str, str, str]] = json.loads(done.stdout.rsplit("\n", 2)[-2])
    return rows


if __name__ == "__main__":
    raise SystemExit(main(chosen(sys.argv[1:])))

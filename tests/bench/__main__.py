"""`make bench`: every `bench_*.py`, each in a process of its own, as one Markdown table.

`python -m tests.bench [NAME …]` measures only those named (`pipeline` for `bench_pipeline.py`), `storm` among them.
"""

from __future__ import annotations

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
    raise SystemExit(main(sys.argv[1:]))

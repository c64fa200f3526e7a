"""How fast synthetic clips are drawn and written."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from ml.synthetic.benchmark import plan, render_benchmark
from ml.synthetic.demo_clips import write_demo_clips


def rows() -> list[tuple[str, str, str]]:
    """(what, measured, target)."""
    table = []
    for sequence in plan(0, "small")[:2]:
        clip = sequence.clip()
        start = time.perf_counter()
        count = sum(1 for _ in clip.frames())
        rate = count / (time.perf_counter() - start)
        table.append((f"frames drawn at 256 × 256, {sequence.subset}, one process", f"{rate:.0f} /s", "≥ 20 /s on 2 cores"))
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        render_benchmark(Path(folder) / "benchmark")
        frames = round(sum(s.seconds * 30 for s in plan(0, "small")))
        seconds = time.perf_counter() - start
        table.append(
            ("small palmares-synth, rendered, encoded, with truth", f"{seconds:.1f} s, {frames / seconds:.0f} /s", "≥ 20 /s")
        )
        start = time.perf_counter()
        write_demo_clips(Path(folder) / "demo")
        table.append(("the demonstration's two clips, 640 × 480", f"{time.perf_counter() - start:.1f} s", "well under 60 s"))
    return table

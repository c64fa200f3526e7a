"""A worker that also knows the method `slow-test`, which takes as long as it is told and notes what it does.

Run as a script in place of `python -m workers`.
"""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from pathlib import Path

import numpy as np

from ml import catalog

NAME = "slow-test"


class SlowMethod:
    """Answers with one motionless right hand a frame."""

    def estimate(self, request, report):
        from ml.formats.prediction import PredictionArrays  # noqa: PLC0415 - the worker's parent stays small
        from ml.hand.model import load_hand_model  # noqa: PLC0415

        note("begin")
        end = time.monotonic() + float(os.environ["SLOW_SECONDS"])
        while (left := end - time.monotonic()) > 0:
            report("waiting", 1 - left / float(os.environ["SLOW_SECONDS"]))
            time.sleep(0.05)
        frames = request.clip.frame_count
        template = np.random.default_rng(0).normal([0, 0, 0.5], 0.05, (load_hand_model("open", "right").n_vertices, 3))
        note("end")
        return PredictionArrays(
            frame=np.arange(frames, dtype=np.int32),
            side=np.ones(frames, np.uint8),
            track=np.zeros(frames, np.int32),
            score=np.ones(frames, np.float32),
            joints=np.tile(template[:21], (frames, 1, 1)).astype(np.float32),
            vertices=np.tile(template, (frames, 1, 1)).astype(np.float32),
            intrinsics=request.intrinsics,
            meta={
                "method": NAME,
                "hand_model": "open",
                "fps": request.clip.fps,
                "frame_count": frames,
                "width": 64,
                "height": 48,
            },
        )


def note(word: str) -> None:
    with Path(os.environ["SLOW_NOTES"]).open("a") as stream:
        stream.write(f"{word} {os.getpid()}\n")


if __name__ == "__main__":
    entry = next(iter(catalog.METHODS.values()))
    gpu = os.environ.get("SLOW_PREFERS_GPU") == "yes"
    catalog.METHODS[NAME] = dataclasses.replace(entry, name=NAME, implementation="slow_method:SlowMethod", prefers_gpu=gpu)
    sys.path.insert(0, str(Path(__file__).parent))
    from workers.__main__ import main

    main()

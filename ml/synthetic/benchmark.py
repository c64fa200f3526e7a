"""The embedded benchmark `palmares-synth`: clips of synthetic people with full truth, drawn from one seed.

`python -m ml.synthetic.benchmark FOLDER [--seed N] [--size small|full] [--split test]` writes

- `benchmark.json`: seed, size, and for each sequence its folder, split, subject, sides, activity, frames and subsets;
- `SPLIT/SEQUENCE/video.mp4`, `truth.npz` (canonical prediction), `extra.npz` (per-joint visibility; `ml.synthetic.clips`).

Test, validation and training subjects are different people. Each activity of each subject comes clear and, as the subset
`occluded`, with things that pass before the hand, more turning and motion blur.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final, Literal, get_args

import torch

from ml.hand.skeleton import Side
from ml.synthetic.clips import RenderedClip, make_clip, write_clip
from ml.synthetic.hand_motion import ACTIVITIES, Activity
from ml.synthetic.subjects import SPLITS, Split, make_subject

NAME: Final = "palmares-synth"

VERSION: Final = "2"

Size = Literal["small", "full"]

FPS: Final = 30

PIXELS: Final = 256

_SUBJECTS: Final[dict[Size, dict[Split, int]]] = {
    "small": {"train": 2, "validation": 1, "test": 2},
    "full": {"train": 20, "validation": 4, "test": 6},
}
_ACTIVITIES: Final[dict[Size, tuple[Activity, ...]]] = {"small": ("count", "grasp"), "full": ACTIVITIES}
_SECONDS: Final[dict[Size, float]] = {"small": 3.0, "full": 8.0}


@dataclass(frozen=True)
class SequencePlan:
    """One clip to be rendered. `seed` is the clip's own; `subset` is `clear` or `occluded`."""

    name: str
    split: Split
    number: int
    activity: Activity
    side: Side
    subset: Literal["clear", "occluded"]
    seed: int
    subject_seed: int
    seconds: float

    def clip(self) -> RenderedClip:
        """Draw it, unrendered."""
        options = {
            key: value for key, value in self.options().items() if key not in ("subject", "subject_seed", "split", "seed")
        }
        subject = make_subject(self.subject_seed, self.split, self.number)
        return make_clip(self.seed, subject, **options | {key: tuple(options[key]) for key in ("hands", "activities")})

    def options(self) -> dict[str, Any]:
        """Everything that draws it, as JSON: `subject_seed`, `split`, `subject`, `seed`, and what `make_clip` takes by name."""
        hard = self.subset == "occluded"
        return {
            "subject_seed": self.subject_seed,
            "split": self.split,
            "subject": self.number,
            "seed": self.seed,
            "seconds": self.seconds,
            "fps": FPS,
            "width": PIXELS,
            "height": PIXELS,
            "hands": [self.side],
            "activities": [self.activity],
            "occluders": 1 if hard else 0,
            "motion_blur": 2 if hard else 1,
            "turn": 0.7 if hard else 0.45,
            "sequence": self.name,
        }


def plan(seed: int, size: Size, splits: tuple[Split, ...] = ("test",)) -> list[SequencePlan]:
    """All sequences of a benchmark; the same arguments give the same list, and no two sequences share a seed."""
    return [sequence for split in splits for sequence in _planned(seed, size, split)]


def render_benchmark(folder: Path, *, seed: int = 0, size: Size = "small", splits: tuple[Split, ...] = ("test",)) -> Path:
    """Render a benchmark into a folder, sequences side by side on two processes; returns the path of `benchmark.json`."""
    sequences = plan(seed, size, splits)
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(2, mp_context=get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)) as pool:
        frames = list(pool.map(_write, sequences, [folder / s.split / s.name for s in sequences]))
    entries = [
        asdict(s) | {"folder": f"{s.split}/{s.name}", "frames": n, "subsets": ["all", s.subset]}
        for s, n in zip(sequences, frames, strict=True)
    ]
    header = {"name": NAME, "version": VERSION, "seed": seed, "size": size, "fps": FPS, "width": PIXELS, "height": PIXELS}
    index = folder / "benchmark.json"
    index.write_text(json.dumps(header | {"sequences": entries}, indent=1))
    return index


def _planned(seed: int, size: Size, split: Split) -> Iterator[SequencePlan]:
    serial = 0
    for number in range(_SUBJECTS[size][split]):
        for activity in _ACTIVITIES[size]:
            for subset in ("clear", "occluded"):
                side: Side = "right" if (number + serial // 2) % 2 == 0 else "left"
                yield SequencePlan(
                    name=f"{split}-{number:02d}-{activity}-{subset}",
                    split=split,
                    number=number,
                    activity=activity,
                    side=side,
                    subset="clear" if subset == "clear" else "occluded",
                    seed=((seed * len(SPLITS) + SPLITS.index(split)) << 16) + serial,
                    subject_seed=seed,
                    seconds=_SECONDS[size],
                )
                serial += 1


def _write(sequence: SequencePlan, folder: Path) -> int:
    clip = sequence.clip()
    write_clip(clip, folder)
    return clip.truth.frame_count


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Render the embedded benchmark palmares-synth.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", choices=get_args(Size), default="small")
    parser.add_argument("--split", choices=SPLITS, action="append", help="may be given more than once; test alone unless told")
    chosen = parser.parse_args()
    index = render_benchmark(chosen.folder, seed=chosen.seed, size=chosen.size, splits=tuple(chosen.split or ["test"]))
    print(index)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

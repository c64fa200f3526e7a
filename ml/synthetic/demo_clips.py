"""The demonstration's clips: two synthetic people who move their hands.

`python -m ml.synthetic.demo_clips FOLDER` writes `FOLDER/{ada,ben}/{video.mp4,truth.npz,extra.npz}`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from ml.hand.skeleton import Side
from ml.synthetic.clips import make_clip, write_clip
from ml.synthetic.hand_motion import Activity
from ml.synthetic.subjects import make_subject

SECONDS: Final = 5.0

_CLIPS: Final[dict[str, tuple[int, tuple[Side, ...], tuple[Activity, ...]]]] = {
    "ada": (11, ("right", "left"), ("count", "reach")),
    "ben": (5, ("right",), ("grasp",)),
}


def write_demo_clips(folder: Path, seconds: float = SECONDS) -> dict[str, Path]:
    """Render both clips (640 × 480, 30 frames/s, H.264) with their truth; returns each one's folder by name."""
    folders = {}
    for number, (name, (seed, hands, activities)) in enumerate(_CLIPS.items()):
        subject = make_subject(0, "validation", number)
        clip = make_clip(seed, subject, seconds=seconds, hands=hands, activities=activities, turn=0.35, sequence=name)
        folders[name] = folder / name
        write_clip(clip, folders[name])
    return folders


def main(arguments: list[str]) -> int:
    """Write the clips into the folder named."""
    if len(arguments) != 1:
        print("usage: python -m ml.synthetic.demo_clips FOLDER", file=sys.stderr)
        return 2
    for name, folder in write_demo_clips(Path(arguments[0])).items():
        print(f"{name}: {folder}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

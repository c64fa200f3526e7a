"""Rendering the videos of the demonstration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ml.synthetic.clips import RenderedClip, make_clip, write_clip
from ml.synthetic.render import View
from ml.synthetic.subjects import make_subject

Report = Callable[[str, float], None]


@dataclass(frozen=True)
class _WatchedClip(RenderedClip):
    """A clip that says how much of it has been drawn."""

    report: Callable[[float], None]

    def views(self) -> Iterator[View]:
        for index, view in enumerate(super().views()):
            self.report(index / self.truth.frame_count)
            yield view


def render(facts: dict[str, Any], folder: Path, report: Report) -> Path:
    """Render `video.mp4` and `truth.npz` into a folder.

    Args:
        facts: `subject` (number), `split` and `subject_seed` (validation and 0 unless told), `seed`, and what else
            `ml.synthetic.clips.make_clip` takes by name, as JSON.
        folder: to be made.
        report: told the stage and the fraction done.
    """
    options = {key: value for key, value in facts.items() if key not in ("subject", "split", "subject_seed", "seed")}
    for key in ("hands", "activities"):
        if key in options:
            options[key] = tuple(options[key])
    subject = make_subject(int(facts.get("subject_seed", 0)), facts.get("split", "validation"), int(facts["subject"]))
    clip = make_clip(int(facts["seed"]), subject, **options)
    write_clip(_WatchedClip(**vars(clip), report=lambda fraction: report("rendering the hands", fraction)), folder)
    return folder

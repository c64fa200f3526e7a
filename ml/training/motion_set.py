"""The motions that priors of hand motion learn from: `python -m ml.training.motion_set [--motions DIR]` rebuilds them.

Procedural motions are drawn from seeds that differ between training, validation and test; recorded ones are split by person,
session and sign. Without DIR there are procedural ones only. `docs/motion-prior.md` lists what is in each part.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from ml.priors.motion_window import ANGLES, FPS, FRAMES, windows_of
from ml.synthetic.hand_motion import ALL_ACTIVITIES, joint_motion
from ml.training.motion_coverage import Part, draw
from ml.training.recorded_motion import Motion, recorded_motions

Split = Literal["train", "validation", "test"]
SPLITS: Final[tuple[Split, ...]] = get_args(Split)

SEQUENCE_FRAMES: Final = 360
_SEED: Final[dict[Split, int]] = {"train": 11, "validation": 12, "test": 13}
_HELD_OUT: Final[dict[str, Split]] = {
    "dex:dex-retargeting": "test",
    "leap:leap-02": "test",
    "leap:leap-08": "test",
    "leap:leap-15": "test",
    "leap:leap-06": "validation",
    "leap:leap-17": "validation",
    "asl_ai:F": "test",
    "asl_ai:Q": "test",
    "asl_ai:W": "test",
    "asl_ai:I": "validation",
    "asl_ai:T": "validation",
}
"""Sessions, persons and signs that are not trained on; `dex` is another person, wholly for the test."""


@dataclass(frozen=True)
class MotionSet:
    """One part of the set: motions [N, 45] at 30 fps, procedural and recorded."""

    procedural: tuple[Motion, ...]
    recorded: tuple[Motion, ...]

    @property
    def motions(self) -> tuple[Motion, ...]:
        """All of them."""
        return (*self.procedural, *self.recorded)

    def windows(self, hop: int = FRAMES) -> Tensor:
        """Windows float32 [W, 128, 45] of all motions, every `hop` frames."""
        return windows_tensor(self.motions, hop)


def motion_set(split: Split, *, an_activity: int, seed: int = 0, motions: Path | None = None) -> MotionSet:
    """A part of the set.

    Args:
        split: `train`, `validation` or `test`.
        an_activity: procedural sequences of each activity, 12 s each.
        seed: of the procedural ones.
        motions: folder of recorded motion (`ml.training.recorded_motion`), if there is one.
    """
    recorded = () if motions is None else tuple(m for m in recorded_motions(motions) if split_of(m) == split)
    return MotionSet(tuple(_procedural(split, an_activity, seed)), recorded)


def split_of(motion: Motion) -> Split:
    """The part to which a recording belongs."""
    return _HELD_OUT.get(motion.session, "train")


def _procedural(split: Split, an_activity: int, seed: int) -> list[Motion]:
    times = np.arange(SEQUENCE_FRAMES) / FPS
    made = []
    for number, activity in enumerate(ALL_ACTIVITIES):
        for index in range(an_activity):
            rng = np.random.default_rng([_SEED[split], seed, number, index])
            angles = joint_motion(rng, activity, times)[:, 1:].reshape(-1, ANGLES).astype(np.float32)
            made.append(Motion(f"{split}:{seed}:{activity}:{index}", activity, angles))
    return made


def windows_tensor(motions: Sequence[Motion], hop: int = FRAMES) -> Tensor:
    """Windows float32 [W, 128, 45] of motions; those shorter than a window are continued backwards in time."""
    parts = [windows_of(continued(m.angles), hop) for m in motions]
    joined = np.concatenate(parts) if parts else np.zeros((0, FRAMES, ANGLES))
    return torch.as_tensor(joined, dtype=torch.float32)


def continued(angles: np.ndarray) -> np.ndarray:
    """A motion of at least 2 frames, played back and forth until it is a window long."""
    missing = max(0, FRAMES - len(angles))
    return np.pad(angles, ((0, missing), (0, 0)), mode="reflect") if missing else angles


def save(path: Path, parts: dict[Split, MotionSet]) -> None:
    """Write all parts as .npz: `angles` [N, 45], and `lengths`, `names`, `sessions`, `splits` of each motion."""
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [(split, motion) for split, part in parts.items() for motion in part.motions]
    np.savez(
        path,
        angles=np.concatenate([m.angles for _, m in rows]).astype(np.float32),
        lengths=np.array([len(m.angles) for _, m in rows]),
        names=np.array([m.name for _, m in rows]),
        sessions=np.array([m.session for _, m in rows]),
        splits=np.array([split for split, _ in rows]),
        fps=np.array(FPS),
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--motions", type=Path, help="folder of leap.npz, dex.npz and asl_ai.npz")
    parser.add_argument("--an-activity", type=int, default=200, help="procedural sequences of each activity (default 200)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("var/training/motion-set.npz"))
    parser.add_argument("--figure", type=Path, help="where to draw the coverage of joint angles and speeds (SVG)")
    chosen = parser.parse_args(arguments)
    sizes: dict[Split, int] = {"train": chosen.an_activity, **{s: max(1, chosen.an_activity // 10) for s in SPLITS[1:]}}
    parts = {s: motion_set(s, an_activity=sizes[s], seed=chosen.seed, motions=chosen.motions) for s in SPLITS}
    save(chosen.out, parts)
    for split, part in parts.items():
        for kind, motions in (("procedural", part.procedural), ("recorded", part.recorded)):
            frames = sum(len(m.angles) for m in motions)
            print(f"{split:10} {kind:10} {len(motions):5} motions {frames:8} frames {frames / FPS / 60:6.1f} min")
    print(f"written to {chosen.out}")
    if chosen.figure is not None:
        shown = [Part("procedural", parts["train"].procedural)]
        if recorded := parts["train"].recorded:
            reference = [m for m in parts["test"].recorded if m.session.startswith("dex")]
            shown += [Part("recorded, for training", recorded), Part("a real clip (dex-retargeting)", reference)]
        draw(shown, chosen.figure)
        print(f"drawn to {chosen.figure}")


if __name__ == "__main__":
    main()

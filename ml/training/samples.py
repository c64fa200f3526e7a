"""Training data of the networks: MediaPipe's detections on rendered hands, with the ground truth.

Frames of synthetic people are rendered and given to MediaPipe; stored are the detected landmarks and the hand's crop, with
pose, shape and translation. The frames of one clip are a second apart, so that they differ. Everything is determined by the
arguments.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, fields
from itertools import starmap
from multiprocessing import get_context
from pathlib import Path
from typing import Final

import numpy as np
import torch

from ml.hand.skeleton import SIDES, Side
from ml.identity.crops import RIM_PX, crop_of
from ml.keypoints.detector import HandDetector
from ml.keypoints.tracklet import Detection
from ml.synthetic.clips import Look, make_clip
from ml.synthetic.subjects import Split, make_subject

PIXELS: Final = 256
FRAMES: Final = 12
"""Frames of a clip."""
CLIPS: Final = 40
"""Clips of a chunk, which one process makes at a time and one file of the cache holds."""
_MATCH_SHARE: Final = 0.2
"""Largest mean distance to the true joints, as a share of the hand's box, at which a detection counts as this hand."""
_LEAST_BOX_PX: Final = 64
"""Smaller hands are left out: the detector errs by more than on the hands that people film."""


@dataclass(frozen=True)
class Samples:
    """n detected hands.

    Attributes:
        joints_2d: float32 [n, 21, 2], px, as detected.
        world: float32 [n, 21, 3], m, as detected.
        score: float32 [n].
        side: uint8 [n], the true one.
        subject: int32 [n], number within the split.
        clip: int32 [n], number of the clip, or of the image where there are no clips.
        intrinsics: float32 [n, 3, 3].
        pose: float32 [n, 16, 3], axis-angle, MANO order.
        betas: float32 [n, 10].
        translation: float32 [n, 3], m.
        joints: float32 [n, 21, 3], m, camera frame, OpenPose order.
        rendered: int32 [n], frames rendered for this chunk, including those without a detection.
        crop: uint8 [n, 3, 224, 224], image crop with the rim (`ml.identity.crops`).
    """

    joints_2d: np.ndarray
    world: np.ndarray
    score: np.ndarray
    side: np.ndarray
    subject: np.ndarray
    clip: np.ndarray
    intrinsics: np.ndarray
    pose: np.ndarray
    betas: np.ndarray
    translation: np.ndarray
    joints: np.ndarray
    rendered: np.ndarray
    crop: np.ndarray

    def __len__(self) -> int:
        return len(self.score)

    def rows(self, chosen: np.ndarray) -> Samples:
        """A subset, by mask or index."""
        return Samples(**{f.name: getattr(self, f.name)[chosen] for f in fields(self)})


def joined(parts: list[Samples]) -> Samples:
    """Several sets as one."""
    return Samples(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Samples)})


def matching(found: list[Detection], true_px: np.ndarray) -> list[Detection]:
    """The detections that lie on the true joints [21, 2], px; none of a hand that is too small."""
    box = float(np.ptp(true_px, axis=0).max())
    if box < _LEAST_BOX_PX:
        return []
    return [one for one in found if np.linalg.norm(one.joints_2d - true_px, axis=-1).mean() <= _MATCH_SHARE * box]


def make_samples(
    folder: Path,
    *,
    split: Split,
    seed: int,
    clips: int,
    clips_a_subject: int = 1,
    processes: int = 2,
    report: Callable[[int, int], None] | None = None,
) -> Samples:
    """Render and detect `clips` clips of `FRAMES` frames; chunks that are in the cache already are read from there.

    Args:
        folder: of the cache, one `.npz` per chunk, named after its arguments.
        split: train, validation and test have different people.
        seed: of people and motion.
        clips: number of clips.
        clips_a_subject: clips of each person.
        processes: number of parallel processes; with 1 it is this one.
        report: called with the chunks done and all chunks.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chunks = [(first, min(first + CLIPS, clips)) for first in range(0, clips, CLIPS)]
    paths = chunk_paths(folder, split=split, seed=seed, clips=clips, clips_a_subject=clips_a_subject)
    missing = [i for i, path in enumerate(paths) if not path.exists()]
    jobs = [(paths[i], split, seed, range(*chunks[i]), clips_a_subject) for i in missing]
    with ExitStack() as stack:
        if processes > 1:
            pool = ProcessPoolExecutor(
                processes, mp_context=get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
            )
            made: Iterable[None] = stack.enter_context(pool).map(_make_chunk, *zip(*jobs, strict=True)) if jobs else ()
        else:
            made = starmap(_make_chunk, jobs)
        for done, _ in enumerate(made, start=len(chunks) - len(missing) + 1):
            if report:
                report(done, len(chunks))
    return joined([load_samples(path) for path in paths])


def chunk_paths(folder: Path, *, split: Split, seed: int, clips: int, clips_a_subject: int) -> list[Path]:
    """Files of the cache, chunk by chunk."""
    return [
        folder / f"{split}-{seed}-{clips_a_subject}-{first:06d}-{min(first + CLIPS, clips):06d}.npz"
        for first in range(0, clips, CLIPS)
    ]


def load_samples(path: Path) -> Samples:
    """One chunk of the cache (our own file)."""
    with np.load(path, allow_pickle=False) as arrays:
        return Samples(**{f.name: arrays[f.name] for f in fields(Samples)})


def _make_chunk(path: Path, split: Split, seed: int, clips: range, clips_a_subject: int) -> None:
    rows: dict[str, list[np.ndarray]] = {f.name: [] for f in fields(Samples)}
    with HandDetector(1, static=True) as detector:
        for number in clips:
            _add_clip(rows, detector, number=number, seed=seed, split=split, subject_number=number // clips_a_subject)
    found = len(rows["score"])
    rows["rendered"] = [np.int32(len(clips) * FRAMES)] * found  # type: ignore[list-item]
    samples = Samples(**{name: np.array(values) for name, values in rows.items()})
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **{f.name: getattr(samples, f.name) for f in fields(Samples)})
    partial.rename(path)


def _training_look(rng: np.random.Generator) -> Look:
    """Phone to telephoto, near and far, compressed and distorted; with textures from the folder `PALMARES_SKINS`, if set."""
    folder = os.environ.get("PALMARES_SKINS", "")
    return Look(
        plain_camera=False,
        focal=float(np.exp(rng.uniform(np.log(0.85), np.log(3.0)))),
        distance=float(rng.uniform(0.5, 1.0)),
        drift=float(rng.uniform(0.5, 2.0)),
        skins=Path(folder) if folder else None,
    )


def _add_clip(
    rows: dict[str, list[np.ndarray]],
    detector: HandDetector,
    *,
    number: int,
    seed: int,
    split: Split,
    subject_number: int,
) -> None:
    rng = np.random.default_rng([seed, 11, number])
    side: Side = SIDES[int(rng.integers(2))]
    clip = make_clip(
        int(rng.integers(1 << 31)),
        make_subject(seed, split, subject_number),
        seconds=float(FRAMES),
        fps=1,
        width=PIXELS,
        height=PIXELS,
        hands=(side,),
        occluders=int(rng.uniform() < 0.2),
        motion_blur=1,
        turn=float(rng.uniform(0.3, 1.3)),
        look=_training_look(rng),
    )
    hand = clip.truth.hands[0]
    centre, scale = clip.truth.intrinsics[:2, 2], clip.truth.intrinsics[[0, 1], [0, 1]]
    for index, image in enumerate(clip.frames()):
        true_px = hand.joints[index, :, :2] / hand.joints[index, :, 2:] * scale + centre
        for detection in matching(detector.find(image), true_px):
            values = {
                "joints_2d": detection.joints_2d,
                "world": detection.world,
                "score": np.float32(abs(detection.right - 0.5) * 2),
                "side": np.uint8(SIDES.index(side)),
                "subject": np.int32(subject_number),
                "clip": np.int32(number),
                "intrinsics": clip.truth.intrinsics.astype(np.float32),
                "pose": hand.pose[index],
                "betas": hand.betas,
                "translation": hand.translation[index],
                "joints": hand.joints[index],
                "crop": crop_of(image, detection.joints_2d, clip.truth.intrinsics, mirrored=side == "left", rim=RIM_PX),
            }
            for name, value in values.items():
                rows[name].append(value)  # type: ignore[arg-type]

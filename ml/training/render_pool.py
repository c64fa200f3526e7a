"""Rendered hands from all cores at once, for trainings that read millions of them.

Processes render clips of one hand into memory that they share with the training, which takes each image as soon as it is done.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Final

import numpy as np
import torch

from ml.hand.skeleton import SIDES, Side
from ml.synthetic.clips import Look, RenderedClip, make_clip
from ml.synthetic.hand_motion import ACTIVITIES, ALL_ACTIVITIES
from ml.synthetic.subjects import Split, make_subject

PIXELS: Final = 256
FRAMES: Final = 12
"""Frames of a clip, a second apart."""
CLIPS_A_SKIN: Final = 4
"""Clips that share a skin, which takes as long to make as a clip to draw."""
TRUTH: Final = {"pose": 48, "betas": 10, "joints": 63, "intrinsics": 9, "left": 1}
"""Numbers of an image."""


@dataclass(frozen=True)
class Rendered:
    """n images and their truth.

    Attributes:
        images: uint8 [n, 256, 256, 3].
        pose: float32 [n, 16, 3], axis-angle.
        betas: float32 [n, 10].
        joints: float32 [n, 21, 3], m, camera frame, OpenPose order.
        intrinsics: float32 [n, 3, 3], px.
        left: bool [n].
    """

    images: np.ndarray
    pose: np.ndarray
    betas: np.ndarray
    joints: np.ndarray
    intrinsics: np.ndarray
    left: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


class RenderPool:
    """Processes that fill a fixed number of images, from clips that a seed determines."""

    def __init__(self, images: int, *, split: Split, seed: int, processes: int) -> None:
        self._each = -(-images // processes)
        self._images = _shared((processes, self._each, PIXELS, PIXELS, 3), np.uint8)
        self._truth = _shared((processes, self._each, sum(TRUTH.values())), np.float32)
        self._done = _shared((processes,), np.int64)
        self._taken = np.zeros(processes, np.int64)
        # what numba compiled is inherited, and so is what the processes read
        next(iter(training_clip(0, split, seed).frames()))
        context = get_context("fork")
        self._processes: list[BaseProcess] = [
            context.Process(target=self._fill, args=(number, processes, split, seed), daemon=True)
            for number in range(processes)
        ]
        for process in self._processes:
            process.start()

    def take(self) -> Iterator[Rendered]:
        """The images that are done and were not taken before, one process's at a time.

        Raises:
            RuntimeError: a process failed; its traceback is on standard error.
        """
        if failed := [process.exitcode for process in self._processes if process.exitcode]:
            raise RuntimeError(
                f"{len(failed)} of {len(self._processes)} processes that render failed (exit status {failed[0]})"
            )
        for number, done in enumerate(self._done.copy()):
            rows = slice(int(self._taken[number]), int(done))
            if rows.stop > rows.start:
                self._taken[number] = done
                yield _rendered(self._images[number, rows], self._truth[number, rows])

    @property
    def is_done(self) -> bool:
        """Whether all images were taken."""
        return bool((self._taken >= self._each).all())

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.terminate()
            process.join()

    def _fill(self, number: int, processes: int, split: Split, seed: int) -> None:
        os.nice(5)
        torch.set_num_threads(1)  # threads of the parent do not survive the fork
        made = 0
        while self._done[number] < self._each:
            block, place = divmod(made, CLIPS_A_SKIN)
            clip = (block * processes + number) * CLIPS_A_SKIN + place
            one = training_clip(clip, split, seed)
            hand = one.truth.hands[0]
            for index, image in enumerate(one.frames()):
                row = int(self._done[number])
                if row == self._each:
                    break
                self._images[number, row] = image
                parts = (hand.pose[index], hand.betas, hand.joints[index], one.truth.intrinsics, hand.side == "left")
                self._truth[number, row] = np.concatenate([np.ravel(np.asarray(part, np.float32)) for part in parts])
                self._done[number] = row + 1
            made += 1


def training_clip(number: int, split: Split, seed: int) -> RenderedClip:
    """Clip `number`: one hand of a person of its own, twelve frames a second apart, any activity, seen from all sides."""
    rng = np.random.default_rng([seed, 17, number])
    side: Side = SIDES[int(rng.integers(2))]
    activities = ALL_ACTIVITIES if rng.uniform() < 0.5 else ACTIVITIES
    folder = os.environ.get("PALMARES_SKINS", "")
    look = Look(
        plain_camera=False,
        focal=float(np.exp(rng.uniform(np.log(0.7), np.log(3.0)))),
        distance=float(rng.uniform(0.5, 1.1)),
        drift=float(rng.uniform(0.5, 2.0)),
        skins=Path(folder) if folder else None,
    )
    skin = make_subject(seed, split, number // CLIPS_A_SKIN * CLIPS_A_SKIN).seed
    return make_clip(
        int(rng.integers(1 << 31)),
        replace(make_subject(seed, split, number), seed=skin),
        seconds=float(FRAMES),
        fps=1,
        width=PIXELS,
        height=PIXELS,
        hands=(side,),
        activities=(activities[int(rng.integers(len(activities)))],),
        occluders=int(rng.uniform() < 0.25),
        turn=float(rng.uniform(0.3, 1.7)),
        look=look,
    )


def _rendered(images: np.ndarray, truth: np.ndarray) -> Rendered:
    ends = np.cumsum(list(TRUTH.values()))
    pose, betas, joints, intrinsics, left = np.split(truth, ends[:-1], axis=1)
    return Rendered(
        images,
        pose.reshape(-1, 16, 3),
        betas,
        joints.reshape(-1, 21, 3),
        intrinsics.reshape(-1, 3, 3),
        left[:, 0] > 0.5,
    )


def _shared(shape: tuple[int, ...], kind: type) -> np.ndarray:
    """An array in memory that forked processes share."""
    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    return np.frombuffer(mmap.mmap(-1, size), kind).reshape(shape)

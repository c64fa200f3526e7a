"""The tracked hands of a clip as networks see them, batch by batch, so that memory does not grow with the clip's length."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from typing import Final, TypeVar, cast

import numpy as np
import torch
from torch import Tensor

from ml.clip import Clip
from ml.identity.crops import crop_of
from ml.identity.observation import Observation, observe, sides
from ml.keypoints.tracks import HandTrack

BATCH: Final = 128
"""Hands per batch."""
SEEK_GAP: Final = 30
"""Up to so many unwanted frames are decoded and dropped; over a longer gap the video is searched instead."""

Made = TypeVar("Made")


def map_tracks(
    run: Callable[[Observation, Tensor | None], Made],
    clip: Clip,
    tracks: Sequence[HandTrack],
    intrinsics: np.ndarray,
    *,
    crop_px: int | None,
    progress: Callable[[float], None] = lambda fraction: None,
) -> list[tuple[Observation, list[Made]]]:
    """Observations of all tracks, and what a function makes of their batches; frames are decoded once, and only for crops.

    Args:
        run: takes at most `BATCH` observed hands and their crops, uint8 [n, 3, side, side].
        clip: the clip in which the tracks were detected.
        tracks: may be subsampled.
        intrinsics: [3, 3], px.
        crop_px: side of the crops to give, px; None to give none.
        progress: called with the fraction done, 0 to 1.
    """
    camera = torch.as_tensor(intrinsics, dtype=torch.float32)
    seen = [
        observe(torch.as_tensor(t.joints_2d), torch.as_tensor(t.world), camera, sides(t.side, len(t.frames))) for t in tracks
    ]
    if crop_px is None:
        return [(one, [run(rows_of(one, rows), None) for rows in _batches(len(one.inputs))]) for one in seen]
    parts: list[list[Made]] = [[] for _ in tracks]
    pending: list[list[np.ndarray]] = [[] for _ in tracks]

    def run_batch(number: int) -> None:
        first = BATCH * len(parts[number])
        rows = slice(first, first + len(pending[number]))
        parts[number].append(run(rows_of(seen[number], rows), torch.as_tensor(np.stack(pending[number]))))
        pending[number].clear()

    at = [{int(frame): row for row, frame in enumerate(track.frames)} for track in tracks]
    wanted = sorted(set().union(*at)) if at else []
    for done, (frame, image) in enumerate(_images(clip, wanted)):
        for number, track in enumerate(tracks):
            row = at[number].get(frame)
            if row is None:
                continue
            mirrored = track.side == "left"
            pending[number].append(crop_of(image, track.joints_2d[row], intrinsics, mirrored=mirrored, side=crop_px))
            if len(pending[number]) == BATCH:
                run_batch(number)
        progress(done / len(wanted))
    for number in range(len(tracks)):
        if pending[number]:
            run_batch(number)
    return list(zip(seen, parts, strict=True))


def rows_of(seen: Observation, rows: slice) -> Observation:
    """A subset of the observed hands."""
    return Observation(**{f.name: getattr(seen, f.name)[rows] for f in fields(Observation)})


def _batches(count: int) -> list[slice]:
    return [slice(first, min(first + BATCH, count)) for first in range(0, count, BATCH)]


def _images(clip: Clip, wanted: list[int]) -> Iterator[tuple[int, np.ndarray]]:
    """The wanted frames (ascending) with their images; short gaps are decoded, long ones skipped by seeking."""
    stream: Iterator[np.ndarray] = iter(())
    at = -SEEK_GAP - 1
    for frame in wanted:
        if frame > at + SEEK_GAP:
            stream, at = clip.frames(start=frame), frame - 1
        image = None
        for _ in range(frame - at):
            image = next(stream)
        at = frame
        yield frame, cast(np.ndarray, image)

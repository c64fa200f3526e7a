"""MediaPipe Hands over a clip.

Zhang et al., *MediaPipe Hands: On-device Real-time Hand Tracking*, CVPR Workshops 2020; MediaPipe 0.10.21, the full
model, confidence 0.5 for detection and tracking, as its own demonstrations run it.

The graph uses one core. A longer video is therefore cut into two segments, always two, so that the result does not
depend on the machine; the second starts some frames early, because the graph looks for a hand where it was before.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache
from types import TracebackType
from typing import Any, Final, Self

import numpy as np

from ml.clip import Clip
from ml.keypoints.association import associate, by_side
from ml.keypoints.gaps import fill_gaps
from ml.keypoints.second_looks import look_again
from ml.keypoints.skin_colour import colour_along_bones
from ml.keypoints.tracklet import Detection
from ml.keypoints.tracks import Keypoints
from ml.progress import ProgressCallback

MAX_HANDS: Final = 8
"""Most hands that are looked for in one image."""

SEGMENT: Final = 60
"""Frames from which a clip is worth cutting in two."""

SECOND_CONFIDENCE: Final = 0.3
"""Least score of a palm and a hand in further looks, whose detections are verified."""

WARM_UP: Final = 10
"""Frames that the second segment reads before its first, and does not count."""


class HandDetector:
    """One MediaPipe graph; a context manager, to be used by one thread.

    Args:
        max_hands: most hands to find in an image.
        static: every image is looked at on its own; otherwise as the next of a video.
        confidence: least score of a palm, and of the presence of a hand, 0 … 1.
    """

    def __init__(self, max_hands: int, *, static: bool = False, confidence: float = 0.5) -> None:
        hands = _mediapipe_hands()
        self._graph = hands.Hands(
            static_image_mode=static,
            max_num_hands=max_hands,
            model_complexity=1,
            min_detection_confidence=confidence,
            min_tracking_confidence=confidence,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._graph.close()

    def find(self, image: np.ndarray) -> list[Detection]:
        """The hands in an image, uint8 [height, width, 3], RGB."""
        height, width = image.shape[:2]
        result = self._graph.process(image)
        if not result.multi_hand_landmarks:
            return []
        triples = zip(result.multi_hand_landmarks, result.multi_hand_world_landmarks, result.multi_handedness, strict=True)
        found = []
        for landmarks, world, handedness in triples:
            joints = np.array([(p.x, p.y) for p in landmarks.landmark], np.float32) * np.array([width, height], np.float32)
            metres = np.array([(p.x, p.y, p.z) for p in world.landmark], np.float32)
            side = handedness.classification[0]
            # The label supposes a mirrored image: what it calls left is a right hand in an image that is not.
            right = side.score if side.label == "Left" else 1 - side.score
            found.append(Detection(joints, metres, right, colour_along_bones(image, joints)))
        return found


def detect(clip: Clip, *, max_hands: int = 4, progress: ProgressCallback | None = None, static: bool = False) -> Keypoints:
    """Find all hands of a clip.

    Args:
        clip: the images.
        max_hands: most hands in one image, 1 … `MAX_HANDS`.
        progress: called with the stage and the fraction done; it may raise to cancel.
        static: the images are independent: each is looked at on its own and tracks only gather sides.

    Raises:
        ValueError: `max_hands` is out of range.
        ClipError: an image cannot be decoded.
    """
    if not 1 <= max_hands <= MAX_HANDS:
        raise ValueError(f"max_hands is {max_hands}, expected 1 to {MAX_HANDS}")
    progress = progress or _silent
    found = _find_all(clip, max_hands, static, lambda done: progress("finding hands", done))
    for frame, hand in look_again(
        clip, found, lambda: HandDetector(max_hands, static=True, confidence=SECOND_CONFIDENCE), static=static
    ):
        found[frame].append(hand)
    if static:
        tracks = by_side(found)
    else:
        tracks = associate(found, clip.fps)
        extra = fill_gaps(clip, tracks, lambda: HandDetector(2, static=True, confidence=SECOND_CONFIDENCE))
        if extra:
            for frame, hand in extra:
                found[frame].append(hand)
            tracks = associate(found, clip.fps)
    progress("finding hands", 1.0)
    return Keypoints(tracks, clip.frame_count, clip.fps, clip.width, clip.height)


def _find_all(clip: Clip, max_hands: int, static: bool, progress: Callable[[float], None]) -> list[list[Detection]]:
    """For each frame, the hands found in it."""
    _mediapipe_hands()  # loaded here, by one thread, before there are others: it brings large C++ libraries
    count = clip.frame_count
    cuts = [0, count // 2, count] if count >= (2 if static else 2 * SEGMENT) else [0, count]
    found: list[list[Detection]] = [[] for _ in range(count)]
    done = [0] * (len(cuts) - 1)
    stop = threading.Event()

    def run(segment: int) -> None:
        first, end = cuts[segment], cuts[segment + 1]
        lead = 0 if static else min(first, WARM_UP)
        with HandDetector(max_hands, static=static) as detector:
            for frame, image in enumerate(clip.frames(start=first - lead, stop=end), first - lead):
                if stop.is_set():
                    return
                hands = detector.find(image)
                if frame >= first:
                    found[frame] = hands
                    done[segment] += 1

    with ThreadPoolExecutor(len(done), thread_name_prefix="hands") as pool:
        try:
            pending: set[Future[None]] = {pool.submit(run, segment) for segment in range(len(done))}
            while pending:
                finished, pending = wait(pending, timeout=0.25)
                for future in finished:
                    future.result()
                give_back_memory()
                progress(sum(done) / max(1, count))
        finally:
            stop.set()
    return found


def _mediapipe_hands() -> Any:
    """Import MediaPipe late and quietly: it is heavy, and only workers have it; its errors are still written."""
    os.environ.setdefault("GLOG_minloglevel", "2")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from mediapipe.python.solutions import hands  # noqa: PLC0415

    return hands


def give_back_memory() -> None:
    """Let glibc return freed images to the system.

    Images are allocated by our threads and freed by MediaPipe's, which glibc's arenas do not give back on their own: a
    worker grew by 0.5 MB a frame. Other C libraries have no such call and no such need.
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None


def _silent(stage: str, fraction: float) -> None:
    pass

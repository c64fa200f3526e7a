"""The survey's open questions, measured: two hands in one image, and the error against the share of a hand that is hidden."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from ml.clip import open_clip
from ml.formats.prediction import PredictionArrays
from ml.hand.skeleton import SIDES
from ml.keypoints.detector import detect
from ml.keypoints.tracks import Keypoints
from ml.methods.interface import Request
from ml.synthetic.clips import make_clip, write_clip
from ml.synthetic.subjects import make_subject
from ml.training.train_kong2022 import CACHE

HIDDEN: Final = ("0-10%", "10-30%", "30-50%", "over 50%")
"""Share of the 21 joints that are hidden."""
_LIMITS: Final = (0.1, 0.3, 0.5)
_CLIPS: Final = 3
_SECONDS: Final = 2.0
_FPS: Final = 30.0
_STREAM: Final = 0x2A4D


def hidden_shares(visible: np.ndarray) -> np.ndarray:
    """Numbers in `HIDDEN` [T] of the visible joints bool [T, 21]."""
    return np.asarray(np.searchsorted(_LIMITS, 1 - visible.mean(1), side="left"))


def two_hands_errors(seed: int, methods: Mapping[str, Callable[[Request], PredictionArrays]]) -> dict[str, Any]:
    """MRRPE (mm): mean distance of the left wrist from the right one against the truth, where both hands are found.

    The camera is known. Method → `{"mrrpe", "frames"}`.
    """
    scenes = [_scene(seed, number) for number in range(_CLIPS)]
    found = {}
    for name, method in methods.items():
        errors = np.concatenate([_relative_errors(method(request), truth) for request, truth in scenes])
        found[name] = {"mrrpe": round(float(errors.mean()), 2) if len(errors) else None, "frames": len(errors)}
    return found


def _scene(seed: int, number: int) -> tuple[Request, PredictionArrays]:
    folder = CACHE / "two-hands" / f"{seed}-{number}"
    if not (folder / "keypoints.npz").exists():
        clip = make_clip(
            int(np.random.default_rng([seed, _STREAM, number]).integers(1 << 30)),
            make_subject(seed, "test", 100 + number),
            seconds=_SECONDS,
            hands=SIDES,
            turn=0.5,
        )
        write_clip(clip, folder)
        detect(open_clip(folder / "video.mp4")).save(folder / "keypoints.npz")
    video, truth = open_clip(folder / "video.mp4"), PredictionArrays.load(folder / "truth.npz")
    keypoints = Keypoints.load(folder / "keypoints.npz")
    return Request(video, keypoints, np.asarray(truth.intrinsics), intrinsics_known=True), truth


def _relative_errors(found: PredictionArrays, truth: PredictionArrays) -> np.ndarray:
    """Error [n] (mm) of the vector from the right to the left wrist, by frame with one hand of either side."""
    apart, true = _between_wrists(found), _between_wrists(truth)
    common = sorted(apart.keys() & true.keys())
    return np.array([1000 * np.linalg.norm(apart[frame] - true[frame]) for frame in common])


def _between_wrists(hands: PredictionArrays) -> dict[int, np.ndarray]:
    """Left wrist minus right wrist [3], m, by frame; the surest hand of either side."""
    wrists: list[dict[int, np.ndarray]] = [{}, {}]
    for row in np.argsort(hands.score, kind="stable"):
        wrists[int(hands.side[row])][int(hands.frame[row])] = hands.joints[row, 0].astype(np.float64)
    left, right = wrists
    return {frame: left[frame] - right[frame] for frame in left.keys() & right.keys()}

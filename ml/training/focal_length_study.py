"""Whether a clip tells its focal length: `python -m ml.training.focal_length_study` writes `docs/results/focal-length.md`.

Clips of test people, rendered with known focal lengths from wide angle to telephoto, are fitted with one hand shape under
several focal lengths. The one with the lowest cost is compared with the truth, beside what methods use: the focal length that
puts hands no nearer than people hold them (`ml.fitting.plausible_camera`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
import torch
from scipy.stats import spearmanr

from ml.clip import open_clip
from ml.fitting.clip_fit import with_shape_weight
from ml.fitting.solver import IMPLAUSIBLE_COST
from ml.formats.prediction import PredictionArrays
from ml.hand.camera import default_intrinsics
from ml.keypoints.detector import detect
from ml.keypoints.tracks import Keypoints
from ml.methods.evidence import solve_evidence
from ml.methods.fused_fit import all_evidence
from ml.methods.image_evidence import BALANCED
from ml.methods.interface import Request
from ml.methods.request_camera import with_plausible_camera
from ml.synthetic.clips import Look, make_clip, write_clip
from ml.synthetic.subjects import make_subject
from ml.training.hmp_tables import ACTIVITIES
from ml.training.train_kong2022 import CACHE

RESULTS: Final = Path("docs/results/focal-length.md")
FOCAL: Final = (0.7, 0.866, 1.1, 1.4, 1.8, 2.3, 3.0)
"""True focal lengths in image widths; that of the default camera is 0.866."""
FACTORS: Final = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
"""Tried, over the assumed one."""
CLIPS: Final = 21
SEED: Final = 11
SECONDS: Final = 3.2
AT_MOST: Final = 32
"""Frames of a clip that are fitted."""


class Found(NamedTuple):
    """Of one clip, over the assumed focal length: the true one, that of the best fit, and that which methods use."""

    true: float
    fitted: float
    used: float


def run() -> list[Found]:
    """All clips in which the hand is found."""
    found = []
    with torch.no_grad():
        for request, true in _clips():
            costs = profile(request, FACTORS)
            used = float(with_plausible_camera(request)[0].intrinsics[0, 0] / request.intrinsics[0, 0])
            found.append(Found(true, FACTORS[int(costs.argmin())], used))
            print(f"true {true:.2f}, best fit {found[-1].fitted:.2f}, used {used:.2f}", flush=True)
    return found


def profile(request: Request, factors: Sequence[float]) -> np.ndarray:
    """Cost a frame [len(factors)] of the fit of all evidence with one shape, under multiples of the request's focal length."""
    costs = []
    for factor in factors:
        intrinsics = np.array(request.intrinsics, np.float32)
        intrinsics[[0, 1], [0, 1]] *= factor
        total = 0.0
        for evidence in all_evidence(replace(request, intrinsics=intrinsics), lambda stage, fraction: None, blend=BALANCED):
            problem = replace(evidence.problem, landmarks=())  # world landmarks are of no focal length
            frames, shape = problem.costs(solve_evidence(with_shape_weight(problem), evidence.start))
            total += float(frames.clamp_max(IMPLAUSIBLE_COST).sum() + shape.sum())
        costs.append(total / sum(len(track.frames) for track in request.keypoints.tracks))
    return np.array(costs)


def _clips() -> Iterator[tuple[Request, float]]:
    """Requests with the assumed camera, and the true focal length over its."""
    for number in range(CLIPS):
        folder = CACHE / "focal-length" / f"{SEED}-{number}"
        if not (folder / "keypoints.npz").exists():
            made = make_clip(
                1000 + number,
                make_subject(SEED, "test", number),
                seconds=SECONDS,
                hands=("left" if number % 2 else "right",),
                activities=(ACTIVITIES[3 * number % len(ACTIVITIES)],),
                turn=0.6,
                look=Look(focal=FOCAL[number % len(FOCAL)]),
            )
            write_clip(made, folder)
            detect(open_clip(folder / "video.mp4")).save(folder / "keypoints.npz")
        clip, truth = open_clip(folder / "video.mp4"), PredictionArrays.load(folder / "truth.npz")
        keypoints = Keypoints.load(folder / "keypoints.npz")
        track = max(keypoints.tracks, key=lambda one: len(one.frames), default=None)
        if track is None:
            continue
        few = np.unique(np.linspace(0, len(track.frames) - 1, AT_MOST).round().astype(int))
        assumed = default_intrinsics(clip.width, clip.height)
        request = Request(clip, replace(keypoints, tracks=(track.rows(few),)), assumed)
        yield request, float(np.asarray(truth.intrinsics)[0, 0] / assumed[0, 0])


def report(found: Sequence[Found]) -> str:
    """The page."""
    true, fitted, used = np.log2(np.array(found)).T
    rows = (
        ("lowest cost of the fit", fitted),
        ("hands no nearer than 0.45 m (what methods use)", used),
        ("the same for all clips: the median of the true ones", np.full_like(true, np.median(true))),
    )
    lines = [
        "# Does a clip tell its focal length?",
        "",
        f"{len(found)} rendered clips of test people (seed {SEED}), each with a hand of its own, a motion and a focal length "
        f"from {min(FOCAL)} to {max(FOCAL)} widths of the image. {AT_MOST} frames of each are fitted with one shape, under "
        f"focal lengths from {min(FACTORS)} to {max(FACTORS)} times the assumed one, with the 2D joints and poses that "
        "`hmp2024` uses. "
        "An octave is a factor of two. Written by `python -m ml.training.focal_length_study`.",
        "",
        "| focal length from | mean error, octaves | rank correlation with the truth |",
        "| --- | --- | --- |",
    ]
    for told, chosen in rows:
        correlation = f"{spearmanr(chosen, true).statistic:.2f}" if np.ptp(chosen) > 0 else "–"
        lines.append(f"| {told} | {np.abs(chosen - true).mean():.2f} | {correlation} |")
    lines += [
        "",
        "With the joints of a perfect detector the fit finds the focal length (a test holds it). With detected joints it does "
        "not, even with one hand shape in all frames. So methods read the focal length from EXIF or the container, take "
        "the one that is given, or else make hands no nearer than people hold them.",
        "",
        "| true focal length over the assumed one | lowest cost | used |",
        "| --- | --- | --- |",
        *(f"| {one.true:.2f} | {one.fitted:.2f} | {one.used:.2f} |" for one in sorted(found)),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """The command line."""
    text = report(run())
    RESULTS.write_text(text)
    print(text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""How well confidence from augmented views tells the error of keypoints: `python -m ml.training.view_confidence`.

Writes `docs/results/keypoint-confidence.md` and `.json`: on rendered clips of test people (`ml.training.hmp_tables.clips`), the
error of the detector's joints against α, by number of views N and by γ, and what the views cost.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from scipy.stats import spearmanr

from ml.hand.camera import project
from ml.keypoints.augmented_views import GAMMA, confidence, one_hand_finder, view_deviations
from ml.training.hmp_tables import TestClip, clips

VIEWS: Final = (2, 4, 8, 11)
GAMMAS: Final = (0.01, 0.02, 0.035, 0.06, 0.1)
EVERY: Final = 8
"""Every eighth frame is looked at: neighbours differ little."""
BINS: Final = (0.0, 0.01, 0.25, 0.5, 0.75, 1.0)
RESULTS: Final = Path("docs/results")


def run(seed: int, count: int, views: tuple[int, ...] = VIEWS) -> dict[str, Any]:
    """Errors and deviations on the clips of a seed, as the JSON that is written."""
    chosen = [_thinned(clip) for clip in clips(seed, count)]
    errors = np.concatenate([_errors(clip) for clip in chosen])
    found: dict[str, Any] = {"seed": seed, "clips": count, "frames": len(errors), "gamma": GAMMA, "views": {}}
    for number in views:
        began = time.process_time()
        parts = []
        for clip in chosen:
            tracks = clip.request.keypoints.tracks
            parts += view_deviations(clip.request.clip, tracks, number, one_hand_finder, step=1)
        seconds = time.process_time() - began
        deviations = np.concatenate(parts)
        found["views"][str(number)] = {
            "seconds_a_frame": round(seconds / len(errors), 4),
            "rank_correlation": round(float(spearmanr(deviations.ravel(), errors.ravel()).statistic), 3),
            "gammas": {str(gamma): _calibration(confidence(deviations, gamma), errors) for gamma in GAMMAS},
        }
    return found


def _thinned(clip: TestClip) -> TestClip:
    """With every eighth frame of the longest track."""
    track = clip.request.keypoints.tracks[0]
    rows = slice(None, None, EVERY)
    few = replace(
        track, frames=track.frames[rows], joints_2d=track.joints_2d[rows], world=track.world[rows], score=track.score[rows]
    )
    return replace(clip, request=replace(clip.request, keypoints=replace(clip.request.keypoints, tracks=(few,))))


def _errors(clip: TestClip) -> np.ndarray:
    """Distances [n, 21] of the detector's joints from the true ones, as shares of the true box."""
    track = clip.request.keypoints.tracks[0]
    camera = np.asarray(clip.truth.intrinsics, np.float64)
    true = project(clip.truth.joints[track.frames].astype(np.float64), camera)
    return np.asarray(np.linalg.norm(track.joints_2d - true, axis=-1) / np.ptp(true, axis=1).max(-1)[:, None])


def _calibration(alpha: np.ndarray, errors: np.ndarray) -> dict[str, Any]:
    """Mean and 90th percentile of the error (% of the box) in bins of α, and the gain of weighting by α² over none."""
    rows = []
    for low, high in pairwise(BINS):
        own = errors[(alpha >= low) & ((alpha < high) | (high == BINS[-1]))]
        if len(own):
            spread = {"mean": round(100 * float(own.mean()), 2), "p90": round(100 * float(np.percentile(own, 90)), 2)}
            rows.append({"alpha": [low, high], "joints": len(own), **spread})
    weight = np.square(alpha)
    weighted = float((weight * errors).sum() / max(float(weight.sum()), 1e-9))
    return {"bins": rows, "weighted_error": round(100 * weighted, 3), "error": round(100 * float(errors.mean()), 3)}


def report(found: dict[str, Any]) -> str:
    """Markdown of what was measured."""
    head = (
        "| N | processor time a frame (ms) | rank correlation of σ and error | "
        + " | ".join(f"γ {100 * g:g}%" for g in GAMMAS)
        + " |"
    )
    lines = [head, "| --- " * (3 + len(GAMMAS)) + "|"]
    for number, row in found["views"].items():
        gains = " | ".join(f"{row['gammas'][str(g)]['weighted_error']:.2f}" for g in GAMMAS)
        lines.append(f"| {number} | {1000 * row['seconds_a_frame']:.0f} | {row['rank_correlation']:.2f} | {gains} |")
    most = next(reversed(found["views"]))
    bins = found["views"][most]["gammas"][str(found["gamma"])]["bins"]
    curve = ["| α | joints | mean error | 90th percentile |", "| --- " * 4 + "|"]
    curve += [f"| {b['alpha'][0]:g}–{b['alpha'][1]:g} | {b['joints']} | {b['mean']:.2f} | {b['p90']:.2f} |" for b in bins]
    plain = found["views"][most]["gammas"][str(found["gamma"])]["error"]
    table, calibration = "\n".join(lines), "\n".join(curve)
    return f"""# Confidence of keypoints from augmented views

Written by `python -m ml.training.view_confidence --seed {found["seed"]}`: {found["clips"]} rendered clips of test people,
{found["frames"]} frames, half of the clips with things passing before the hand. Errors are distances of MediaPipe's 2D joints
from the true ones in % of the hand's box. σ and α as on HMP's poster, with γ as a share of the box,
and 1.5% of the box, the σ of a clear hand, taken off (`ml/keypoints/augmented_views.py`); N is the number of views.

## Number of views and γ

The mean error is {plain:.2f}; the columns give the mean error when joints are weighted by α², as in HMP's keypoint term. The
time is that of the views alone; a method looks at every fourth frame.

{table}

## Error against α

N = {most}, γ = {100 * found["gamma"]:g}%.

{calibration}
"""


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--clips", type=int, default=8)
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    found = run(options.seed, options.clips)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "keypoint-confidence.json").write_text(json.dumps(found, indent=1) + "\n")
    (RESULTS / "keypoint-confidence.md").write_text(report(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

"""The poster's tables of HMP on test people and motions: `python -m ml.training.hmp_tables`, or `make tables [SEED=n]`.

Writes `docs/results/hmp2024.md` and `.json`. Clips of test people are rendered and detected as an upload's would be. Every row
is measured in the frames in which the per-frame method has the hand, so that all rows are of the same frames; gaps are
measured apart. PA is without reflection. A frame is *occluded* where fewer than `VISIBLE` of its joints are visible, *fast*
where it is among the fastest tenth of its clip.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from ml.clip import open_clip
from ml.formats.prediction import PredictionArrays
from ml.hmp.stages import MotionSettings, fit_stages
from ml.keypoints.detector import detect
from ml.keypoints.tracks import Keypoints
from ml.methods.hmp2024 import HMP2024
from ml.methods.interface import Request, load_method
from ml.metrics.alignment import procrustes_align
from ml.metrics.no_truth import jitter
from ml.metrics.smoothness import smoothness_of, speed_ratio, velocity_correlations
from ml.priors.slerp import fill_gaps
from ml.synthetic.clips import make_clip, write_clip
from ml.synthetic.hand_motion import Activity
from ml.synthetic.subjects import make_subject
from ml.training.hmp_report import report
from ml.training.seen_joint_errors import SeenJoints, seen_joint_errors
from ml.training.train_kong2022 import CACHE

ACTIVITIES: Final[tuple[Activity, ...]] = ("spell", "manipulate", "wave", "pinch", "drum", "write", "gesture", "sign")
FRAMES: Final = 128
FPS: Final = 30.0
VISIBLE: Final = 15
REMOVED: Final = (49, 79)
"""First frame whose keypoints are removed, and the first after them."""
CLIPS: Final = 2 * len(ACTIVITIES)
DRAWS: Final = 200
"""Of clips, for intervals."""
FASTEST: Final = 0.1
"""Share of frames that count as fast."""
REGRESSOR: Final = "kong2022"
"""The per-frame network in the place of the poster's PyMAF-X."""
STARTS: Final = ("mediapipe-ik", "2d-fit", "fused-fit")
"""Other per-frame methods, with and without HMP."""
RESULTS: Final = Path("docs/results")
_STREAM: Final = 0x1A7


@dataclass(frozen=True)
class TestClip:
    """A rendered clip of one hand: the request of a method, and the truth with its `visible` joints [T, 21]."""

    request: Request
    truth: PredictionArrays
    visible: np.ndarray


def clips(seed: int, count: int) -> Iterator[TestClip]:
    """Clips of test people, each with a person, a motion and a view of its own; every second one with things in the way."""
    for number in range(count):
        folder = CACHE / "hmp" / f"{seed}-{number}"
        if not (folder / "keypoints.npz").exists():
            made = make_clip(
                int(np.random.default_rng([seed, _STREAM, number]).integers(1 << 30)),
                make_subject(seed, "test", number),
                seconds=FRAMES / FPS,
                hands=("left" if number % 2 else "right",),
                activities=(ACTIVITIES[number % len(ACTIVITIES)],),
                occluders=2 * (number // 2 % 2),
                turn=0.6,
            )
            write_clip(made, folder)
            detect(open_clip(folder / "video.mp4")).save(folder / "keypoints.npz")
        clip, truth = open_clip(folder / "video.mp4"), PredictionArrays.load(folder / "truth.npz")
        keypoints = Keypoints.load(folder / "keypoints.npz")
        longest = max(keypoints.tracks, key=lambda track: len(track.frames), default=None)
        if longest is None:
            continue
        keypoints = replace(keypoints, tracks=(longest,))
        visible = np.asarray(truth.visible, bool)
        yield TestClip(Request(clip, keypoints, np.asarray(truth.intrinsics), intrinsics_known=True), truth, visible)


def _quiet(stage: str, fraction: float) -> None:
    """No progress."""


def _named(name: str) -> Callable[[Request], PredictionArrays]:
    return lambda request: load_method(name).estimate(request, _quiet)


def _refined(name: str, method: HMP2024) -> Callable[[Request], PredictionArrays]:
    return lambda request: method.estimate(replace(request, start=_named(name)(request)), _quiet)


def _interpolated(request: Request) -> PredictionArrays:
    """The regressor's joints, gaps filled by spherical linear interpolation."""
    found = _named(REGRESSOR)(request)
    every = np.arange(found.frame[0], found.frame[-1] + 1)
    known = np.isin(every, found.frame)
    rows = np.searchsorted(found.frame, every).clip(max=len(found) - 1)
    turns = torch.as_tensor(found.joints[rows] - found.joints[rows][:, :1]).double().numpy()
    flat = np.tile(np.eye(3), (len(every), 1, 1, 1))
    path = np.stack([fill_gaps(flat, turns[:, joint], known)[1] for joint in range(21)], 1)
    filled = found.rows(rows)
    return replace(filled, frame=every.astype(np.int32), joints=(path + filled.joints[:, :1]).astype(np.float32), vertices=None)


ROWS: Final[dict[str, Callable[[Request], PredictionArrays]]] = {
    "per_frame": _named(REGRESSOR),
    "slerp": _interpolated,
    "none": _refined(REGRESSOR, HMP2024("none", MotionSettings(second={"prior": 0.0}))),
    "gmm": _refined(REGRESSOR, HMP2024("gmm")),
    "pca": _refined(REGRESSOR, HMP2024("pca")),
    "stage1_mediapipe": _refined(REGRESSOR, HMP2024(settings=MotionSettings(stages=1), detail=False, source="detector")),
    "stage1_projected": _refined(REGRESSOR, HMP2024(settings=MotionSettings(stages=1), detail=False, source="projected")),
    "stage1_blend": _refined(REGRESSOR, HMP2024(settings=MotionSettings(stages=1), detail=False)),
    "stage2_without_stage3": _refined(REGRESSOR, HMP2024(detail=False)),
    "stage2_blend": _refined(REGRESSOR, HMP2024()),
    **{name: _named(name) for name in STARTS},
    **{f"{name}+hmp": _refined(name, HMP2024()) for name in STARTS},
}


GAP_ROWS: Final = ("slerp", "stage2_blend")
"""Those that are measured where keypoints are removed."""
SEEN_ROWS: Final = ("fused-fit", "stage2_blend")
"""Those that tell which joints they saw."""
KEYS: Final = ("pr_mpjpe", "ra_mpjpe", "ra_acc", "jitter", "lag_frames", "amplitude", "true_share", "fast_pr_mpjpe")


@dataclass(frozen=True)
class _Errors:
    """Of one clip and row: per frame [n], mm; NaN in `acceleration` where a neighbour is missing.

    `correlations` are those of `ml.metrics.smoothness`, from which lag and share of the true motion follow; `amplitude` is its
    `speed_ratio`, NaN where nothing moves.
    """

    frames: np.ndarray
    aligned: np.ndarray
    root: np.ndarray
    acceleration: np.ndarray
    jitter: np.ndarray
    correlations: np.ndarray
    amplitude: float


def _errors(found: PredictionArrays, clip: TestClip, frames: np.ndarray) -> _Errors:
    """In `frames`, which are among those of `found`."""
    own = found.rows(np.searchsorted(found.frame, frames))
    truth = clip.truth.joints[frames].astype(np.float64)
    joints = own.joints.astype(np.float64)
    moved = procrustes_align(truth, joints, reflections=False)[0]
    relative, true = joints - joints[:, :1], truth - truth[:, :1]
    return _Errors(
        frames,
        1000 * np.linalg.norm(moved - truth, axis=-1).mean(-1),
        1000 * np.linalg.norm(relative - true, axis=-1).mean(-1),
        jitter(frames, relative - true),
        jitter(frames, joints),
        velocity_correlations(frames, np.zeros(len(frames), int), truth, joints),
        speed_ratio(frames, truth, joints, FPS) or float("nan"),
    )


def fastest_frames(truth: np.ndarray) -> np.ndarray:
    """Which frames [T] are among the fastest tenth: by the mean speed of the true joints [T, J, 3] around each."""
    if len(truth) < 3:
        return np.zeros(len(truth), bool)
    speed = np.linalg.norm(np.gradient(truth, axis=0), axis=-1).mean(-1)
    chosen: np.ndarray = speed >= np.quantile(speed, 1 - FASTEST)
    return chosen


def _summary(parts: list[tuple[_Errors, np.ndarray]]) -> dict[str, float]:
    """Means over frames of all clips, in the frames chosen by each mask; lag and share of the true motion of all velocities
    together, the amplitude's median over clips.
    """

    def mean(name: str) -> float:
        return round(float(np.nanmean(np.concatenate([getattr(errors, name)[mask] for errors, mask in parts]))), 3)

    motion = smoothness_of(np.sum([errors.correlations for errors, _ in parts], axis=0))
    by_sequence = [float(np.mean(errors.aligned[mask])) for errors, mask in parts if mask.any()]
    return {
        "pr_mpjpe": mean("aligned"),
        "pr_mpjpe_by_sequence": round(float(np.mean(by_sequence)), 3),
        "ra_mpjpe": mean("root"),
        "ra_acc": mean("acceleration"),
        "jitter": mean("jitter"),
        "lag_frames": round(motion.precise_lag, 3) if motion else float("nan"),
        "amplitude": round(float(np.nanmedian([errors.amplitude for errors, _ in parts])), 3),
        "true_share": round(motion.amplitude, 3) if motion else float("nan"),
        "frames": int(sum(mask.sum() for _, mask in parts)),
    }


def intervals(rows: dict[str, list[tuple[_Errors, np.ndarray]]]) -> dict[str, list[float]]:
    """95 % intervals over clips drawn anew, of the default: its lag (frames), and its errors over those of the per-frame row.

    Args:
        rows: errors and chosen frames of each clip, of `stage2_blend` and `per_frame`.
    """
    own, first = rows["stage2_blend"], rows["per_frame"]
    rng = np.random.default_rng(0)
    drawn: dict[str, list[float]] = {name: [] for name in ("lag_frames", "pr_mpjpe", "ra_mpjpe", "ra_acc")}
    for _ in range(DRAWS):
        clips = rng.integers(len(own), size=len(own))
        a, b = (_summary([part[clip] for clip in clips]) for part in (own, first))
        drawn["lag_frames"].append(a["lag_frames"])
        for name in ("pr_mpjpe", "ra_mpjpe", "ra_acc"):
            drawn[name].append(a[name] / b[name])
    return {name: np.quantile(values, (0.025, 0.975)).round(3).tolist() for name, values in drawn.items()}


def run(seed: int, count: int) -> dict[str, Any]:
    """All rows on the test clips of a seed, as the JSON that is written."""
    began = time.monotonic()
    parts: dict[str, list[tuple[_Errors, TestClip]]] = {name: [] for name in ROWS}
    gaps: dict[str, list[float]] = {name: [] for name in ROWS}
    seen: dict[str, list[SeenJoints]] = {name: [] for name in SEEN_ROWS}
    chosen = list(clips(seed, count))
    for clip in chosen:
        common: np.ndarray | None = None
        for name, method in ROWS.items():
            found = method(clip.request)
            found = found.rows(np.argsort(found.frame, kind="stable"))
            common = found.frame.astype(int) if common is None else common
            parts[name].append((_errors(found, clip, common), clip))
            if name in seen:
                rows = found.rows(np.searchsorted(found.frame, common))
                seen[name].append(SeenJoints(rows, clip.visible[common], clip.truth.joints[common]))
            missing = np.setdiff1d(found.frame, common).astype(int)
            if len(missing):
                gaps[name] += _errors(found, clip, missing).aligned.tolist()
            print(f"{clip.request.clip.path.parent.name} {name}", flush=True)
    subsets: dict[str, Callable[[_Errors, TestClip], np.ndarray]] = {
        "rows": lambda errors, clip: np.ones(len(errors.frames), bool),
        "occluded": lambda errors, clip: clip.visible[errors.frames].sum(1) < VISIBLE,
        "fast": lambda errors, clip: fastest_frames(clip.truth.joints.astype(float))[errors.frames],
    }
    chosen_frames = {
        subset: {name: [(errors, mask(errors, clip)) for errors, clip in own] for name, own in parts.items()}
        for subset, mask in subsets.items()
    }
    tables = {subset: {name: _summary(own) for name, own in of.items()} for subset, of in chosen_frames.items()}
    for subset in ("rows", "occluded"):
        for name, row in tables[subset].items():
            row["fast_pr_mpjpe"] = tables["fast"][name]["pr_mpjpe"]
    return {
        "seed": seed,
        "clips": len(chosen),
        "frames": FRAMES * len(chosen),
        "rows": tables["rows"],
        "occluded": tables["occluded"],
        "intervals": {subset: intervals(chosen_frames[subset]) for subset in ("rows", "occluded")},
        "gaps": {name: {"pr_mpjpe": round(float(np.mean(v)), 3), "frames": len(v)} for name, v in gaps.items() if v},
        "removed": {"frames": REMOVED[1] - REMOVED[0], "rows": _removed([without_keypoints(clip) for clip in chosen])},
        "seen_joints": {name: seen_joint_errors(of) for name, of in seen.items()},
        "solver": solvers(chosen[0]),
        "seconds": round(time.monotonic() - began),
    }


def without_keypoints(clip: TestClip) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Row → PA-MPJPE (mm) of each frame within `REMOVED` frames, whose keypoints are taken away, and of all others."""
    (track,) = clip.request.keypoints.tracks
    kept = (track.frames < REMOVED[0]) | (track.frames >= REMOVED[1])
    if not kept[0] or not kept[-1]:
        return {}
    request = replace(clip.request, keypoints=replace(clip.request.keypoints, tracks=(track.rows(kept),)))
    found = {}
    for name in GAP_ROWS:
        own = ROWS[name](request)
        own = own.rows(np.argsort(own.frame, kind="stable"))
        frames = own.frame.astype(int)
        inside = (frames >= REMOVED[0]) & (frames < REMOVED[1])
        detected = np.isin(frames, track.frames)
        errors = [_errors(own, clip, frames[chosen & detected]).aligned for chosen in (inside, ~inside)]
        found[name] = errors[0], errors[1]
    return found


def _removed(parts: list[dict[str, tuple[np.ndarray, np.ndarray]]]) -> dict[str, dict[str, float]]:
    """Means inside and outside the removed frames, and their ratio."""
    table = {}
    for name in GAP_ROWS:
        inside, outside = (float(np.concatenate([part[name][side] for part in parts if part]).mean()) for side in (0, 1))
        table[name] = {"inside": round(inside, 3), "outside": round(outside, 3), "ratio": round(inside / outside, 3)}
    return table


def solvers(clip: TestClip) -> dict[str, Any]:
    """Both solvers on the same 128 frames, stages I and II: seconds of processor time, and the loss that each ends with."""
    context, motions = HMP2024().prepared(clip.request)
    fit_stages(context, motions, MotionSettings())  # what is loaded or compiled once is not timed
    timed: dict[str, Any] = {}
    for key, solver in (("adam", "adam"), ("ours", "gauss-newton")):
        steps: list[tuple[int, float, float]] = []
        settings = MotionSettings.of_options({"preset": "poster", "solver": solver})
        began = time.process_time()

        def watch(stage: int, step: int, terms: dict[str, float], steps: list[Any] = steps, began: float = began) -> None:
            steps.append((stage, time.process_time() - began, sum(terms.values())))

        fit_stages(context, motions, settings, watch)
        timed |= {f"{key}_s": round(steps[-1][1], 3), f"{key}_loss": round(steps[-1][2], 3)}
    reached = [seconds for stage, seconds, loss in steps if stage == 2 and loss <= timed["adam_loss"]]
    return {**timed, "ours_to_adam_loss_s": round(reached[0], 3) if reached else None}


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--clips", type=int, default=CLIPS)
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    found = run(options.seed, options.clips)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "hmp2024.json").write_text(json.dumps(found, indent=1) + "\n")
    (RESULTS / "hmp2024.md").write_text(report(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

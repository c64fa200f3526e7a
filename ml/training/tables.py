"""The poster's tables 1 and 3 on people that no training saw: `python -m ml.training.tables`, or `make tables [SEED=n]`.

Writes `docs/results/kong2022.md` and `.json`. Single frames of the test people are rendered and detected as for training;
everything is measured on the frames in which MediaPipe found the hand, the same for every row.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from ml.fitting.inverse import place
from ml.hand.measure import measure_hand
from ml.hand.model import HandModel, load_hand_model
from ml.hand.skeleton import SIDES, Side
from ml.identity.calibration import Calibration, KnownLength, Settings, calibrate
from ml.identity.choice import choose
from ml.identity.networks import ranking_accuracy
from ml.identity.observation import Observation, observe
from ml.identity.weights import CARD, FOLDER, load_models
from ml.keypoints.tracks import HandTrack
from ml.methods.assembly import FittedTrack
from ml.methods.kong2022 import refine
from ml.metrics.alignment import procrustes_align
from ml.training.kong2022 import CACHE
from ml.training.results import report
from ml.training.samples import FRAMES, Samples, make_samples

PEOPLE: Final = 10
CLIPS_A_PERSON: Final = 20
PICTURES: Final = (1, 2, 3, 5, 10, 20)
DRAWS: Final = 12
"""Random sets of pictures of each person and size."""
RULER_M: Final = 0.001
"""Standard deviation of the ruler that gives the known scale."""
RESULTS: Final = Path("docs/results")


@dataclass(frozen=True)
class Estimates:
    """What the networks say of all test frames, in the crop's camera: rotations [n, 16, 3, 3], betas [n, 10], scores [n]."""

    seen: Observation
    baseline: Tensor
    aware: Tensor
    betas: Tensor
    scores: Tensor


def run(seed: int) -> dict[str, Any]:
    """All tables for the test people of a seed, as the JSON that is written."""
    began = time.monotonic()
    samples = make_samples(
        CACHE, split="test", seed=seed, clips=PEOPLE * CLIPS_A_PERSON, clips_a_subject=CLIPS_A_PERSON, report=_say
    )
    with torch.no_grad():
        found = _estimates(samples)
        shapes = _calibrated(samples, found, known_scale=True)
        free = _calibrated(samples, found, known_scale=False)
        joints = _table_1(samples, found, shapes, free)
        calibration = {kind: _table_3(samples, found, *kind.split("-")) for kind in _KINDS}
    errors = (found.betas - torch.as_tensor(samples.betas)).abs().mean(-1)
    card = json.loads((FOLDER / CARD).read_text())
    return {
        "seed": seed,
        "people": PEOPLE,
        "frames": PEOPLE * CLIPS_A_PERSON * FRAMES,
        "found": len(samples),
        "ruler_mm": 1000 * RULER_M,
        "mpjpe": {name: _mpjpe(found_joints, samples.joints) for name, found_joints in joints.items()},
        "pa_mpjpe": {name: _pa_mpjpe(found_joints, samples.joints) for name, found_joints in joints.items()},
        "calibration": calibration["fused-confidence"],
        "calibration_variants": calibration,
        "ranking_accuracy": round(ranking_accuracy(found.scores, errors), 4),
        "seconds": round(time.monotonic() - began),
        "training": {key: card[key] for key in ("training_samples", "training_people", "seconds", "machine", "validation")},
    }


_KINDS: Final = ("fused-uniform", "fused-confidence", "poster-confidence", "poster-uniform", "mean-uniform")


def _estimates(samples: Samples) -> Estimates:
    models = load_models()
    mirrored = torch.as_tensor(samples.side == 0)
    pixels, world, intrinsics = map(torch.as_tensor, (samples.joints_2d, samples.world, samples.intrinsics))
    seen = observe(pixels, world, intrinsics, mirrored)
    rotations, betas, features = models.baseline(seen.inputs)
    return Estimates(seen, rotations, models.identity(seen.inputs), betas, models.confidence(features))


def _calibrated(samples: Samples, found: Estimates, *, known_scale: bool) -> Tensor:
    """Each person's shape [n, 10], from at most 20 pictures chosen among the first half of theirs."""
    right = load_hand_model("open", "right")
    shapes = torch.zeros(len(samples), 10)
    for person in range(PEOPLE):
        own = np.flatnonzero(samples.subject == person)
        pool = torch.as_tensor(own[: len(own) // 2])
        chosen = pool[choose(found.scores[pool], found.baseline[pool])]
        ruler = _ruler(right, samples, own, seed=person) if known_scale else None
        shapes[own] = _solve(right, found, chosen, ruler, Settings(resamples=0)).betas
    return shapes


def _solve(right: HandModel, found: Estimates, chosen: Tensor, ruler: KnownLength | None, settings: Settings) -> Calibration:
    return calibrate(
        right,
        found.betas[chosen],
        found.baseline[chosen],
        found.scores[chosen],
        load_models().confidence.reliability,
        known_length=ruler,
        settings=settings,
    )


def _ruler(right: HandModel, samples: Samples, own: np.ndarray, *, seed: int) -> KnownLength:
    """What a person would read off a ruler: the true length, a millimetre off at random."""
    true = float(measure_hand(right, torch.as_tensor(samples.betas[own[0]])).length)
    return KnownLength(true + float(np.random.default_rng([17, seed]).normal(0, RULER_M)), RULER_M)


def _table_1(samples: Samples, found: Estimates, shapes: Tensor, free: Tensor) -> dict[str, np.ndarray]:
    true = torch.as_tensor(samples.betas)
    joints = {"mediapipe": samples.world}
    for name, rotations, betas in (
        ("baseline", found.baseline, found.betas),
        ("gt_shape", found.aware, true),
        ("calibrated", found.aware, shapes),
        ("calibrated_without_scale", found.aware, free),
    ):
        for optimised in (False, True):
            joints[f"{name}_opt" if optimised else name] = _posed(samples, found.seen, rotations, betas, optimised=optimised)
    return joints


def _posed(samples: Samples, seen: Observation, rotations: Tensor, betas: Tensor, *, optimised: bool) -> np.ndarray:
    """Joints [n, 21, 3] of estimated hands, each side with its own model."""
    rotations = seen.to_camera(rotations)
    joints = np.zeros((len(samples), 21, 3), np.float32)
    for index, side in enumerate(SIDES):
        rows = np.flatnonzero(samples.side == index)
        if len(rows):
            joints[rows] = _posed_side(samples.rows(rows), side, rotations[rows], betas[rows], optimised=optimised)
    return joints


def _posed_side(samples: Samples, side: Side, rotations: Tensor, betas: Tensor, *, optimised: bool) -> np.ndarray:
    model = load_hand_model("open", side)
    pixels, intrinsics = torch.as_tensor(samples.joints_2d), torch.as_tensor(samples.intrinsics[0])
    still = model.joints(rotations, betas, torch.zeros(3))
    count = len(samples)
    track = HandTrack(0, side, np.arange(count, dtype=np.int32), samples.joints_2d, samples.world, samples.score)
    fitted = FittedTrack(track, model, rotations, betas, place(still, pixels, intrinsics))
    if optimised:
        fitted = refine(fitted, intrinsics)
    joints: np.ndarray = model.joints(fitted.rotations, betas, fitted.translation).numpy()
    return joints


def _table_3(samples: Samples, found: Estimates, problem: str, weights: str) -> dict[str, dict[str, float]]:
    """Errors by number of pictures, with a known scale: means over people and random sets of pictures."""
    right = load_hand_model("open", "right")
    settings = Settings(problem=problem, weights=weights, resamples=0)  # type: ignore[arg-type]
    table = {}
    for count in PICTURES:
        errors = []
        for person in range(PEOPLE):
            own = np.flatnonzero(samples.subject == person)
            true = torch.as_tensor(samples.betas[own[0]])
            size = measure_hand(right, true)
            for draw in range(DRAWS):
                rng = np.random.default_rng([23, count, person, draw])
                chosen = torch.as_tensor(rng.choice(own, min(count, len(own)), replace=False))
                got = _solve(right, found, chosen, _ruler(right, samples, own, seed=1000 * person + draw), settings)
                square = float((got.betas - true).square().mean())
                errors.append((1000 * abs(got.length - float(size.length)), 1000 * abs(got.width - float(size.width)), square))
        length, width, mse = np.mean(errors, 0)
        table[str(count)] = {"l_error_mm": round(length, 3), "w_error_mm": round(width, 3), "mse": round(mse, 4)}
    return table


def _mpjpe(joints: np.ndarray, true: np.ndarray) -> float:
    """Root-relative, mm."""
    apart = (joints - joints[:, :1]) - (true - true[:, :1])
    return round(1000 * float(np.linalg.norm(apart, axis=-1).mean()), 3)


def _pa_mpjpe(joints: np.ndarray, true: np.ndarray) -> float:
    aligned, _ = procrustes_align(true.astype(np.float64), joints.astype(np.float64), reflections=False)
    return round(1000 * float(np.linalg.norm(aligned - true, axis=-1).mean()), 3)


def _say(done: int, of: int) -> None:
    print(f"rendering and detecting: {done} of {of}", flush=True)


def main(argv: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Write the tables of docs/results/kong2022.")
    parser.add_argument("--seed", type=int, default=0, help="of test people and their motion")
    parser.add_argument("--folder", type=Path, default=RESULTS)
    chosen = parser.parse_args(argv)
    result = run(chosen.seed)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    (chosen.folder / "kong2022.json").write_text(json.dumps(result, indent=1) + "\n")
    (chosen.folder / "kong2022.md").write_text(report(result))
    print(report(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

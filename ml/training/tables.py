"""The poster's tables 1 and 3 on people that no training saw: `python -m ml.training.tables`, or `make tables [SEED=n]`.

Writes `docs/results/kong2022.md` and `.json`. Single frames of the test people are rendered and detected as for training;
everything is measured on the frames in which MediaPipe found the hand, the same for every row.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from ml.hand.measure import measure_hand
from ml.hand.model import HandModel, load_hand_model
from ml.identity.calibration import Calibration, KnownLength, Settings, calibrate
from ml.identity.choice import choose
from ml.identity.estimate import PIECE, Estimate, estimate, joined_estimates, rows_of
from ml.identity.networks import ranking_accuracy
from ml.identity.observation import MARGIN, Observation
from ml.identity.weights import BACKBONES, Kind, Models, card_file, load_models
from ml.methods.kong2022 import Placed, placed, refined
from ml.metrics.alignment import procrustes_align
from ml.training.augment import cut
from ml.training.kong2022 import CACHE, Dataset, say
from ml.training.results import report
from ml.training.samples import FRAMES, Samples, make_samples

PAPER: Final[Kind] = "image"
"""What the first tables are of: as in the paper, networks that see pixels."""
PEOPLE: Final = 10
CLIPS_A_PERSON: Final = 20
PICTURES: Final = (1, 2, 3, 5, 10, 20)
DRAWS: Final = 12
"""Random sets of pictures of each person and size."""
RULER_M: Final = 0.001
"""Standard deviation of the ruler that gives the known scale."""
RESULTS: Final = Path("docs/results")


def run(seed: int) -> dict[str, Any]:
    """All tables for the test people of a seed, as the JSON that is written."""
    began = time.monotonic()
    samples = make_samples(
        CACHE, split="test", seed=seed, clips=PEOPLE * CLIPS_A_PERSON, clips_a_subject=CLIPS_A_PERSON, report=say
    )
    with torch.no_grad():
        measured = {backbone: _measured(samples, backbone) for backbone in BACKBONES}
    return {
        "seed": seed,
        "people": PEOPLE,
        "frames": PEOPLE * CLIPS_A_PERSON * FRAMES,
        "found": len(samples),
        "ruler_mm": 1000 * RULER_M,
        "backbone": PAPER,
        **measured[PAPER],
        "backbones": measured,
        "seconds": round(time.monotonic() - began),
    }


_KINDS: Final = (
    "fitted-confidence",
    "fitted-uniform",
    "fused-confidence",
    "fused-uniform",
    "poster-confidence",
    "poster-uniform",
    "mean-uniform",
)


def _measured(samples: Samples, backbone: Kind) -> dict[str, Any]:
    """Both tables on one backbone."""
    models = load_models(backbone)
    seen, found = estimates(samples, models)
    shapes = _calibrated(samples, found, models, known_scale=True)
    free = _calibrated(samples, found, models, known_scale=False)
    joints = _table_1(samples, seen, found, shapes, free)
    calibration = {kind: _table_3(samples, found, models, *kind.split("-")) for kind in _KINDS}
    errors = (found.betas - torch.as_tensor(samples.betas)).abs().mean(-1)
    card = json.loads(card_file(backbone).read_text())
    return {
        "mpjpe": {name: _mpjpe(found_joints, samples.joints) for name, found_joints in joints.items()},
        "pa_mpjpe": {name: _pa_mpjpe(found_joints, samples.joints) for name, found_joints in joints.items()},
        "calibration": calibration["fitted-confidence"],
        "calibration_variants": calibration,
        "ranking_accuracy": round(ranking_accuracy(found.scores, errors), 4),
        "ranking_accuracy_within_people": round(_ranking_within_people(samples, found.scores, errors), 4),
        "shape_mse": round(float((found.betas - torch.as_tensor(samples.betas)).square().mean()), 4),
        "joints_2d": round(_miss_2d(samples, seen, found.sight), 4),
        "training": {
            key: card[key] for key in ("training_samples", "training_people", "seconds", "machine", "validation", "parameters")
        },
    }


def estimates(samples: Samples, models: Models) -> tuple[Observation, Estimate]:
    """What the networks say of all frames."""
    data = Dataset.of(samples)
    parts = []
    for first in range(0, len(samples), PIECE):
        rows = slice(first, first + PIECE)
        crops = cut(data.crops[rows]) if models.backbone == "image" else None
        parts.append(estimate(models, rows_of(data.seen, rows), crops))
    return data.seen, joined_estimates(parts)


def _calibrated(samples: Samples, found: Estimate, models: Models, *, known_scale: bool) -> Tensor:
    """Each person's shape [n, 10], from at most 20 pictures chosen among the first half of theirs."""
    right = load_hand_model("open", "right")
    shapes = torch.zeros(len(samples), 10)
    for person in range(PEOPLE):
        own = np.flatnonzero(samples.subject == person)
        pool = torch.as_tensor(own[: len(own) // 2])
        chosen = pool[choose(found.scores[pool], found.baseline[pool])]
        ruler = _ruler(right, samples, own, seed=person) if known_scale else None
        shapes[own] = _solve(right, found, models, chosen, ruler, Settings(resamples=0)).betas
    return shapes


def _solve(  # noqa: PLR0917
    right: HandModel, found: Estimate, models: Models, chosen: Tensor, ruler: KnownLength | None, settings: Settings
) -> Calibration:
    return calibrate(
        right,
        found.rows(chosen),
        models.confidence.moments,
        known_length=ruler,
        settings=settings,
    )


def _ruler(right: HandModel, samples: Samples, own: np.ndarray, *, seed: int) -> KnownLength:
    """What a person would read off a ruler: the true length, a millimetre off at random."""
    true = float(measure_hand(right, torch.as_tensor(samples.betas[own[0]])).length)
    return KnownLength(true + float(np.random.default_rng([17, seed]).normal(0, RULER_M)), RULER_M)


def _table_1(samples: Samples, seen: Observation, found: Estimate, shapes: Tensor, free: Tensor) -> dict[str, np.ndarray]:
    true = torch.as_tensor(samples.betas)
    joints = {"mediapipe": samples.world}
    for name, rotations, betas in (
        ("baseline", found.baseline, found.betas),
        ("gt_shape", found.aware, true),
        ("calibrated", found.aware, shapes),
        ("calibrated_without_scale", found.aware, free),
    ):
        hand = placed(found, rotations, betas)
        joints[name] = _joints(seen, hand)
        joints[f"{name}_opt"] = _joints(seen, refined(found, hand))
    return joints


def _joints(seen: Observation, hand: Placed) -> np.ndarray:
    """Joints [n, 21, 3] of the real hands in the camera."""
    joints = load_hand_model("open", "right").joints(*hand)
    return seen.points_to_camera(joints).numpy()


def _table_3(samples: Samples, found: Estimate, models: Models, problem: str, weights: str) -> dict[str, dict[str, float]]:
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
                ruler = _ruler(right, samples, own, seed=1000 * person + draw)
                got = _solve(right, found, models, chosen, ruler, settings)
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


def _ranking_within_people(samples: Samples, scores: Tensor, errors: Tensor) -> float:
    """Mean over people of the ranking of their own pictures, which is what calibration needs."""
    own = [torch.as_tensor(samples.subject == person) for person in range(PEOPLE)]
    return float(np.mean([ranking_accuracy(scores[rows], errors[rows]) for rows in own]))


def _miss_2d(samples: Samples, seen: Observation, sight: Tensor) -> float:
    """Mean distance of the 2D joints [n, 21, 2] that the fit trusts to the true ones, as a share of the hand's box."""
    box = 2 * seen.half / MARGIN
    true = seen.in_crop(torch.as_tensor(samples.joints)) * seen.half[:, None, None] + seen.centre[:, None]
    return float(((sight - true).norm(dim=-1) / box[:, None]).mean())


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

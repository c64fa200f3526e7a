"""The poster's tables 1 and 3 on test people: `python -m ml.training.tables`, or `make tables [SEED=n]`.

Writes `docs/results/kong2022.md` and `.json`. Frames of the test people are rendered and detected as for training; everything
is measured on the frames in which MediaPipe found the hand, the same for every row. With the seed of the training the model
cards beside the weights are updated too.
"""

from __future__ import annotations

import argparse
import json
import time
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor

from ml.hand.measure import measure_hand
from ml.hand.model import HandModel, load_hand_model
from ml.hand.skeleton import BONES
from ml.identity.calibration import SOLVERS, CalibrationResult, KnownLength, Settings, calibrate, expected_errors, with_length
from ml.identity.frame_selection import select_calibration_frames
from ml.identity.inference import Estimate, concatenate_estimates, estimate
from ml.identity.networks import ranking_accuracy
from ml.identity.observation import MARGIN, Observation
from ml.identity.scale import ruler
from ml.identity.track_batches import BATCH, rows_of
from ml.identity.weights import BACKBONES, DEFAULT, FOLDER, Kind, Models, card_file, load_models
from ml.methods.crop_fit import CropFit
from ml.methods.kong2022 import estimated, own_betas, refined_fit
from ml.metrics.alignment import procrustes_align
from ml.training import paper
from ml.training.augment import without_rim
from ml.training.results import report
from ml.training.samples import FRAMES, Samples, make_samples
from ml.training.train_kong2022 import CACHE, Config, Dataset, print_progress

OF_METHODS: Final[Kind] = "landmarks"
"""The backbone of `kong2022`, `-opt`, `-identity` and `-identity-opt`: that of the JSON's top-level errors. The top-level
calibrations are on the backbone that the platform calibrates with (`ml.identity.weights.DEFAULT`)."""
PEOPLE: Final = 10
CLIPS_A_PERSON: Final = 20
FRAME_COUNTS: Final = (1, 2, 3, 5, 10, 20)
DRAWS: Final = 12
"""Random sets of frames per person and size."""
RULER_M: Final = ruler(190.0).length.sigma
"""Standard deviation of the known length, the value assumed for users' rulers."""
RESULTS: Final = Path("docs/results")


def run(seed: int) -> dict[str, Any]:
    """All tables for the test people of a seed, as the JSON that is written."""
    began = time.monotonic()
    samples = make_samples(
        CACHE, split="test", seed=seed, clips=PEOPLE * CLIPS_A_PERSON, clips_a_subject=CLIPS_A_PERSON, report=print_progress
    )
    costs = paper.loss_seconds()
    with torch.no_grad():
        found = {backbone: estimates(samples, load_models(backbone)) for backbone in BACKBONES}
        seen, image = found["image"]
        shapes, free = (_calibrated(samples, found[DEFAULT][1], known_scale=known)[0] for known in (True, False))
        measured = {
            backbone: _errors_of(_table_1(samples, seen, own, image, shapes, free), samples) | _measured(samples, seen, own)
            for backbone, (_, own) in found.items()
        }
    mpjpe = {key: measured[OF_METHODS][key] for key in ("mpjpe", "pa_mpjpe")}
    return {
        "seed": seed,
        "people": PEOPLE,
        "frames": PEOPLE * CLIPS_A_PERSON * FRAMES,
        "found": len(samples),
        "ruler_mm": 1000 * RULER_M,
        "backbone": OF_METHODS,
        "calibration_backbone": DEFAULT,
        **(measured[DEFAULT] | mpjpe),
        "backbones": measured,
        "loss_seconds": costs,
        "seconds": round(time.monotonic() - began),
    }


_KINDS: Final = (
    "joint-bundle-confidence",
    "joint-bundle-uniform",
    "shrinkage-confidence",
    "shrinkage-uniform",
    "poster-confidence",
    "poster-uniform",
    "mean-uniform",
)


def _errors_of(joints: dict[str, np.ndarray], samples: Samples) -> dict[str, Any]:
    """Of each row of table 1."""
    return {
        "mpjpe": {name: _mpjpe(found, samples.joints) for name, found in joints.items()},
        "pa_mpjpe": {name: _pa_mpjpe(found, samples.joints) for name, found in joints.items()},
    }


def _measured(samples: Samples, seen: Observation, found: Estimate) -> dict[str, Any]:
    """Table 3 and the rest on one backbone."""
    backbone = found.backbone
    _, off = _calibrated(samples, found, known_scale=True)
    errors_of = {kind: _table_3(samples, found, *kind.rsplit("-", 1)) for kind in _KINDS}
    calibration = {kind: _means(of_kind) for kind, of_kind in errors_of.items()}
    default = SOLVERS[backbone]
    errors = (found.betas - torch.as_tensor(samples.betas)).abs().mean(-1)
    card = json.loads(card_file(backbone).read_text())
    return {
        "solver": default,
        "calibration": calibration[f"{default}-confidence"],
        "calibration_variants": calibration,
        "mse_by_direction": errors_of[f"{default}-confidence"][-1, ..., len(ERRORS) :].mean((0, 1)).round(3).tolist(),
        "ruler_alone": _means(_table_3(samples, found, "ruler", "alone"))[str(FRAME_COUNTS[-1])],
        "rises": {kind: _rises(errors_of[kind]) for kind in dict.fromkeys((f"{default}-confidence", "poster-confidence"))},
        "ranking_accuracy": round(ranking_accuracy(found.scores, errors), 4),
        "ranking_accuracy_within_people": round(_ranking_within_people(samples, found.scores, errors), 4),
        "ranking_accuracy_calibrated": round(_ranking_within_people(samples, -off, errors), 4),
        "shape_mse": round(float((found.betas - torch.as_tensor(samples.betas)).square().mean()), 4),
        "joints_2d": round(_keypoint_error(samples, seen, found.normalized_keypoints), 4),
        "training": {
            key: card.get(key, "")
            for key in ("training_samples", "training_people", "seconds", "machine", "validation", "parameters", "note")
        },
    }


def estimates(samples: Samples, models: Models) -> tuple[Observation, Estimate]:
    """Network outputs for all frames."""
    data = Dataset.of(samples)
    parts = []
    for first in range(0, len(samples), BATCH):
        rows = slice(first, first + BATCH)
        crops = without_rim(data.crops[rows]) if models.backbone == "image" else None
        parts.append(estimate(models, rows_of(data.seen, rows), crops))
    return data.seen, concatenate_estimates(parts)


def _calibrated(samples: Samples, found: Estimate, *, known_scale: bool) -> tuple[Tensor, Tensor]:
    """Each person's calibrated shape, for every frame [n, 10], from at most 20 of the first half of their frames.

    Also each frame's expected shape error [n]; infinite in the first half, which the calibration may have seen.
    """
    right = load_hand_model("open", "right")
    clips = torch.as_tensor(samples.clip)
    shapes, off = torch.zeros(len(samples), 10), torch.full((len(samples),), torch.inf)
    for person in range(PEOPLE):
        own = np.flatnonzero(samples.subject == person)
        pool = torch.as_tensor(own[: len(own) // 2])
        chosen = pool[select_calibration_frames(found.scores[pool], found.baseline[pool])]
        known = _ruler(right, samples, own, seed=person) if known_scale else None
        solved = _solve(right, found, clips, chosen, known, Settings(resamples=0))
        shapes[own] = solved.betas
        new = own[len(own) // 2 :]
        off[new] = expected_errors(found.betas[new], solved)
    return shapes, off


def _solve(  # noqa: PLR0917
    right: HandModel, found: Estimate, clips: Tensor, chosen: Tensor, known: KnownLength | None, settings: Settings
) -> CalibrationResult:
    """Calibrate as for users, whose uploads are clips."""
    return calibrate(
        right,
        found.rows(chosen),
        load_models(found.backbone).confidence.moments,
        clips=clips[chosen],
        known_length=known,
        settings=settings,
    )


def _ruler(right: HandModel, samples: Samples, own: np.ndarray, *, seed: int) -> KnownLength:
    """A simulated ruler reading: the true length with a random error."""
    true = float(measure_hand(right, torch.as_tensor(samples.betas[own[0]])).length)
    return KnownLength(true + float(np.random.default_rng([17, seed]).normal(0, RULER_M)), RULER_M)


def _table_1(  # noqa: PLR0917
    samples: Samples, seen: Observation, found: Estimate, image: Estimate, shapes: Tensor, free: Tensor
) -> dict[str, np.ndarray]:
    """Joints [n, 21, 3] of every row, on the backbone of `found`.

    Args:
        samples: n frames of test people.
        seen: their hands.
        found: what the networks estimate.
        image: what those on images do, whose 2D joints the optimised rows follow.
        shapes: [n, 10], calibrated.
        free: [n, 10], calibrated without a known scale.
    """
    joints = {"mediapipe": samples.world}
    focal = torch.as_tensor(samples.intrinsics[:, 0, 0])
    for name, aware, known in (
        ("baseline", False, None),
        ("gt_shape", True, torch.as_tensor(samples.betas)),
        ("calibrated", True, shapes),
        ("calibrated_without_scale", True, free),
    ):
        own, betas = (found.betas, own_betas(found, image)) if known is None else (known, known)
        joints[name] = _joints(seen, estimated(found, None, own, aware=aware))
        joints[f"{name}_opt"] = _joints(seen, refined_fit(found, estimated(found, image, betas, aware=aware), image))
        if name != "calibrated_without_scale":
            rotations = found.aware if aware else found.baseline
            joints[f"{name}_adam"] = _joints(seen, paper.adam(rotations, own, image.normalized_keypoints, focal))
    return joints


def _joints(seen: Observation, hand: CropFit) -> np.ndarray:
    """Joints [n, 21, 3] of the real hands in the camera."""
    joints = load_hand_model("open", "right").joints(*hand)
    return seen.points_to_camera(joints).numpy()


ERRORS: Final = ("l_error_mm", "w_error_mm", "finger_error_mm", "mse")


def _table_3(samples: Samples, found: Estimate, solver: str, weights: str) -> np.ndarray:
    """Errors [sizes, people, draws, 14] by number of frames, with a known scale: `ERRORS`, and squared errors of β.

    The solver `ruler` uses no frame: the mean hand, scaled to the length that the ruler reads.
    """
    right = load_hand_model("open", "right")
    clips = torch.as_tensor(samples.clip)
    errors = np.zeros((len(FRAME_COUNTS), PEOPLE, DRAWS, len(ERRORS) + 10))
    for size, person, draw in np.ndindex(*errors.shape[:3]):
        own = np.flatnonzero(samples.subject == person)
        rng = np.random.default_rng([23, FRAME_COUNTS[size], person, draw])
        chosen = torch.as_tensor(rng.choice(own, min(FRAME_COUNTS[size], len(own)), replace=False))
        known = _ruler(right, samples, own, seed=1000 * person + draw)
        if solver == "ruler":
            betas = with_length(right, torch.zeros(10).double(), torch.eye(10).double(), known.metres).float()
        else:
            settings = Settings(solver=solver, weights=weights, resamples=0)  # type: ignore[arg-type]
            betas = _solve(right, found, clips, chosen, known, settings).betas
        errors[size, person, draw] = _shape_errors(right, betas, torch.as_tensor(samples.betas[own[0]]))
    return errors


def _shape_errors(right: HandModel, betas: Tensor, true: Tensor) -> tuple[float, ...]:
    """Errors of a shape [10]: `ERRORS`, and the ten squared errors of β, whose mean is the last of them.

    The length of a finger is that of its three bones from knuckle to tip in the rest hand.
    """
    both = torch.stack([betas, true])
    size, rest = measure_hand(right, both), right.rest_joints(both)
    bones = [pair for pair in BONES if pair[0] != 0]
    lengths = (rest[:, [end for _, end in bones]] - rest[:, [start for start, _ in bones]]).norm(dim=-1)
    fingers = lengths.view(2, 5, 3).sum(-1)
    apart = [float((a - b).abs().mean()) for a, b in (size.length, size.width, fingers)]
    squares = (betas - true).square()
    return *(1000 * one for one in apart), float(squares.mean()), *squares.tolist()


def _means(errors: np.ndarray) -> dict[str, dict[str, float]]:
    """Means over people and random sets of frames."""
    means = errors[..., : len(ERRORS)].mean((1, 2))
    return {
        str(count): {name: round(float(value), 4 if name == "mse" else 3) for name, value in zip(ERRORS, row, strict=True)}
        for count, row in zip(FRAME_COUNTS, means, strict=True)
    }


def _rises(errors: np.ndarray) -> dict[str, dict[str, Any]]:
    """The largest rise of an error from one number of frames to a larger one, and its standard error over people."""
    found = {}
    for name in ("w_error_mm", "mse"):
        by_person = errors[..., ERRORS.index(name)].mean(-1)
        first, last = max(
            combinations(range(len(FRAME_COUNTS)), 2), key=lambda pair: float((by_person[pair[1]] - by_person[pair[0]]).mean())
        )
        rise = by_person[last] - by_person[first]
        found[name] = {
            "rise": round(float(rise.mean()), 4),
            "from": FRAME_COUNTS[first],
            "to": FRAME_COUNTS[last],
            "standard_error": round(float(rise.std(ddof=1) / np.sqrt(len(rise))), 4),
        }
    return found


def _mpjpe(joints: np.ndarray, true: np.ndarray) -> float:
    """Root-relative, mm."""
    apart = (joints - joints[:, :1]) - (true - true[:, :1])
    return round(1000 * float(np.linalg.norm(apart, axis=-1).mean()), 3)


def _pa_mpjpe(joints: np.ndarray, true: np.ndarray) -> float:
    aligned, _ = procrustes_align(true.astype(np.float64), joints.astype(np.float64), reflections=False)
    return round(1000 * float(np.linalg.norm(aligned - true, axis=-1).mean()), 3)


def _ranking_within_people(samples: Samples, scores: Tensor, errors: Tensor) -> float:
    """Mean over people of the ranking accuracy within their own frames, where there is a score."""
    own = [torch.as_tensor(samples.subject == person) & scores.isfinite() for person in range(PEOPLE)]
    return float(np.mean([ranking_accuracy(scores[rows], errors[rows]) for rows in own]))


def _keypoint_error(samples: Samples, seen: Observation, normalized_keypoints: Tensor) -> float:
    """Mean distance of the 2D joints [n, 21, 2] used for fitting to the true ones, as a share of the hand's box."""
    box = 2 * seen.half / MARGIN
    true = seen.in_crop(torch.as_tensor(samples.joints)) * seen.half[:, None, None] + seen.centre[:, None]
    return float(((normalized_keypoints - true).norm(dim=-1) / box[:, None]).mean())


def complete_cards(result: dict[str, Any], folder: Path) -> None:
    """Write the test errors and the choices that the paper leaves open into the model cards."""
    for backbone in BACKBONES:
        path, measured = folder / card_file(backbone).name, result["backbones"][backbone]
        joints = measured["mpjpe"]
        card = json.loads(path.read_text()) | {
            "choices": paper.choices(backbone),
            "test": {
                "seed": result["seed"],
                "people": result["people"],
                "samples": result["found"],
                "ra_mpjpe_baseline": joints["baseline"],
                "ra_mpjpe_identity_true_shape": joints["gt_shape"],
                "ra_mpjpe_identity_calibrated": joints["calibrated"],
                "ra_mpjpe_identity_calibrated_without_scale": joints["calibrated_without_scale"],
                "shape_mse": measured["shape_mse"],
                "shape_mse_calibrated_20": measured["calibration"]["20"]["mse"],
                "ranking_accuracy": measured["ranking_accuracy"],
                "ranking_accuracy_within_people": measured["ranking_accuracy_within_people"],
            },
        }
        path.write_text(json.dumps(card, indent=1) + "\n")


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
    if chosen.seed == Config.seed:  # other seeds draw other test people
        complete_cards(result, FOLDER)
    print(report(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

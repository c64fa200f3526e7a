"""The survey, remade: all methods on the same test people and on real hands: `docs/results/survey.md`, `.json`, `.svg`.

`python -m ml.training.survey_tables`, or `make tables [SEED=n]`. Rendered clips of test people, who with their motions were in
no training, are detected as an upload's would be; each row is measured in the frames in which MediaPipe finds the hand. A
method with the option `input` has a row for each of its inputs. Real hands: those of `ml.training.real_hands`, where present.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from scipy.integrate import trapezoid

from ml.catalog import METHODS, RUN_SLICES
from ml.formats.prediction import PredictionArrays
from ml.hand.camera import project
from ml.identity.weights import FOLDER as KONG_WEIGHTS
from ml.methods.interface import Request, load_method
from ml.metrics.alignment import procrustes_align
from ml.metrics.frame_attributes import frame_attributes
from ml.networks.network_files import card_path
from ml.training.hmp_tables import TestClip, clips
from ml.training.next_steps import HIDDEN, hidden_shares, two_hands_errors
from ml.training.real_hands import absent, against_reference, longest_track, on_the_image, real_clips
from ml.training.speed_plot import speed_plot
from ml.training.survey_report import report

CLIPS: Final = 12
REFINED_CLIPS: Final = 2
"""Of them, the ones on which every method is refined by the motion prior as well."""
MEDIAPIPE: Final = "mediapipe"
SLICES: Final = ("occlusion", "viewpoint", "pose")
RESULTS: Final = Path("docs/results")
THRESHOLDS_MM: Final = np.linspace(20, 50, 31)

Found = Callable[[Request], PredictionArrays]


@dataclass(frozen=True)
class SurveyRow:
    """A row of the tables.

    Attributes:
        method: in the catalogue.
        options: of the method.
    """

    method: str
    options: dict[str, Any]

    @property
    def name(self) -> str:
        """`method`, `method/unfitted`, or `method/input`."""
        return "/".join([self.method, *("unfitted" if value is False else str(value) for value in self.options.values())])

    def __call__(self, request: Request) -> PredictionArrays:
        """The prediction for a clip."""
        return load_method(self.method).estimate(replace(request, options=self.options), lambda stage, fraction: None)


def method_rows() -> list[SurveyRow]:
    """One for each method, without its fit where it has one, and with each further input where it has several."""
    found = []
    for name, entry in METHODS.items():
        options = {option.name: option.choices for option in entry.options}
        found.append(SurveyRow(name, {}))
        if "fit" in options:
            found.append(SurveyRow(name, {"fit": False}))
        found += [SurveyRow(name, {"input": value}) for value in options.get("input", ())[1:]]
    return found


@dataclass(frozen=True)
class ClipErrors:
    """Of one clip, by frame [n]: mm, AUC of PCK over 20–50 mm (root-aligned), and px in the image."""

    frames: np.ndarray
    aligned: np.ndarray
    root: np.ndarray
    auc: np.ndarray
    pixels: np.ndarray

    @classmethod
    def of(cls, frames: np.ndarray, joints: np.ndarray, clip: TestClip, *, in_image: bool = True) -> ClipErrors:
        """Of joints [n, 21, 3] (m)."""
        truth, joints = clip.truth.joints[frames].astype(np.float64), joints.astype(np.float64)
        aligned = procrustes_align(truth, joints, reflections=False)[0]
        apart = 1000 * np.linalg.norm((joints - joints[:, :1]) - (truth - truth[:, :1]), axis=-1)
        shares = (apart[..., None] <= THRESHOLDS_MM).mean(1)
        camera = np.asarray(clip.truth.intrinsics, np.float64)
        pixels = np.full(len(frames), np.nan)
        if in_image:
            pixels = np.linalg.norm(project(joints, camera) - project(truth, camera), axis=-1).mean(-1)
        return cls(
            frames,
            1000 * np.linalg.norm(aligned - truth, axis=-1).mean(-1),
            apart.mean(-1),
            trapezoid(shares, THRESHOLDS_MM, axis=-1) / (THRESHOLDS_MM[-1] - THRESHOLDS_MM[0]),
            pixels,
        )


def run(seed: int, count: int = CLIPS, *, rows: Iterable[SurveyRow] | None = None) -> dict[str, Any]:
    """All tables for the test people of a seed, as the JSON that is written."""
    began = time.monotonic()
    chosen, methods = list(clips(seed, count)), method_rows() if rows is None else list(rows)
    found: dict[str, list[ClipErrors]] = {MEDIAPIPE: [_mediapipe(clip) for clip in chosen]}
    refined: dict[str, list[tuple[ClipErrors, ClipErrors]]] = {}
    speeds: dict[str, float] = {}
    for row in methods:
        row(chosen[0].request)  # what is loaded or compiled once is not timed
        taken, own = 0.0, []
        for number, clip in enumerate(chosen):
            start = time.process_time()
            prediction = row(clip.request)
            taken += time.process_time() - start
            own.append(_errors(prediction, clip))
            if number < REFINED_CLIPS and row.method != "hmp2024":
                after = load_method("hmp2024").estimate(replace(clip.request, start=prediction), lambda stage, fraction: None)
                refined.setdefault(row.name, []).append((own[-1], _errors(after, clip)))
        found[row.name] = own
        speeds[row.name] = round(sum(len(errors.frames) for errors in own) / taken, 1)
        print(f"{row.name}: {speeds[row.name]:.0f} frames/s", flush=True)
    attributes = [frame_attributes(clip.truth, None, is_video=True) for clip in chosen]
    hidden = [hidden_shares(clip.visible) for clip in chosen]
    table = {}
    for name, own in found.items():
        table[name] = (
            _summary(own)
            | ({"fps": speeds[name]} if name in speeds else {})
            | _training(name)
            | {"slices": {slice_: _sliced(own, [a[slice_] for a in attributes], RUN_SLICES[slice_]) for slice_ in SLICES}}
            | {"hidden": _sliced(own, hidden, HIDDEN)}
        )
    return {
        "seed": seed,
        "clips": len(chosen),
        "frames": sum(len(errors.frames) for errors in found[MEDIAPIPE]),
        "methods": table,
        "refined_clips": min(REFINED_CLIPS, len(chosen)),
        "refined": {name: _refinement(pairs) for name, pairs in refined.items()},
        "two_hands": two_hands_errors(seed, {row.name: row for row in methods}),
        "real": _real(methods),
        "seconds": round(time.monotonic() - began),
    }


def _mediapipe(clip: TestClip) -> ClipErrors:
    track = clip.request.keypoints.tracks[0]
    errors = ClipErrors.of(track.frames.astype(int), track.world, clip, in_image=False)
    camera = np.asarray(clip.truth.intrinsics, np.float64)
    true = project(clip.truth.joints[errors.frames].astype(np.float64), camera)
    return replace(errors, pixels=np.linalg.norm(track.joints_2d - true, axis=-1).mean(-1))


def _errors(found: PredictionArrays, clip: TestClip) -> ClipErrors:
    """In the frames in which the detector has the hand."""
    detected = clip.request.keypoints.tracks[0].frames.astype(int)
    found = found.rows(np.argsort(found.frame, kind="stable"))
    own = found.rows(np.isin(found.frame, detected))
    if len(own) != len(detected):
        raise ValueError(f"{len(own)} hands for {len(detected)} detected ones in {clip.request.clip.path.parent.name}")
    return ClipErrors.of(own.frame.astype(int), own.joints, clip)


def _summary(parts: list[ClipErrors]) -> dict[str, float]:
    def mean(name: str) -> float:
        return float(np.concatenate([getattr(errors, name) for errors in parts]).mean())

    return {
        "pa_mpjpe": round(mean("aligned"), 3),
        "ra_mpjpe": round(mean("root"), 3),
        "auc_20_50": round(mean("auc"), 4),
        "px": round(mean("pixels"), 3),
    }


def _sliced(parts: list[ClipErrors], labels: list[np.ndarray], names: tuple[str, ...]) -> dict[str, dict[str, float]]:
    """PA- and RA-MPJPE in each category; labels [frames of the clip] are its numbers."""
    own = np.concatenate([label[errors.frames] for errors, label in zip(parts, labels, strict=True)])
    aligned, root = (np.concatenate([getattr(errors, name) for errors in parts]) for name in ("aligned", "root"))
    return {
        name: {
            "pa_mpjpe": round(float(aligned[own == number].mean()), 3),
            "ra_mpjpe": round(float(root[own == number].mean()), 3),
            "frames": int((own == number).sum()),
        }
        for number, name in enumerate(names)
        if (own == number).any()
    }


def _refinement(pairs: list[tuple[ClipErrors, ClipErrors]]) -> dict[str, dict[str, float]]:
    """Before and after the motion prior, on the same frames."""
    return {"before": _summary([before for before, _ in pairs]), "after": _summary([after for _, after in pairs])}


def _training(name: str) -> dict[str, Any]:
    """Parameters and seconds of training of a row, from the model cards."""
    method, _, variant = name.partition("/")
    card = card_path(method)
    if card.exists():
        variants = json.loads(card.read_text())["variants"]
        facts = variants.get(variant) or variants[next(iter(variants))]
        return {"parameters": facts["parameters"], "training_seconds": facts["seconds"]}
    if method.startswith("kong2022"):
        kong = json.loads((KONG_WEIGHTS / f"kong2022-{'image' if 'image' in method else 'landmarks'}.json").read_text())
        return {"parameters": kong["parameters"], "training_seconds": kong["seconds"]}
    return {}


def _real(methods: list[SurveyRow]) -> dict[str, Any]:
    """PA-MPJPE and 2D distances on real hands; empty where the clips are absent."""
    if absent():
        return {}
    found: dict[str, Any] = {}
    for clip in real_clips():
        own: dict[str, Any] = {}
        if clip.truth:
            track = longest_track(clip.request.keypoints)
            own[MEDIAPIPE] = {"pa_mpjpe": round(against_reference(clip, track.frames, track.world), 3)}
        for row in methods:
            prediction = row(clip.request)
            miss, broken = on_the_image(clip.request.keypoints, prediction)
            own[row.name] = {"distance_2d_percent": round(miss, 3), "broken": broken}
            if clip.truth:
                own[row.name]["pa_mpjpe"] = round(against_reference(clip, prediction.frame, prediction.joints), 3)
        found[clip.name] = own
    return found


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--clips", type=int, default=CLIPS)
    options = parser.parse_args()
    torch.set_grad_enabled(False)
    found = run(options.seed, options.clips)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "survey.json").write_text(json.dumps(found, indent=1) + "\n")
    (RESULTS / "survey.md").write_text(report(found))
    (RESULTS / "survey.svg").write_text(speed_plot(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

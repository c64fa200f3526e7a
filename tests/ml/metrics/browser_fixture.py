"""Joints, and what `ml.metrics` computes of them, for the metrics that the browser computes itself.

`python -m tests.ml.metrics.browser_fixture` writes `frontend/metrics/fixtures/alignments.json`; `test_browser_fixture.py`
and `frontend/metrics/*.test.ts` hold both sides to it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ml.hand.skeleton import TIPS
from ml.metrics.alignment import ALIGNMENTS, Alignment, procrustes_align, root_align, scale_translation_align
from ml.metrics.errors import acceleration_errors, distances
from ml.metrics.smoothness import smoothness

PATH = Path(__file__).resolve().parents[3] / "frontend" / "metrics" / "fixtures" / "alignments.json"
MILLIMETRES = 1000.0


def inputs() -> dict[str, Any]:
    """Frames of one hand in metres, with a gap: noisy, mirrored, flat, far off, tiny, and equal predictions."""
    rng = np.random.default_rng(7)
    frames = [0, 1, 2, 3, 4, 5, 8, 9, 10, 11]
    truth = rng.normal(0, 0.04, (1, 21, 3)) + rng.normal(0, 0.004, (len(frames), 21, 3)) + [0.1, -0.05, 0.6]
    prediction = truth + rng.normal(0, 0.008, truth.shape)
    prediction[1] = truth[1] * [-1, 1, 1] + rng.normal(0, 0.003, (21, 3))
    truth[2, :, 2] = 0.5
    prediction[2] = truth[2] * 1.3 + 0.02
    prediction[3] = prediction[3] @ np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]) + 2.0
    prediction[4] *= 1e-3
    prediction[5] = truth[5]
    prediction[6, 4] = prediction[6, 0]
    return {"frames": frames, "truth": truth.round(7).tolist(), "prediction": prediction.round(7).tolist()}


def expected(given: dict[str, Any]) -> dict[str, Any]:
    """Aligned joints (m) and errors per frame (mm) of `inputs`; None where there is none."""
    truth, prediction = np.array(given["truth"]), np.array(given["prediction"])
    aligned = {name: align(name, truth, prediction) for name in ALIGNMENTS}
    errors = {name: MILLIMETRES * distances(t, p).mean(-1) for name, (t, p) in aligned.items()}
    tips = {name: MILLIMETRES * distances(t, p)[:, list(TIPS)].mean(-1) for name, (t, p) in aligned.items()}
    frame = np.array(given["frames"])
    acceleration = MILLIMETRES * acceleration_errors(frame, np.zeros(len(frame), np.int64), truth, prediction)
    motion = smoothness(frame, np.zeros(len(frame), np.int64), truth, prediction)
    assert motion is not None
    return {
        "smoothness": {"lag": motion.lag, "amplitude": motion.amplitude},
        "aligned": {name: p.tolist() for name, (_, p) in aligned.items()},
        "errors_mm": {name: values.tolist() for name, values in errors.items()},
        "tip_errors_mm": {name: values.tolist() for name, values in tips.items()},
        "acceleration_mm": [None if np.isnan(value) else value for value in acceleration.tolist()],
    }


def align(name: Alignment, truth: np.ndarray, prediction: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Truth and prediction [n, 21, 3] as they are compared under an alignment."""
    if name == "root":
        return root_align(truth), root_align(prediction)
    if name == "scale-translation":
        return truth, scale_translation_align(truth, prediction)
    if name == "none":
        return truth, prediction
    return truth, procrustes_align(truth, prediction, reflections=name == "procrustes")[0]


def main() -> None:
    """Write the fixture."""
    given = inputs()
    PATH.parent.mkdir(parents=True, exist_ok=True)
    PATH.write_text(json.dumps({**given, **expected(given)}, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()

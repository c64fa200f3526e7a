"""One method on one upload: from frames and keypoints to a prediction, its track for the viewer and its series."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any, cast

import numpy as np
import orjson

from ml.clip import open_clip
from ml.formats.prediction import PredictionArrays
from ml.formats.viewer_track import write_track
from ml.hand.camera import default_intrinsics
from ml.hand.joint_weights import joint_weights
from ml.hand.licensed import LicensedModelError
from ml.hand.model import load_hand_arrays
from ml.hand.skeleton import SIDES, Side
from ml.keypoints.tracks import Keypoints
from ml.methods.interface import Request, UnsupportedModelError, load_method
from ml.metrics.no_truth import series
from ml.progress import ProgressCallback
from ml.web_copy import WEB_VIDEO
from palmares.media_storage import delete_stored_files, keep_only
from palmares.queue.exceptions import WorkFailedError
from palmares.runs.models import Prediction, Run
from palmares.runs.shape_used import by_side
from palmares.subjects.models import HandShape
from palmares.uploads.models import Upload
from workers.ingest import KEYPOINTS
from workers.storage import fetch, store_folder


class Estimation:
    """The work of a run."""

    def folder(self, item: Run) -> str:
        return f"runs/{item.pk}/{item.lease}"

    def perform(self, item: Run, scratch: Path, progress: ProgressCallback) -> Callable[[], None]:
        """Estimate, then make everything that is shown of it."""
        progress("Starting", 0.0)
        request = _request(item, scratch)
        try:
            method = load_method(item.method)
            prediction = method.estimate(request, lambda stage, fraction: progress(_capital(stage), 0.85 * fraction))
        except LicensedModelError as error:
            raise WorkFailedError(f"The hand model cannot be used: {error}.") from error
        except UnsupportedModelError as error:
            raise WorkFailedError(f"{_capital(str(error))}.") from error
        progress("Writing the meshes", 0.85)
        target = scratch / "made"
        target.mkdir()
        prediction.save(target / "prediction.npz")
        models = {side: load_hand_arrays(item.hand_model, side) for side in SIDES}
        faces = {side: arrays.faces for side, arrays in models.items()}
        write_track(prediction, faces, target, skin={side: joint_weights(arrays) for side, arrays in models.items()})
        progress("Measuring", 0.95)
        curves = series(prediction, request.keypoints)
        (target / "series.json").write_bytes(orjson.dumps(curves, option=orjson.OPT_SERIALIZE_NUMPY))
        facts = {"sha256": _sha256(target / "prediction.npz"), "size_bytes": (target / "prediction.npz").stat().st_size}
        folder = self.folder(item)
        progress("Storing", 0.98)
        store_folder(target, folder)
        return lambda: _publish(item, folder, prediction, {**facts, "summary": summary(curves)})

    def discard(self, item: Run) -> None:
        if not Prediction.objects.filter(folder=self.folder(item)).exists():
            delete_stored_files(self.folder(item))

    def cleanup(self, item: Run) -> None:
        """Only what the row names is kept."""
        published = Prediction.objects.filter(run=item.pk).values_list("folder", flat=True).first()
        keep_only(f"runs/{item.pk}", published.rstrip("/").rsplit("/", 1)[-1] if published else "")


def summary(curves: dict[str, Any]) -> dict[str, float]:
    """Each metric's mean over frames and hands; metrics without a number are left out."""
    values: dict[str, list[float]] = {}
    for hand in curves["hands"]:
        for name, numbers in hand["values"].items():
            values.setdefault(name, []).extend(float(v) for v in numbers if v is not None and np.isfinite(v))
    return {name: fmean(numbers) for name, numbers in values.items() if numbers}


def _request(item: Run, scratch: Path) -> Request:
    upload = item.upload
    clip = open_clip(fetch(f"{upload.folder}/{WEB_VIDEO}", scratch))
    intrinsics = np.asarray(upload.intrinsics, np.float32).reshape(3, 3) if upload.intrinsics else None
    return Request(
        clip=clip,
        keypoints=Keypoints.load(fetch(f"{upload.folder}/{KEYPOINTS}", scratch)),
        intrinsics=default_intrinsics(clip.width, clip.height) if intrinsics is None else intrinsics,
        hand_model=item.hand_model,
        betas=_betas(item.shape),
        independent=upload.kind == Upload.Kind.IMAGES,
        intrinsics_known=intrinsics is not None,
    )


def _betas(shape: dict[str, Any]) -> dict[Side, np.ndarray]:
    """Of the shape that the run was given, whether or not that is still among its subject's."""
    if not (given := shape.get("given")):
        return {}
    sides = SIDES if given["side"] == HandShape.Side.BOTH else (cast(Side, given["side"]),)
    return {side: np.asarray(given["betas"], np.float32) for side in sides}


def _publish(item: Run, folder: str, prediction: PredictionArrays, facts: dict[str, Any]) -> None:
    made = Prediction.objects.create(folder=folder, rows=len(prediction), hand_model=item.hand_model, **facts)
    earlier = Run.objects.filter(pk=item.pk).values_list("prediction", flat=True).first()
    sides = by_side(
        method=item.method,
        meta=prediction.meta,
        found=[SIDES[side] for side in np.unique(prediction.side)],
        independent=item.upload.kind == Upload.Kind.IMAGES,
    )
    Run.objects.filter(pk=item.pk).update(prediction=made, shape={**item.shape, "sides": sides})
    if earlier is not None:
        Prediction.objects.filter(pk=earlier).delete()


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _capital(stage: str) -> str:
    return f"{stage[:1].upper()}{stage[1:]}"

"""One method on one upload: from frames and keypoints to a prediction, its track for the viewer and its series."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean
from typing import Any, Final, cast

import numpy as np
import orjson

from ml.clip import open_clip
from ml.formats.prediction import PredictionArrays
from ml.hand.camera import default_intrinsics
from ml.hand.joint_weights import joint_weights
from ml.hand.licensed import LicensedModelError
from ml.hand.model import load_hand_arrays
from ml.hand.skeleton import SIDES, Side
from ml.keypoints.track_matching import detected_tracks
from ml.keypoints.tracks import Keypoints
from ml.methods.interface import Request, UnsupportedModelError, load_method
from ml.metrics.no_truth import series
from ml.progress import ProgressCallback
from ml.viewer_files.viewer_track import write_track
from ml.web_copy import WEB_VIDEO
from palmares.media_storage import delete_stored_files, keep_only
from palmares.queue.exceptions import WorkFailedError
from palmares.runs.models import Prediction, Run
from palmares.runs.scores import request_scores
from palmares.runs.shape_used import OLD_SHAPE, by_side
from palmares.subjects.models import FIRST_OPEN_HAND, HandShape
from palmares.uploads.models import Upload
from workers.attached_file import read_file, write_files
from workers.boxes import LOOKING, with_boxes
from workers.ingest import KEYPOINTS
from workers.storage import fetch, store_folder

FILE: Final = "prediction.npz"


@dataclass(frozen=True)
class _Made:
    """What a run found.

    Attributes:
        prediction: stored already.
        keypoints: of the upload.
        hand_model: of the meshes.
        detected_as: track of the prediction → of the keypoints; None where they are the same.
        findings: of the check of a file that was sent, or on drawn boxes.
    """

    prediction: PredictionArrays
    keypoints: Keypoints
    hand_model: str
    detected_as: dict[int, int] | None = None
    findings: list[dict[str, Any]] = field(default_factory=list)


class Estimation:
    """The work of a run."""

    def folder(self, item: Run) -> str:
        return f"runs/{item.pk}/{item.lease}"

    def perform(self, item: Run, scratch: Path, progress: ProgressCallback) -> Callable[[], None]:
        """Estimate, or read what was sent; then make everything that is shown of it."""
        progress("Starting", 0.0)
        target = scratch / "made"
        target.mkdir()
        made = _sent(item, scratch, target, progress) if item.is_external else _estimated(item, scratch, target, progress)
        progress("Measuring", 0.95)
        curves = series(made.prediction, made.keypoints, made.detected_as)
        if not item.is_external:  # of a file that was sent, `meta` may hold anything
            curves["keypoints"] = made.prediction.meta.get("keypoints", [])
        (target / "series.json").write_bytes(orjson.dumps(curves, option=orjson.OPT_SERIALIZE_NUMPY))
        facts = {"sha256": _sha256(target / FILE), "size_bytes": (target / FILE).stat().st_size}
        folder = self.folder(item)
        progress("Storing", 0.98)
        store_folder(target, folder)
        return lambda: _publish(item, folder, made, {**facts, "summary": summary(curves)})

    def discard(self, item: Run) -> None:
        if not Prediction.objects.filter(folder=self.folder(item)).exists():
            delete_stored_files(self.folder(item))

    def cleanup(self, item: Run) -> None:
        """Only what the row names is kept; where the upload has a ground truth, the run is scored."""
        request_scores(upload_id=item.upload_id)
        published = Prediction.objects.filter(run=item.pk).values_list("folder", flat=True).first()
        keep_only(f"runs/{item.pk}", published.rstrip("/").rsplit("/", 1)[-1] if published else "")


def _estimated(item: Run, scratch: Path, target: Path, progress: ProgressCallback) -> _Made:
    """What the method finds, written into `target` with its track."""
    request, findings = _request(item, scratch, progress)
    try:
        method = load_method(item.method)
        prediction = method.estimate(request, lambda stage, fraction: progress(_capital(stage), 0.85 * fraction))
    except LicensedModelError as error:
        raise WorkFailedError(f"The hand model cannot be used: {error}.") from error
    except UnsupportedModelError as error:
        raise WorkFailedError(f"{_capital(str(error))}.") from error
    progress("Writing the meshes", 0.85)
    prediction.save(target / FILE)
    models = {side: load_hand_arrays(item.hand_model, side) for side in SIDES}
    faces = {side: arrays.faces for side, arrays in models.items()}
    write_track(prediction, faces, target, skin={side: joint_weights(arrays) for side, arrays in models.items()})
    return _Made(prediction, request.keypoints, item.hand_model, findings=findings)


def _sent(item: Run, scratch: Path, target: Path, progress: ProgressCallback) -> _Made:
    """The predictions of an external method, written into `target` with their track."""
    attached = read_file(
        upload=item.upload,
        kind="prediction",
        path=fetch(item.source, scratch),
        file_format=item.source_format,
        side=cast(Side, item.source_side),
        name=item.source_name,
    )
    progress("Writing the meshes", 0.5)
    rows = attached.prediction
    rows = replace(rows, meta={**rows.meta, "method": item.method, "version": item.method_version})
    rows, note = write_files(rows, target, FILE)
    keypoints = Keypoints.load(fetch(f"{item.upload.folder}/{KEYPOINTS}", scratch))
    findings = [finding.as_json() for finding in attached.findings]
    findings += [{"level": "note", "message": note, "place": item.source_name}] if note else []
    return _Made(rows, keypoints, str(rows.meta["hand_model"]), detected_tracks(rows, keypoints), findings)


def summary(curves: dict[str, Any]) -> dict[str, float]:
    """Each metric's mean over frames and hands; metrics without a number are left out."""
    values: dict[str, list[float]] = {}
    for hand in curves["hands"]:
        for name, numbers in hand["values"].items():
            values.setdefault(name, []).extend(float(v) for v in numbers if v is not None and np.isfinite(v))
    return {name: fmean(numbers) for name, numbers in values.items() if numbers}


def _request(item: Run, scratch: Path, progress: ProgressCallback) -> tuple[Request, list[dict[str, Any]]]:
    """What the method is given, and findings on boxes in which no hand was found."""
    upload, independent = item.upload, item.upload.kind == Upload.Kind.IMAGES
    clip = open_clip(fetch(f"{upload.folder}/{WEB_VIDEO}", scratch))
    intrinsics = np.asarray(upload.intrinsics, np.float32).reshape(3, 3) if upload.intrinsics else None
    keypoints = Keypoints.load(fetch(f"{upload.folder}/{KEYPOINTS}", scratch))
    checkpoint = lambda: progress(LOOKING, 0.0)  # noqa: E731
    keypoints, notes = with_boxes(clip, keypoints, item.boxes, static=independent, checkpoint=checkpoint)
    request = Request(
        clip=clip,
        keypoints=keypoints,
        intrinsics=default_intrinsics(clip.width, clip.height) if intrinsics is None else intrinsics,
        hand_model=item.hand_model,
        betas=_betas(item.shape),
        independent=independent,
        intrinsics_known=intrinsics is not None,
        start=_start(item, scratch),
        options=item.options,
    )
    return request, notes


def _start(item: Run, scratch: Path) -> PredictionArrays | None:
    """The hands of the run that is refined, without their meshes, which no method starts from."""
    if not item.start_method:
        return None
    if item.start is None or item.start.prediction is None:
        raise WorkFailedError("The run that was to be refined has been deleted.")
    path = fetch(f"{item.start.prediction.storage_prefix}/{FILE}", scratch)
    return PredictionArrays.load(path, without=("vertices", "faces"))


def _betas(shape: dict[str, Any]) -> dict[Side, np.ndarray]:
    """Of the shape that the run was given, whether or not that is still among its subject's."""
    if not (given := shape.get("given")):
        return {}
    if given["hand_model"] == FIRST_OPEN_HAND:
        raise WorkFailedError(OLD_SHAPE)
    sides = SIDES if given["side"] == HandShape.Side.BOTH else (cast(Side, given["side"]),)
    return {side: np.asarray(given["betas"], np.float32) for side in sides}


def _publish(item: Run, folder: str, made: _Made, facts: dict[str, Any]) -> None:
    prediction = made.prediction
    losses = [] if item.is_external else list(prediction.meta.get("losses", []))
    stored = Prediction.objects.create(folder=folder, rows=len(prediction), hand_model=made.hand_model, losses=losses, **facts)
    earlier = Run.objects.filter(pk=item.pk).values_list("prediction", flat=True).first()
    changes: dict[str, Any] = {"findings": made.findings}
    if item.is_external:
        changes["hand_model"] = made.hand_model
    else:
        sides = by_side(
            method=item.method,
            meta=prediction.meta,
            found=[SIDES[side] for side in np.unique(prediction.side)],
            independent=item.upload.kind == Upload.Kind.IMAGES,
        )
        changes["shape"] = {**item.shape, "sides": sides}
    Run.objects.filter(pk=item.pk).update(prediction=stored, **changes)
    if earlier is not None:
        Prediction.objects.filter(pk=earlier).delete()


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _capital(stage: str) -> str:
    return f"{stage[:1].upper()}{stage[1:]}"

"""One subject's hand shape from at most twenty frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
from PIL import Image

from ml.clip import open_clip
from ml.device import default_device
from ml.hand.camera import default_intrinsics
from ml.hand.model import load_hand_model
from ml.hand.skeleton import Side
from ml.identity.calibration import (
    SOLVERS,
    CalibrationResult,
    KnownLength,
    Settings,
    calibrate,
    expected_errors,
    solver_named,
)
from ml.identity.frame_selection import second_person_frame, select_calibration_frames, subsample_track
from ml.identity.hand_frames import HandFrames, TrackedClip, observe_frames
from ml.identity.rest_hand import measurement_lines, rest_hand_mesh
from ml.identity.scale import ESTIMATED_SHARE, ScaleError, Source, agreed, at_depth, depth_of_object, ruler
from ml.identity.weights import load_models
from ml.keypoints.tracks import HandTrack, Keypoints
from ml.progress import ProgressCallback
from ml.web_copy import WEB_VIDEO
from palmares.calibrations.models import Calibration
from palmares.calibrations.services import camera_is_known, needs_a_camera
from palmares.media_storage import delete_stored_files, keep_only
from palmares.queue.exceptions import WorkFailedError
from palmares.subjects.models import HandShape
from palmares.uploads.hand_boxes import boxes_for_run
from palmares.uploads.models import Upload
from workers.boxes import LOOKING, with_boxes
from workers.ingest import KEYPOINTS
from workers.storage import fetch, store_folder

MIN_FRAMES: Final = 2
"""Fewer frames say nothing about the uncertainty of the shape."""
MAX_FRAMES: Final = 200
"""Evenly spaced frames of one track that the networks look at: many more than are used, few enough to take seconds."""
NEAR_FRAMES: Final = 5
"""The hand may be seen up to so many frames away from the frame that a source of scale names."""
SCALE_NAMES: Final = {"length_mm": "a ruler", "object": "an object of known size", "distance": "the distance"}
CROP_PX: Final = 192
DEPTH_STD: Final = {"card": 0.02, "distance": 0.03}
"""Relative standard deviation of the depth: how precisely people hold a card beside the hand, and measure a distance."""


@dataclass(frozen=True)
class Evidence:
    """The frames that show the hand (`frames.clip` is an index into `uploads`), and `notes` on boxes without one."""

    uploads: list[Upload]
    frames: HandFrames
    notes: list[str]


class Calibrating:
    """The work of a calibration."""

    def folder(self, item: Calibration) -> str:
        return f"calibrations/{item.pk}/{item.lease}"

    def perform(self, item: Calibration, scratch: Path, report: ProgressCallback) -> Callable[[], None]:
        """Estimate the hand in all frames, select frames, solve for one shape, and draw the selected frames."""
        report("Looking at the hands", 0.0)
        evidence = _evidence(item, scratch, report)
        frames = evidence.frames
        if len(frames) < MIN_FRAMES:
            raise WorkFailedError("Only one frame shows the hand; at least two are needed to say how certain its shape is.")
        selected = select_calibration_frames(frames.estimate.scores, frames.estimate.baseline, item.max_images)
        report("Solving for one shape", 0.4)
        try:
            known = _known_length(item, evidence)
        except ScaleError as error:
            raise WorkFailedError(f"{str(error)[:1].upper()}{str(error)[1:]}.") from error
        settings = _settings(item, frames)
        found = calibrate(
            load_hand_model("open", "right"),
            frames.estimate.rows(selected),
            load_models().confidence.moments,
            clips=torch.as_tensor(frames.clip)[selected],
            known_length=known,
            settings=settings,
        )
        report("Drawing", 0.7)
        target = scratch / "made"
        target.mkdir()
        shown = [_draw_crop(evidence, int(row), target / f"frame-{n:02d}.jpg", scratch) for n, row in enumerate(selected)]
        side: Side = "left" if item.side == HandShape.Side.LEFT else "right"
        rest_hand_mesh(found.betas, side).export(target / "hand.glb")
        folder = self.folder(item)
        store_folder(target, folder)
        off = expected_errors(frames.estimate.betas[selected], found)
        shown = [{**image, "shape_error": round(float(error), 3)} for image, error in zip(shown, off, strict=True)]
        facts = _facts(item, found, shown, known)
        facts |= {"spans_m": measurement_lines(found.betas, side), "solver": settings.solver, "notes": evidence.notes}
        return lambda: _publish(item, folder, found, facts)

    def discard(self, item: Calibration) -> None:
        if not Calibration.objects.filter(pk=item.pk, folder=self.folder(item)).exists():
            delete_stored_files(self.folder(item))

    def cleanup(self, item: Calibration) -> None:
        """Only what the row names is kept."""
        published = Calibration.objects.filter(pk=item.pk).values_list("folder", flat=True).first() or ""
        keep_only(f"calibrations/{item.pk}", published.rsplit("/", 1)[-1])


def _settings(item: Calibration, frames: HandFrames) -> Settings:
    """As requested; without a request the default solver by name, since the default may change."""
    solver = solver_named(item.solver) if item.solver else SOLVERS[frames.estimate.backbone]
    return Settings(solver=solver, weights="uniform" if item.weights == "uniform" else "confidence")


def _evidence(item: Calibration, scratch: Path, report: ProgressCallback) -> Evidence:
    notes: list[str] = []
    uploads = list(item.uploads.order_by("created_at", "id"))
    frames = observe_frames(load_models(device=default_device()), _tracked_clips(item, uploads, scratch, report, notes))
    if frames is None:
        wanted = "hand" if item.side == HandShape.Side.BOTH else f"{item.side} hand"
        raise WorkFailedError(f"No {wanted} was found in any of the uploads; it must be bare, sharp and inside the image.")
    return Evidence(uploads, frames, notes)


def _tracked_clips(
    item: Calibration, uploads: list[Upload], scratch: Path, report: ProgressCallback, notes: list[str]
) -> Iterator[TrackedClip]:
    """The clips one after another; `notes` gets a sentence for each drawn box without a hand."""
    for upload in uploads:
        if not upload.folder:
            raise WorkFailedError(f'The upload "{upload}" is {upload.public_status}, so it has no frames to look at.')
        clip = open_clip(fetch(f"{upload.folder}/{WEB_VIDEO}", scratch))
        keypoints, empty = with_boxes(
            clip,
            Keypoints.load(fetch(f"{upload.folder}/{KEYPOINTS}", scratch)),
            boxes_for_run(upload),
            static=upload.kind == Upload.Kind.IMAGES,
            checkpoint=lambda: report(LOOKING, 0.0),
        )
        notes += [f"“{upload}”: {finding['message']}" for finding in empty]
        required = [
            source["frame"] for source in item.scale.values() if isinstance(source, dict) and source["upload"] == str(upload.pk)
        ]
        tracks = [
            subsample_track(track, MAX_FRAMES, required, NEAR_FRAMES) for track in _own_tracks(upload, keypoints, item.side)
        ]
        yield TrackedClip(clip, tracks, _intrinsics(upload))


def _own_tracks(upload: Upload, keypoints: Keypoints, side: str) -> list[HandTrack]:
    """The tracks of the requested side, or of both.

    Raises:
        WorkFailedError: two hands of one side are seen together, so they belong to two people.
    """
    wanted = [t for t in keypoints.tracks if side in (HandShape.Side.BOTH, t.side)]
    if together := second_person_frame(wanted):
        raise WorkFailedError(
            f'"{upload}" shows two {together[0]} hands at once (frame {together[1]}), so they belong to two people. '
            "Calibrate from videos of one person."
        )
    return wanted


def _intrinsics(upload: Upload) -> np.ndarray:
    if upload.intrinsics:
        return np.asarray(upload.intrinsics, np.float32).reshape(3, 3)
    return default_intrinsics(cast(int, upload.width), cast(int, upload.height)).astype(np.float32)


def _known_length(item: Calibration, evidence: Evidence) -> KnownLength | None:
    sources: list[Source] = []
    if "length_mm" in item.scale:
        sources.append(ruler(item.scale["length_mm"]))
    if card := item.scale.get("object"):
        row, upload = _row(evidence, card)
        focal = float(_intrinsics(upload)[0, 0])
        sources.append(_by_depth("card", depth_of_object(card["size_mm"], card["size_px"], focal), evidence, row, upload))
    if distance := item.scale.get("distance"):
        row, upload = _row(evidence, distance)
        if not camera_is_known(upload):
            raise ScaleError(needs_a_camera(upload))
        sources.append(_by_depth("distance", distance["distance_mm"] / 1000, evidence, row, upload))
    return agreed(sources)


def _row(evidence: Evidence, where: dict[str, Any]) -> tuple[int, Upload]:
    """The frame that a source of scale names, or the nearest one of its upload that shows the hand."""
    index = next(i for i, upload in enumerate(evidence.uploads) if str(upload.pk) == where["upload"])
    upload = evidence.uploads[index]
    row = evidence.frames.nearest(index, where["frame"], NEAR_FRAMES)
    if row is None:
        raise ScaleError(
            f'no hand was found in "{upload}" within {NEAR_FRAMES} frames of frame {where["frame"]}, to which the scale '
            "belongs; name a frame in which the hand is seen"
        )
    return row, upload


def _by_depth(name: str, depth_m: float, evidence: Evidence, row: int, upload: Upload) -> Source:
    frames = evidence.frames
    return at_depth(
        name,
        depth_m,
        model=load_hand_model("open", frames.side[row]),
        betas=frames.estimate.betas[row],
        rotations=frames.rotations[row],
        joints_2d=frames.joints_2d[row],
        intrinsics=_intrinsics(upload),
        relative_std=DEPTH_STD[name],
        share=ESTIMATED_SHARE,
    )


def _draw_crop(evidence: Evidence, row: int, path: Path, scratch: Path) -> dict[str, Any]:
    """Write a square crop of the hand; returns its origin, and the joints in it as shares of its side."""
    frames = evidence.frames
    upload, frame = evidence.uploads[frames.clip[row]], int(frames.frame[row])
    clip = open_clip(fetch(f"{upload.folder}/{WEB_VIDEO}", scratch))
    image = next(iter(clip.frames(start=frame, stop=frame + 1)))
    (left, top), side = frames.crop_box(row)
    box = (int(left), int(top), int(left + side), int(top + side))
    Image.fromarray(image).crop(box).resize((CROP_PX, CROP_PX)).save(path, quality=85)
    facts = {"upload": str(upload.pk), "name": upload.name, "frame": frame, "side": frames.side[row]}
    return facts | {"joints": ((frames.joints_2d[row] - (left, top)) / side).round(4).tolist()}


def _facts(
    item: Calibration, found: CalibrationResult, shown: list[dict[str, Any]], known: KnownLength | None
) -> dict[str, Any]:
    millimetres = [[round(1000 * float(v), 2) for v in step] for step in found.convergence]
    weights = [round(float(w), 4) for w in found.weights]
    return {
        "images": [frame | {"weight": weight} for frame, weight in zip(shown, weights, strict=True)],
        "settled_mm": millimetres,
        "length_sigma_mm": round(1000 * found.length_sigma, 2),
        "width_sigma_mm": round(1000 * found.width_sigma, 2),
        "betas_sigma": [round(float(b), 3) for b in found.betas_sigma],
        "scale": "assumed" if known is None else " and ".join(SCALE_NAMES[source] for source in item.scale),
        "scale_sigma_mm": None if known is None else round(1000 * known.sigma, 2),
        "weights": item.weights,
    }


def _publish(item: Calibration, folder: str, found: CalibrationResult, facts: dict[str, Any]) -> None:
    earlier = Calibration.objects.filter(pk=item.pk).values_list("hand_shape", flat=True).first()
    shape = HandShape.objects.create(
        subject=item.subject,
        side=item.side,
        source=HandShape.Source.CALIBRATED,
        hand_model="open",
        betas=[round(float(b), 5) for b in found.betas],
        length_mm=round(1000 * found.length, 2),
        width_mm=round(1000 * found.width, 2),
        details={key: facts[key] for key in ("length_sigma_mm", "width_sigma_mm", "scale", "betas_sigma")},
    )
    Calibration.objects.filter(pk=item.pk).update(folder=folder, facts=facts, hand_shape=shape)
    if earlier is not None:
        HandShape.objects.filter(pk=earlier).delete()

"""One subject's hand shape from at most twenty pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch
import trimesh
from PIL import Image

from ml.clip import open_clip
from ml.hand.camera import default_intrinsics
from ml.hand.model import HandModel, load_hand_model
from ml.hand.skeleton import Side
from ml.identity.calibration import PROBLEMS, KnownLength, Problem, Settings, calibrate
from ml.identity.calibration import Calibration as Found
from ml.identity.choice import choose
from ml.identity.estimate import Estimate, estimate_tracks, joined_estimates
from ml.identity.scale import ScaleError, Source, agreed, at_depth, depth_of_object, ruler
from ml.identity.weights import load_models
from ml.keypoints.tracks import HandTrack, Keypoints
from ml.web_copy import WEB_VIDEO
from palmares.queue.errors import WorkFailedError
from palmares.runs.calibrations import camera_is_known, needs_a_camera
from palmares.runs.models import Calibration
from palmares.subjects.models import HandShape
from palmares.uploads.models import Upload
from palmares.uploads.stored import forget_files
from workers.ingest import KEYPOINTS
from workers.storage import fetch, keep_only, store_folder

Say = Callable[[str, float], None]

LEAST: Final = 2
"""Pictures without which nothing can be said of how sure the shape is."""
MOST_FRAMES: Final = 200
"""Frames of one hand in one upload that are looked at, evenly spread: many more than are chosen, few enough for seconds."""
NEAR_FRAMES: Final = 5
"""So far from the frame that a source of scale names a hand may be seen, if it is not seen in that one."""
SCALE_NAMES: Final = {"length_mm": "a ruler", "object": "an object of known size", "distance": "the distance"}
CROP_PX: Final = 192
_GLTF_AXES: Final = np.array([1.0, -1.0, -1.0])
"""From OpenCV's axes."""
SPREADS: Final = {"card": 0.02, "distance": 0.03}
"""Standard deviations of a depth, as a share of it: how well people hold a card beside the hand, and measure a distance."""


@dataclass(frozen=True)
class Pictures:
    """All n pictures of the hand: where each is from, and what the networks say of it."""

    uploads: list[Upload]
    upload: np.ndarray  # [n], index into uploads
    frame: np.ndarray  # [n]
    side: list[Side]
    joints_2d: np.ndarray  # [n, 21, 2], px
    in_camera: torch.Tensor  # [n, 16, 3, 3], rotations of the real hand in the camera
    found: Estimate


class Calibrating:
    """The work of a calibration."""

    def folder(self, item: Calibration) -> str:
        return f"calibrations/{item.pk}/{item.lease}"

    def perform(self, item: Calibration, scratch: Path, report: Say) -> Callable[[], None]:
        """Look at all pictures, choose, solve, and draw what was used."""
        report("Looking at the hands", 0.0)
        pictures = _pictures(item, scratch)
        if len(pictures.frame) < LEAST:
            raise WorkFailedError("Only one picture shows the hand; at least two are needed to say how sure its shape is.")
        chosen = choose(pictures.found.scores, pictures.found.baseline, item.max_images)
        report("Solving for one shape", 0.4)
        try:
            known = _scale(item, pictures)
        except ScaleError as error:
            raise WorkFailedError(f"{str(error)[:1].upper()}{str(error)[1:]}.") from error
        settings = _settings(item, pictures.found)
        found = calibrate(
            load_hand_model("open", "right"),
            pictures.found.rows(chosen),
            load_models().confidence.moments,
            clips=torch.as_tensor(pictures.upload)[chosen],
            known_length=known,
            settings=settings,
        )
        report("Drawing", 0.7)
        target = scratch / "made"
        target.mkdir()
        frames = [_crop(pictures, int(row), target / f"frame-{n:02d}.jpg", scratch) for n, row in enumerate(chosen)]
        _rest_hand(found.betas, item.side).export(target / "hand.glb")
        folder = self.folder(item)
        store_folder(target, folder)
        facts = _facts(item, found, frames, known) | {"spans_m": _spans(found.betas, item.side), "problem": settings.problem}
        return lambda: _publish(item, folder, found, facts)

    def discard(self, item: Calibration) -> None:
        if not Calibration.objects.filter(pk=item.pk, folder=self.folder(item)).exists():
            forget_files(self.folder(item))

    def settled(self, item: Calibration) -> None:
        """Only what the row names is kept."""
        published = Calibration.objects.filter(pk=item.pk).values_list("folder", flat=True).first() or ""
        keep_only(f"calibrations/{item.pk}", published.rsplit("/", 1)[-1])


def _settings(item: Calibration, found: Estimate) -> Settings:
    """As asked for; the problem by name where none was, since what the default is may change."""
    problem = cast(Problem, item.problem) if item.problem else PROBLEMS[found.backbone]
    return Settings(problem=problem, weights="uniform" if item.weights == "uniform" else "confidence")


@torch.no_grad()
def _pictures(item: Calibration, scratch: Path) -> Pictures:
    models = load_models()
    parts: dict[str, list[Any]] = {name: [] for name in ("upload", "frame", "side", "joints_2d", "in_camera", "found")}
    uploads = list(item.uploads.order_by("created_at", "id"))
    for index, upload in enumerate(uploads):
        if not upload.folder:
            raise WorkFailedError(f"The upload «{upload}» is {upload.public_status}, so that nothing can be seen in it.")
        keypoints = Keypoints.load(fetch(f"{upload.folder}/{KEYPOINTS}", scratch))
        named = [
            source["frame"] for source in item.scale.values() if isinstance(source, dict) and source["upload"] == str(upload.pk)
        ]
        tracks = [_thinned(track, named) for track in _tracks(upload, keypoints, item.side)]
        clip = open_clip(fetch(f"{upload.folder}/{WEB_VIDEO}", scratch))
        for track, (seen, found) in zip(tracks, estimate_tracks(models, clip, tracks, _intrinsics(upload)), strict=True):
            count = len(track.frames)
            parts["upload"].append(np.full(count, index))
            parts["frame"].append(track.frames)
            parts["side"] += [track.side] * count
            parts["joints_2d"].append(track.joints_2d)
            parts["in_camera"].append(seen.to_camera(found.baseline))
            parts["found"].append(found)
    if not parts["frame"]:
        wanted = "hand" if item.side == HandShape.Side.BOTH else f"{item.side} hand"
        raise WorkFailedError(f"No {wanted} was found in any of the pictures; it must be bare, sharp and whole in the picture.")
    joined: dict[str, Any] = {name: np.concatenate(parts[name]) for name in ("upload", "frame", "joints_2d")}
    return Pictures(
        uploads=uploads,
        side=parts["side"],
        in_camera=torch.cat(parts["in_camera"]),
        found=joined_estimates(parts["found"]),
        **joined,
    )


def _thinned(track: HandTrack, named: Sequence[int]) -> HandTrack:
    """At most `MOST_FRAMES` of its frames, evenly spread, and those around the frames that sources of scale name."""
    count = len(track.frames)
    rows = np.linspace(0, count - 1, min(count, MOST_FRAMES)).astype(int)
    near = [np.flatnonzero(np.abs(track.frames - frame) <= NEAR_FRAMES) for frame in named]
    rows = np.unique(np.concatenate([rows, *near]))
    return replace(track, **{name: getattr(track, name)[rows] for name in ("frames", "joints_2d", "world", "score")})


def _tracks(upload: Upload, keypoints: Keypoints, side: str) -> list[HandTrack]:
    """The tracks of one person's hands.

    Raises:
        WorkFailedError: two hands of one side are seen together: two people's.
    """
    wanted = [t for t in keypoints.tracks if side in (HandShape.Side.BOTH, t.side)]
    for index, first in enumerate(wanted):
        for second in wanted[index + 1 :]:
            together = np.intersect1d(first.frames, second.frames)
            if first.side == second.side and len(together) > 0.1 * min(len(first.frames), len(second.frames)):
                raise WorkFailedError(
                    f"«{upload}» shows two {first.side} hands at once (frame {int(together[0])}): two people's. "
                    "Calibrate from pictures of one person."
                )
    return wanted


def _intrinsics(upload: Upload) -> np.ndarray:
    if upload.intrinsics:
        return np.asarray(upload.intrinsics, np.float32).reshape(3, 3)
    return default_intrinsics(cast(int, upload.width), cast(int, upload.height)).astype(np.float32)


def _scale(item: Calibration, pictures: Pictures) -> KnownLength | None:
    sources: list[Source] = []
    if "length_mm" in item.scale:
        sources.append(ruler(item.scale["length_mm"]))
    if card := item.scale.get("object"):
        row, upload = _row(pictures, card)
        focal = float(_intrinsics(upload)[0, 0])
        sources.append(_by_depth("card", depth_of_object(card["size_mm"], card["size_px"], focal), pictures, row, upload))
    if distance := item.scale.get("distance"):
        row, upload = _row(pictures, distance)
        if not camera_is_known(upload):
            raise ScaleError(needs_a_camera(upload))
        sources.append(_by_depth("distance", distance["distance_mm"] / 1000, pictures, row, upload))
    return agreed(sources)


def _row(pictures: Pictures, where: dict[str, Any]) -> tuple[int, Upload]:
    """The picture that a source of scale names, or the nearest in its upload."""
    index = next(i for i, upload in enumerate(pictures.uploads) if str(upload.pk) == where["upload"])
    rows = np.flatnonzero(pictures.upload == index)
    upload = pictures.uploads[index]
    if not len(rows) or np.abs(pictures.frame[rows] - where["frame"]).min() > NEAR_FRAMES:
        raise ScaleError(
            f"no hand was found in «{upload}» within {NEAR_FRAMES} frames of frame {where['frame']}, which the scale was given "
            "for; name a frame in which the hand is seen"
        )
    return int(rows[np.abs(pictures.frame[rows] - where["frame"]).argmin()]), upload


def _by_depth(name: str, depth_m: float, pictures: Pictures, row: int, upload: Upload) -> Source:
    return at_depth(
        name,
        depth_m,
        model=load_hand_model("open", pictures.side[row]),
        betas=pictures.found.betas[row],
        rotations=pictures.in_camera[row],
        joints_2d=pictures.joints_2d[row],
        intrinsics=_intrinsics(upload),
        spread=SPREADS[name],
    )


def _crop(pictures: Pictures, row: int, path: Path, scratch: Path) -> dict[str, Any]:
    """Write a square crop of the hand; where it is from, and the joints in it as shares of its side."""
    upload, frame, joints = pictures.uploads[pictures.upload[row]], int(pictures.frame[row]), pictures.joints_2d[row]
    clip = open_clip(fetch(f"{upload.folder}/{WEB_VIDEO}", scratch))
    picture = next(iter(clip.frames(start=frame, stop=frame + 1)))
    centre, size = (joints.min(0) + joints.max(0)) / 2, 1.3 * float(np.ptp(joints, axis=0).max())
    left, top = centre - size / 2
    Image.fromarray(picture).crop((int(left), int(top), int(left + size), int(top + size))).resize((CROP_PX, CROP_PX)).save(
        path, quality=85
    )
    facts = {"upload": str(upload.pk), "name": upload.name, "frame": frame, "side": pictures.side[row]}
    return facts | {"joints": ((joints - (left, top)) / size).round(4).tolist()}


def _shown_model(side: str) -> HandModel:
    return load_hand_model("open", "left" if side == HandShape.Side.LEFT else "right")


def _spans(betas: torch.Tensor, side: str) -> list[list[float]]:
    """Ends of length and width in the frame of `hand.glb`, m: wrist, middle fingertip, knuckles of index and little finger."""
    joints = _shown_model(side).rest_joints(betas[None])[0, [0, 12, 5, 17]].numpy() * _GLTF_AXES
    return [[round(float(x), 5) for x in joint] for joint in joints]


def _rest_hand(betas: torch.Tensor, side: str) -> trimesh.Trimesh:
    """The flat rest-pose hand, y up as glTF wants it, in metres."""
    model = _shown_model(side)
    vertices = model.rest_vertices(betas)[0].numpy() * _GLTF_AXES
    return trimesh.Trimesh(vertices, model.faces, process=False)


def _facts(item: Calibration, found: Found, frames: list[dict[str, Any]], known: KnownLength | None) -> dict[str, Any]:
    millimetres = [[round(1000 * float(v), 2) for v in step] for step in found.settled]
    weights = [round(float(w), 4) for w in found.weights]
    shown = [frame | {"weight": weight} for frame, weight in zip(frames, weights, strict=True)]
    return {
        "pictures": shown,
        "settled_mm": millimetres,
        "length_sigma_mm": round(1000 * found.length_sigma, 2),
        "width_sigma_mm": round(1000 * found.width_sigma, 2),
        "betas_sigma": [round(float(b), 3) for b in found.betas_sigma],
        "scale": "assumed" if known is None else " and ".join(SCALE_NAMES[source] for source in item.scale),
        "scale_sigma_mm": None if known is None else round(1000 * known.sigma, 2),
        "weights": item.weights,
    }


def _publish(item: Calibration, folder: str, found: Found, facts: dict[str, Any]) -> None:
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

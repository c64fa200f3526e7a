"""Where motions start: the detector's keypoints, joined with the hands of another run where one is to be refined.

In frames in which the detector found the hand, keypoints are the detector's; in others, the projected joints of the run that
is refined (*blended* by whole frames, as published). Poses start from that run wherever it has the hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
import roma
import torch
from torch import Tensor

from ml.fitting.inverse_kinematics import inverse_kinematics, shape_from_bones
from ml.fitting.kinematics import Kinematics
from ml.formats.prediction import PredictionArrays
from ml.hand.camera import project
from ml.hand.model import load_hand_model
from ml.hand.skeleton import SIDES, Side
from ml.keypoints.track_matching import detected_tracks
from ml.keypoints.tracks import HandTrack, Keypoints

PROJECTED_ALPHA: Final = 0.5
"""Confidence of a projected joint: no image has seen it there."""
LEAST_FRAMES: Final = 3
ON_DETECTED: Final = 0.035
"""Median distance from the detector's joints, as a share of the hand's box, below which a run is taken as fitted to them."""

Source = Literal["blend", "detector", "projected"]


class StartError(ValueError):
    """The hands of the run to refine cannot be used; the message says why."""


@dataclass(frozen=True)
class TrackStart:
    """Of one track of n rows.

    Attributes:
        rotations: [n, 16, 3, 3] to start from; None for none.
        projected: bool [n], whether the keypoints are projected joints.
        follows_detector: the run lies on the detector's joints, so that its orientations are no evidence besides them.
        confidence: [n, 21], 0 to 1, of the keypoints by augmented views; None where they were not looked at.
    """

    rotations: Tensor | None
    projected: Tensor
    follows_detector: bool = False
    confidence: Tensor | None = None


def blended(
    keypoints: Keypoints, start: PredictionArrays | None, intrinsics: np.ndarray, hand_model: str, source: Source = "blend"
) -> tuple[Keypoints, list[TrackStart]]:
    """Keypoints of all tracks, and where each starts.

    Args:
        keypoints: of the detector.
        start: hands of a run on the same clip; None where none is refined.
        intrinsics: [3, 3], px.
        hand_model: to be posed.
        source: `detector` leaves out projected joints, `projected` those of the detector.

    Raises:
        StartError: `start` has joints that are no numbers.
    """
    if start is None:
        return keypoints, [TrackStart(None, torch.zeros(len(t.frames), dtype=torch.bool)) for t in keypoints.tracks]
    rows = start.rows(np.isfinite(start.joints).all((1, 2)) & (start.joints[..., 2] > 0).all(1))
    if not len(rows):
        raise StartError("the run to refine has no hand in front of the camera, or its joints are not finite numbers")
    camera = intrinsics if start.intrinsics is None else start.intrinsics
    rows = replace(rows, intrinsics=camera.astype(np.float32))
    detected_as = detected_tracks(rows, keypoints)
    detected = {track.track: track for track in keypoints.tracks}
    tracks, starts = [], []
    used: set[int] = set()
    for number in np.unique(rows.track).tolist():
        own = rows.rows(rows.track == number)
        seen = detected.get(detected_as.get(number, -1))
        used |= {seen.track} if seen is not None else set()
        if seen is not None or len(own) >= LEAST_FRAMES:
            track, begin = _joined(own, seen, hand_model, source)
            tracks.append(track)
            starts.append(begin)
    for track in keypoints.tracks:
        if track.track not in used and source != "projected":
            tracks.append(track)
            starts.append(TrackStart(None, torch.zeros(len(track.frames), dtype=torch.bool)))
    numbered = tuple(replace(track, track=number) for number, track in enumerate(tracks))
    return replace(keypoints, tracks=numbered), starts


def _joined(own: PredictionArrays, seen: HandTrack | None, hand_model: str, source: Source) -> tuple[HandTrack, TrackStart]:
    side: Side = SIDES[int(own.side[0])] if seen is None else seen.side
    pixels = project(own.joints.astype(np.float64), np.asarray(own.intrinsics, np.float64)).astype(np.float32)
    centred = own.joints - own.joints.mean(1, keepdims=True)
    wanted = own.frame if source != "detector" else own.frame[:0]
    frames = np.union1d(wanted, [] if seen is None or source == "projected" else seen.frames).astype(np.int32)
    mine = np.searchsorted(own.frame, frames).clip(max=len(own) - 1)
    joints_2d, world, score = pixels[mine], centred[mine], own.score[mine].clip(0, 1)
    projected = np.ones(len(frames), bool)
    follows_detector = seen is not None and _distance(seen, own.frame, pixels) < ON_DETECTED
    if seen is not None and source != "projected":
        theirs = np.searchsorted(seen.frames, frames).clip(max=len(seen.frames) - 1)
        found = seen.frames[theirs] == frames
        joints_2d = np.where(found[:, None, None], seen.joints_2d[theirs], joints_2d)
        world = np.where(found[:, None, None], seen.world[theirs], world)
        score = np.where(found, seen.score[theirs], score)
        projected = ~found
    # frames in which the run has no hand start from its nearest one; their own evidence moves it
    rotations = _rotations(own, side, hand_model)[_nearest(own.frame, frames)]
    track = HandTrack(0, side, frames, joints_2d.astype(np.float32), world.astype(np.float32), score.astype(np.float32))
    return track, TrackStart(rotations, torch.as_tensor(projected), follows_detector)


def _distance(seen: HandTrack, frames: np.ndarray, pixels: np.ndarray) -> float:
    """Median distance of joints [n, 21, 2] (px) at frames [n] from the detected ones as a share of the box; inf if none are."""
    common, rows, theirs = np.intersect1d(frames, seen.frames, return_indices=True)
    if not len(common):
        return float("inf")
    joints = seen.joints_2d[theirs]
    box = np.ptp(joints, axis=1).max(-1).clip(1.0)
    return float(np.median(np.linalg.norm(pixels[rows] - joints, axis=-1).mean(-1) / box))


def _nearest(rows: np.ndarray, frames: np.ndarray) -> np.ndarray:
    """For each of ascending frames [m], the index of the nearest of ascending rows [n]."""
    after = np.searchsorted(rows, frames).clip(max=len(rows) - 1)
    before = (after - 1).clip(min=0)
    return np.where(np.abs(rows[before] - frames) < np.abs(rows[after] - frames), before, after)


def _rotations(own: PredictionArrays, side: Side, hand_model: str) -> Tensor:
    """Rotations [n, 16, 3, 3] in the hand model's space: as they are where it is the run's own, else by inverse kinematics."""
    if own.pose is not None and own.meta.get("hand_model") == hand_model:
        turned: Tensor = roma.rotvec_to_rotmat(torch.as_tensor(own.pose))
        return turned
    kinematics = Kinematics(load_hand_model(hand_model, side))
    joints = torch.as_tensor(own.joints)
    angles, root = inverse_kinematics(kinematics, joints, shape_from_bones(kinematics, joints))
    return kinematics.matrices(angles, root)

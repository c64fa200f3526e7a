"""Every method on real hands (`ml.training.real_hands`): accuracy, distance in the image, broken meshes, jitter, speed.

Wants `../shared/real` and `../shared/media`; says so where they are absent. Detection runs once a clip.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from ml.catalog import METHODS
from ml.formats.prediction import PredictionArrays
from ml.hand.camera import project
from ml.methods.image_evidence import image_evidence
from ml.methods.interface import load_method
from ml.methods.request_camera import with_plausible_camera
from ml.training.real_hands import (
    SHARED,
    TWO_CAMERAS,
    RealClip,
    absent,
    against_reference,
    in_metres,
    longest_track,
    on_the_image,
    real_clips,
)
from ml.training.two_cameras import read_cameras, reprojection, triangulated
from tests.bench.bench_keypoints import jitter_and_drift, known_motion, photo_coordinates

TARGETS = {TWO_CAMERAS[0]: "PA <= 12.0 mm, 2D <= 2%, 0 broken", TWO_CAMERAS[1]: "PA <= 10.5 mm, 2D <= 2%, 0 broken"}

WINDOW = 11
"""Frames of the moving average that whole-hand jitter is measured about."""

Row = tuple[str, str, str]


def rows(methods: tuple[str, ...] = tuple(METHODS)) -> list[Row]:
    """(what, measured, target)."""
    if missing := absent():
        return [(f"real hands: skipped, {' and '.join(f'../shared/{m}' for m in missing)} absent", "not measured", "")]
    clips = real_clips()
    miss = np.concatenate([clip.reprojection for clip in clips])
    spread = f"{len(clips[0].truth)} frames, {np.median(miss):.1f} px, p90 {np.percentile(miss, 90):.1f} px"
    found: list[Row] = [("stereo clip: triangulated frames, median reprojection", spread, "")]
    rows_of_both, means = _joints_of_both(clips)
    found += rows_of_both
    for clip in clips:
        looked = sum(len(track.frames) for track in clip.request.keypoints.tracks)
        expected = clip.request.clip.frame_count * (2 if "pan" in clip.name else 1)
        found.append((f"{clip.name}: hands missed by detection", f"{max(0, expected - looked)} of {expected}", ""))
    for clip in clips:
        if clip.truth:
            found.append(_mediapipe(clip))
        found += [_measured(clip, method, means) for method in methods]
    return found


def _joints_of_both(clips: list[RealClip]) -> tuple[list[Row], dict[int, np.ndarray]]:
    """How well 2D joints of two cameras meet: the detector's, the image network's, and their means; % of the hand's box.

    What both cameras see is independent but for the hand, so that joints which meet better are better joints. Also the joints
    of the means, triangulated: [21, 3] (m) by frame.
    """
    cameras, both = read_cameras(SHARED / "real"), clips[:2]
    seen = [longest_track(clip.request.keypoints) for clip in both]
    box = np.mean([np.ptp(track.joints_2d, axis=1).max(1).mean() for track in seen])
    own = []
    for clip, track in zip(both, seen, strict=True):
        request, _ = with_plausible_camera(clip.request)
        (evidence,) = image_evidence(request.clip, [track], request.intrinsics, lambda fraction: None)
        own.append(evidence.pixels.numpy())
    rows = []
    for told, share in (("the detector's", 0.0), ("the image network's", 1.0), ("their means", 0.5)):
        tracks = [
            replace(track, joints_2d=(1 - share) * track.joints_2d + share * theirs)
            for track, theirs in zip(seen, own, strict=True)
        ]
        keypoints = [replace(clip.request.keypoints, tracks=(track,)) for clip, track in zip(both, tracks, strict=True)]
        joints = triangulated(cameras, (keypoints[0], keypoints[1]))
        off = np.concatenate(
            [reprojection(camera, track, joints).ravel() for camera, track in zip(cameras, tracks, strict=True)]
        )
        off = 100 * off / box
        spread = f"median {np.median(off):.2f}%, mean {off.mean():.2f}%, p90 {np.percentile(off, 90):.2f}% of the box"
        rows.append((f"stereo clip: where joints of both cameras meet, {told}", spread, ""))
    return rows, in_metres(joints)  # those of the means, the last ones


def _measured(clip: RealClip, method: str, means: dict[int, np.ndarray]) -> Row:
    began = time.perf_counter()
    prediction = load_method(method).estimate(clip.request, lambda stage, fraction: None)
    speed = len(prediction) / (time.perf_counter() - began)
    parts = []
    if clip.truth:
        error, other = (
            against_reference(one, prediction.frame, prediction.joints) for one in (clip, replace(clip, truth=means))
        )
        parts.append(f"PA {error:.2f} mm ({other:.2f} to the means of detector and image network)")
    miss, broken = on_the_image(clip.request.keypoints, prediction)
    parts += [f"2D {miss:.2f}%", f"{broken} broken", f"jitter {_jitter(prediction):.1f} mm/frame²"]
    parts += [f"whole hand {_whole_hand_jitter(prediction):.2f} px", f"{speed:.0f} hands/s"]
    if "pan" in clip.name:
        parts.append(_against_motion(prediction))
    return (
        f"{clip.name}, {method}",
        ", ".join(parts),
        TARGETS.get(clip.name, "2D <= 2%, 0 broken") if method == "fused-fit" else "0 broken",
    )


def _mediapipe(clip: RealClip) -> Row:
    track = longest_track(clip.request.keypoints)
    error = against_reference(clip, track.frames, track.world)
    return f"{clip.name}, MediaPipe's world landmarks", f"PA {error:.2f} mm", "side by side"


def _whole_hand_jitter(prediction: PredictionArrays) -> float:
    """RMS of the image of the joints' mean about its moving average over 11 frames, px, where frames follow each other."""
    assert prediction.intrinsics is not None
    middle = project(prediction.joints.mean(1)[:, None], prediction.intrinsics)[:, 0]
    found = []
    for track in np.unique(prediction.track):
        rows = np.flatnonzero(prediction.track == track)
        for part in np.split(rows, np.flatnonzero(np.diff(prediction.frame[rows]) != 1) + 1):
            if len(part) >= WINDOW:
                means = np.apply_along_axis(np.convolve, 0, middle[part], np.full(WINDOW, 1 / WINDOW), "valid")
                half = WINDOW // 2
                found.append(middle[part][half:-half] - means)
    return float(np.sqrt(np.square(np.concatenate(found)).sum(-1).mean()))


def _against_motion(prediction: PredictionArrays) -> str:
    """Of hands that do not move in a picture that is moved in a known way: joints, and the mean of a hand's joints."""
    assert prediction.intrinsics is not None
    motion, scale = known_motion()
    found = []
    for track in np.unique(prediction.track):
        mine = prediction.rows(prediction.track == track)
        points = scale * photo_coordinates(mine.frame, project(mine.joints, prediction.intrinsics), motion)
        second = float(np.linalg.norm(np.diff(points, 2, axis=0), axis=-1).mean())
        found.append([second, *jitter_and_drift(points), jitter_and_drift(points.mean(1, keepdims=True))[0]])
    second, jitter, drift, whole = np.mean(found, axis=0)
    joints = f"joints {second:.2f} px/frame², {jitter:.2f} px, drift {drift:.2f} px"
    return f"against the known motion: {joints}, whole hand {whole:.2f} px"


def _jitter(prediction: PredictionArrays) -> float:
    """Mean second difference in time of wrist-relative joints, mm, where three frames follow each other."""
    found = []
    for track in np.unique(prediction.track):
        mine = prediction.rows(prediction.track == track)
        relative = mine.joints - mine.joints[:, :1]
        steps = np.diff(mine.frame)
        second = np.linalg.norm(relative[2:] - 2 * relative[1:-1] + relative[:-2], axis=-1)
        found.append(second[(steps[1:] == 1) & (steps[:-1] == 1)].ravel())
    return float(1000 * np.concatenate(found).mean())

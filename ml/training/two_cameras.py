"""The calibrated two-camera clip of a real hand (TemugeB/handpose3d, MIT) and its triangulated joints.

The joints are MediaPipe's 2D of both cameras, so the reference judges depth, scale and pose, not 2D positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ml.keypoints.tracks import HandTrack, Keypoints


@dataclass(frozen=True)
class StereoCamera:
    """`intrinsics` [3, 3] (px), `distortion` [5] (k1, k2, p1, p2, k3), `rotation` [3, 3], `translation` [3]."""

    intrinsics: np.ndarray
    distortion: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray

    def undistorted(self, pixels: np.ndarray) -> np.ndarray:
        """Normalised image points [..., 2] of pixels [..., 2], by fixed-point iteration of Brown's model."""
        seen = (pixels - self.intrinsics[:2, 2]) / self.intrinsics[[0, 1], [0, 1]]
        points = seen.copy()
        for _ in range(20):
            radial, tangential = self._distortion_at(points)
            points = (seen - tangential) / radial
        return np.asarray(points)

    def project(self, points: np.ndarray) -> np.ndarray:
        """Pixels [..., 2] of world points [..., 3]."""
        camera = points @ self.rotation.T + self.translation
        flat = camera[..., :2] / camera[..., 2:]
        radial, tangential = self._distortion_at(flat)
        return np.asarray((flat * radial + tangential) * self.intrinsics[[0, 1], [0, 1]] + self.intrinsics[:2, 2])

    def _distortion_at(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        k1, k2, p1, p2, k3 = self.distortion
        x, y = points[..., 0], points[..., 1]
        r2 = x**2 + y**2
        radial = (1 + k1 * r2 + k2 * r2**2 + k3 * r2**3)[..., None]
        tangential = np.stack([2 * p1 * x * y + p2 * (r2 + 2 * x**2), p1 * (r2 + 2 * y**2) + 2 * p2 * x * y], -1)
        return radial, tangential


def read_cameras(folder: Path) -> tuple[StereoCamera, StereoCamera]:
    """Both cameras, of `stereo_c*.dat` and `stereo_rot_trans_c*.dat`."""
    made = []
    for number in (0, 1):
        inner = _numbers(folder / f"stereo_c{number}.dat")
        outer = _numbers(folder / f"stereo_rot_trans_c{number}.dat")
        made.append(StereoCamera(inner[:9].reshape(3, 3), inner[9:14], outer[:9].reshape(3, 3), outer[9:12]))
    return made[0], made[1]


def triangulated(cameras: tuple[StereoCamera, StereoCamera], seen: tuple[Keypoints, Keypoints]) -> dict[int, np.ndarray]:
    """Joints [21, 3] of the frames in which both cameras see the hand, in the world's unit."""
    tracks = [max(keypoints.tracks, key=lambda t: len(t.frames)) for keypoints in seen]
    common = np.intersect1d(tracks[0].frames, tracks[1].frames)
    rows = []
    for camera, track in zip(cameras, tracks, strict=True):
        points = camera.undistorted(_of_frames(track, common).astype(np.float64))
        pose = np.concatenate([camera.rotation, camera.translation[:, None]], 1)
        rows += [points[..., :1] * pose[2] - pose[0], points[..., 1:] * pose[2] - pose[1]]
    _, _, right = np.linalg.svd(np.stack(rows, -2))
    homogeneous = right[..., -1, :]
    return dict(zip(common.tolist(), homogeneous[..., :3] / homogeneous[..., 3:], strict=True))


def reprojection(camera: StereoCamera, track: HandTrack, joints: dict[int, np.ndarray]) -> np.ndarray:
    """Distances [frames, 21] (px) of triangulated joints from a camera's detections."""
    frames = np.array(sorted(joints))
    found = camera.project(np.stack([joints[f] for f in frames]))
    return np.asarray(np.linalg.norm(found - _of_frames(track, frames), axis=-1))


def _of_frames(track: HandTrack, frames: np.ndarray) -> np.ndarray:
    return track.joints_2d[np.searchsorted(track.frames, frames)]


def _numbers(path: Path) -> np.ndarray:
    lines = [line for line in path.read_text().splitlines() if line.strip() and line.strip()[0] in "-.0123456789"]
    return np.array(" ".join(lines).split(), float)

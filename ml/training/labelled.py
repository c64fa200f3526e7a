"""Shared by the loaders of real data sets: labelled images to samples, with the same detector as for renders."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError

from ml.formats.faults import FormatError
from ml.hand.model import HandModel
from ml.hand.skeleton import SIDES, Side
from ml.identity.crops import RIM_PX, crop_of
from ml.keypoints.detector import HandDetector
from ml.training.samples import Samples, matching

MAX_DISAGREEMENT_M: Final = 0.02
"""Mean distance between labelled joints and those of the labelled parameters above which one of them is misread."""


@dataclass(frozen=True)
class Label:
    """One labelled hand in one image.

    Attributes:
        image: path.
        where: name of the label in messages.
        side: of the hand.
        subject: number in the data set.
        intrinsics: [3, 3], px, of that image.
        pose: [16, 3], axis-angle, MANO order, the root's in the camera.
        betas: [10].
        translation: [3], m.
        joints: [21, 3], m, camera frame, OpenPose order.
    """

    image: Path
    where: str
    side: Side
    subject: int
    intrinsics: np.ndarray
    pose: np.ndarray
    betas: np.ndarray
    translation: np.ndarray
    joints: np.ndarray


def pose_of(model: HandModel, root: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
    """Axis-angle [16, 3] from the root's [3] and k ≤ 45 coefficients of MANO's pose components, about its mean pose."""
    fingers = model.pose_mean + coefficients @ model.pose_components[: len(coefficients)]
    return np.concatenate([np.asarray(root, np.float64)[None], fingers.reshape(15, 3)])


def detect_labelled(labels: Iterable[Label], models: Callable[[Side], HandModel]) -> Samples:
    """Detect the hand in every image, and keep the detections that match the label.

    Args:
        labels: in any order.
        models: side → the hand model that the labels' parameters belong to.

    Raises:
        FormatError: an image cannot be read, parameters and joints of a label disagree, or no hand is found.
    """
    rows: dict[str, list[np.ndarray]] = {field.name: [] for field in fields(Samples)}
    count = 0
    with HandDetector(2, static=True) as detector:
        for label in labels:
            count += 1
            _check_agreement(label, models(label.side))
            scale, centre = label.intrinsics[[0, 1], [0, 1]], label.intrinsics[:2, 2]
            true_px = label.joints[:, :2] / label.joints[:, 2:] * scale + centre
            image = _read_image(label.image)
            for detection in matching(detector.find(image), true_px):
                values = {
                    "joints_2d": detection.joints_2d,
                    "world": detection.world,
                    "score": abs(detection.right - 0.5) * 2,
                    "side": np.uint8(SIDES.index(label.side)),
                    "subject": np.int32(label.subject),
                    "clip": np.int32(count),
                    "intrinsics": label.intrinsics,
                    "pose": label.pose,
                    "betas": label.betas,
                    "translation": label.translation,
                    "joints": label.joints,
                    "crop": crop_of(image, detection.joints_2d, label.intrinsics, mirrored=label.side == "left", rim=RIM_PX),
                }
                for name, value in values.items():
                    array = np.asarray(value)
                    rows[name].append(array.astype(np.float32) if array.dtype.kind == "f" else array)
    if not rows["score"]:
        raise FormatError(f"no hand was found in any of {count} labelled images")
    rows["rendered"] = [np.int32(count)] * len(rows["score"])  # type: ignore[list-item]
    return Samples(**{name: np.array(values) for name, values in rows.items()})


def _check_agreement(label: Label, model: HandModel) -> None:
    """Parameters and joints must describe the same hand: those of another model or convention would be wrong training data."""
    pose, betas, place = (torch.as_tensor(a, dtype=torch.float32)[None] for a in (label.pose, label.betas, label.translation))
    posed = model.joints(pose, betas, place)[0].numpy()
    apart = float(np.linalg.norm(posed - label.joints, axis=-1).mean())
    if apart > MAX_DISAGREEMENT_M:
        raise FormatError(
            f"{label.where}: the joints of its MANO parameters are {1000 * apart:.0f} mm from its labelled joints; "
            f"are they parameters of another hand model than `{model.name}`?"
        )


def _read_image(path: Path) -> np.ndarray:
    try:
        with Image.open(path) as opened:
            return np.asarray(opened.convert("RGB"))
    except (OSError, UnidentifiedImageError) as error:
        raise FormatError(f"{path} cannot be read as an image: {error}") from error

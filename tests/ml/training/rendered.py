"""A rendered hand with its truth, for miniature folders of real data sets."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from ml.hand.model import load_hand_model
from ml.synthetic.clips import RenderedClip, make_clip
from ml.synthetic.subjects import make_subject

FRAMES = 3


@cache
def rendered(width: int, height: int) -> tuple[RenderedClip, tuple[np.ndarray, ...]]:
    """A right hand that the detector finds; its images a second apart."""
    clip = make_clip(5, make_subject(0, "train", 3), seconds=FRAMES, fps=1, width=width, height=height, turn=0.2)
    return clip, tuple(clip.frames())


def coefficients(pose: np.ndarray) -> np.ndarray:
    """Of MANO's components [45] about the mean pose, for a pose [16, 3] of the open right hand."""
    model = load_hand_model("open", "right")
    return np.linalg.solve(model.pose_components.T, pose[1:].reshape(45) - model.pose_mean)


def save_image(path: Path, picture: np.ndarray) -> None:
    """As JPEG or PNG, by its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(picture).save(path)

"""One detected hand, and a tracklet: detections of one hand without a longer break."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from ml.hand.skeleton import BONES, Side

PALM: Final = (0, 1, 5, 9, 13, 17)
"""Wrist and finger bases: they move as one."""

VELOCITY_DECAY: Final = 0.8
"""Factor on the velocity of an unseen hand from frame to frame."""

_SPANS: Final = np.array([*BONES, (5, 17), (0, 9)])


@dataclass(frozen=True)
class Detection:
    """One hand in one image.

    Attributes:
        joints_2d: float32 [21, 2], pixels, OpenPose order.
        world: float32 [21, 3], metres about the hand's centre, axes of the OpenCV camera, OpenPose order.
        right: probability, 0 … 1, that it is a right hand, for an image that is not mirrored.
        colour: float32 [3], mean CIELAB colour along the bones; None where no image was at hand.
    """

    joints_2d: np.ndarray
    world: np.ndarray
    right: float
    colour: np.ndarray | None = None

    @property
    def score(self) -> float:
        """Confidence in the hand's side, 0.5 … 1: the only score that MediaPipe reports."""
        return max(self.right, 1 - self.right)


@dataclass(eq=False)
class Tracklet:
    """Detections of one hand, by frame."""

    frames: list[int] = field(default_factory=list)
    rows: list[Detection] = field(default_factory=list)
    velocity: np.ndarray = field(default_factory=lambda: np.zeros(2))

    def add(self, frame: int, found: Detection) -> None:
        """Append the next detection."""
        if self.rows:
            gap = frame - self.frames[-1]
            step = (found.joints_2d[list(PALM)] - self.rows[-1].joints_2d[list(PALM)]).mean(axis=0) / gap
            self.velocity = 0.5 * self.velocity + 0.5 * step if len(self.rows) > 1 else step
        self.frames.append(frame)
        self.rows.append(found)

    @property
    def recent_right(self) -> float:
        """Mean probability of being a right hand over the last frames."""
        return float(np.mean([r.right for r in self.rows[-90:]]))

    def right_vote(self) -> float:
        """Probability of a right hand, each frame's vote weighted by its confidence."""
        right = np.array([r.right for r in self.rows])
        weight = np.abs(right - 0.5)
        return float((right * weight).sum() / weight.sum()) if weight.sum() > 0 else 0.5

    @property
    def side(self) -> Side:
        """By all frames together."""
        return side_of(self.right_vote())

    def expected(self, frame: int) -> np.ndarray:
        """Where the joints are expected [21, 2]: moved on at the palm's velocity, which decays over a gap."""
        gap = frame - self.frames[-1]
        moved: np.ndarray = self.rows[-1].joints_2d + self.velocity * (1 - VELOCITY_DECAY**gap) / (1 - VELOCITY_DECAY)
        return moved

    def colour(self) -> np.ndarray | None:
        """Median CIELAB colour [3] over the frames; None where it was not measured."""
        colours = [r.colour for r in self.rows if r.colour is not None]
        return np.median(colours, axis=0) if colours else None

    def proportions(self) -> np.ndarray:
        """Logarithms [22] of the world landmarks' bones and two spans of the palm over their mean; medians over the frames."""
        world = np.stack([r.world for r in self.rows])
        lengths = np.linalg.norm(world[:, _SPANS[:, 1]] - world[:, _SPANS[:, 0]], axis=-1).clip(1e-6)
        ratios: np.ndarray = np.median(np.log(lengths / lengths.mean(axis=1, keepdims=True)), axis=0)
        return ratios


def side_of(right: float) -> Side:
    """The side of a probability of being a right hand."""
    return "right" if right >= 0.5 else "left"


def hand_size(joints_2d: np.ndarray) -> np.ndarray:
    """Longer side of the joints' box [...] of joints [..., 21, 2], pixels, at least 1."""
    size: np.ndarray = np.maximum(np.ptp(joints_2d, axis=-2).max(axis=-1), 1.0)
    return size


def hand_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Mean distance [...] between the joints of hands [..., 21, 2] (pixels), in sizes of the larger hand."""
    distance: np.ndarray = np.linalg.norm(a - b, axis=-1).mean(axis=-1) / np.maximum(hand_size(a), hand_size(b))
    return distance

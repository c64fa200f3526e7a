"""A population of flat hands with the published sizes, and the shape directions that follow from it.

Each person's proportions are Anny's. Within each sex length and breadth are mapped linearly onto the published distribution
(`ml.hand.anthropometry`): an even scale sets the length, a stretch across the palm the breadth, with half of that stretch (in
logarithms) in thickness. So those who have long or broad hands among Anny's people keep them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from ml.hand.anthropometry import MEN, WOMEN, SizeStatistics

DIRECTIONS: Final = 10
WRIST, INDEX, MIDDLE_TIP, PINKY = 0, 5, 12, 17


@dataclass(frozen=True)
class Population:
    """Flat right hands about their wrists, in the palm's frame (proximal, dorsal, radial), metres.

    `vertices` [N, V, 3], `joints` [N, 21, 3], `male` bool [N].
    """

    vertices: np.ndarray
    joints: np.ndarray
    male: np.ndarray


def breadth_vertices(vertices: np.ndarray, joints: np.ndarray) -> tuple[int, int]:
    """The vertices of a flat hand [V, 3] between which its breadth is measured: radial of the index's knuckle, ulnar of the
    little finger's.
    """
    ends = []
    for joint, side in ((INDEX, 1.0), (PINKY, -1.0)):
        near = np.abs(vertices[:, 0] - joints[joint, 0]) < 0.005
        near &= side * (vertices[:, 2] - joints[joint, 2]) < 0.03
        ends.append(int(np.flatnonzero(near)[(side * vertices[near, 2]).argmax()]))
    return ends[0], ends[1]


def sizes(vertices: np.ndarray, joints: np.ndarray, ends: tuple[int, int]) -> np.ndarray:
    """Length and breadth [N, 2] of flat hands: wrist to middle fingertip, and across the palm between two vertices."""
    length = np.linalg.norm(joints[:, MIDDLE_TIP] - joints[:, WRIST], axis=-1)
    breadth = np.abs(vertices[:, ends[0], 2] - vertices[:, ends[1], 2])
    return np.stack([length, breadth], -1)


def resized(people: Population, ends: tuple[int, int]) -> Population:
    """The same people with the published sizes."""
    natural = sizes(people.vertices, people.joints, ends)
    wanted = np.empty_like(natural)
    for male, published in ((True, MEN), (False, WOMEN)):
        rows = people.male == male
        wanted[rows] = _matched(natural[rows], published)
    scale = wanted[:, 0] / natural[:, 0]
    across = wanted[:, 1] / (natural[:, 1] * scale)
    stretch = np.stack([scale, scale * np.sqrt(across), scale * across], -1)[:, None]
    return Population(people.vertices * stretch, people.joints * stretch, people.male)


def _matched(natural: np.ndarray, published: SizeStatistics) -> np.ndarray:
    """Sizes [N, 2] recoloured to the published mean and covariance, keeping their order as far as that allows."""
    centred = natural - natural.mean(0)
    whiten = np.linalg.inv(np.linalg.cholesky(np.cov(centred.T)))
    matched: np.ndarray = published.mean() + centred @ whiten.T @ np.linalg.cholesky(published.covariance()).T
    return matched


def principal_directions(vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of vertices [N, V, 3]: their mean [V, 3], directions [V, 3, 10] for β ~ N(0, I), and each person's β [N, 10]."""
    mean = vertices.mean(0)
    flat = (vertices - mean).reshape(len(vertices), -1)
    scores, singular, rows = np.linalg.svd(flat, full_matrices=False)
    std = singular[:DIRECTIONS] / np.sqrt(len(vertices) - 1)
    sign = np.sign(rows[:DIRECTIONS].reshape(DIRECTIONS, -1, 3)[..., 0].sum(1)) * -1
    directions = (rows[:DIRECTIONS] * (std * sign)[:, None]).reshape(DIRECTIONS, -1, 3).transpose(1, 2, 0)
    betas = scores[:, :DIRECTIONS] * np.sqrt(len(vertices) - 1) * sign
    return mean, directions, betas


def regressed(values: np.ndarray, betas: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean [...] and directions [..., 10] of values [N, ...] that go along with β [N, 10], by least squares."""
    mean = values.mean(0)
    flat = (values - mean).reshape(len(values), -1)
    found, *_ = np.linalg.lstsq(betas, flat, rcond=None)
    return mean, found.T.reshape(*mean.shape, DIRECTIONS)

"""Alignments of a prediction to the truth, one by one for every frame and hand.

All take arrays [n, P, 3] in any one unit and any one frame of coordinates, compute in float64, and keep that unit.

=======================  ==========================================================================================
`none`                   as predicted
`root`                   both minus their own root joint
`scale-translation`      the prediction scaled so that one bone is as long as in the truth, then `root` (HO3D)
`procrustes`             the best similarity by SVD, reflections allowed (FreiHAND, HO3D, DexYCB)
`procrustes-rotation`    the same, reflections forbidden (HaMeR, HMP, MMPose)
=======================  ==========================================================================================

Sources: the evaluation scripts of FreiHAND (Zimmermann et al., ICCV 2019), HO3D (Hampali et al., CVPR 2020) and DexYCB
(Chao et al., CVPR 2021); Schönemann, *A generalized solution of the orthogonal Procrustes problem*, 1966.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from scipy.linalg import orthogonal_procrustes

Alignment = Literal["none", "root", "scale-translation", "procrustes", "procrustes-rotation"]

ALIGNMENTS: Final[tuple[Alignment, ...]] = get_args(Alignment)

EPSILON: Final = 1e-8
"""Added to each Frobenius norm by the official scripts, in the unit that the script computes in."""

_DISTINCT: Final = 1e-9
"""A smallest singular value below this share of the largest is a flat cloud: mirroring it changes nothing."""


@dataclass(frozen=True)
class Similarity:
    """One similarity a frame: P' = (P − mean_P) / norm_P · Rᵀ · scale · norm_G + mean_G.

    Attributes:
        rotation: R [n, 3, 3], orthogonal; det R = −1 where the best alignment reflects.
        scale: s [n], between the two clouds of norm one.
        truth_mean, prediction_mean: [n, 1, 3].
        truth_norm, prediction_norm: Frobenius norms of the centred clouds + `EPSILON` [n].
        reflects: bool [n], the best alignment is a reflection (never for clouds that are flat).
    """

    rotation: np.ndarray
    scale: np.ndarray
    truth_mean: np.ndarray
    prediction_mean: np.ndarray
    truth_norm: np.ndarray
    prediction_norm: np.ndarray
    reflects: np.ndarray

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Points [n, P, 3] of the prediction (those it was found from, or others of the same hand), aligned."""
        moved = ((points - self.prediction_mean) / self.prediction_norm[:, None, None]) @ self.rotation.transpose(0, 2, 1)
        moved *= self.scale[:, None, None]
        moved *= self.truth_norm[:, None, None]
        moved += self.truth_mean
        return np.asarray(moved)

    def apply_as_freihand_script(self, points: np.ndarray) -> np.ndarray:
        """What FreiHAND's and HO3D's scripts do to meshes whose vertex count is not the truth's: *wrong*, for comparison only.

        The prediction's norm is forgotten, and the points [n, P, 3] turn about their own mean.
        """
        mean = points.mean(1, keepdims=True)
        moved = ((points - mean) @ self.rotation.transpose(0, 2, 1)) * (self.scale * self.truth_norm)[:, None, None]
        return np.asarray(moved + (self.truth_mean - self.prediction_mean) + mean)


def root_align(points: np.ndarray, joints: np.ndarray | None = None, *, root: int = 0) -> np.ndarray:
    """Points [n, P, 3] minus joint `root` of `joints` [n, J, 3]; of the points themselves where no joints are given."""
    joints = points if joints is None else joints
    return np.asarray(points - joints[:, root : root + 1])


def scale_translation_align(
    truth: np.ndarray,
    prediction: np.ndarray,
    *,
    bone: tuple[int, int] = (0, 4),
    root: int = 0,
    points: np.ndarray | None = None,
) -> np.ndarray:
    """Prediction [n, J, 3] with the bone's length and the root's place of the truth [n, J, 3].

    A bone of length zero in the prediction is not divided by, as in HO3D's script.

    Args:
        truth: joints, in the order the file is in.
        prediction: the same joints.
        bone: the two joints that the scale is taken from; 0 and 4 in HO3D.
        root: the joint laid upon the truth's.
        points: other points [n, P, 3] of the same predicted hand, to be moved instead of its joints.
    """
    a, b = bone
    predicted = np.sqrt(np.square(prediction[:, b] - prediction[:, a]).sum(-1))
    expected = np.sqrt(np.square(truth[:, b] - truth[:, a]).sum(-1))
    divisor, factor = np.where(predicted > 0, predicted, 1.0)[:, None, None], expected[:, None, None]
    scaled = prediction / divisor * factor
    moved = scaled if points is None else points / divisor * factor
    return np.asarray(moved - scaled[:, root : root + 1] + truth[:, root : root + 1])


def similarity(
    truth: np.ndarray, prediction: np.ndarray, *, seen: np.ndarray | None = None, reflections: bool = True
) -> Similarity:
    """The similarity of each frame that brings the prediction [n, P, 3] closest to the truth [n, P, 3].

    Args:
        truth: G.
        prediction: P.
        seen: bool [n, P], points that count; all where it is not given.
        reflections: allow det R = −1, as `scipy.linalg.orthogonal_procrustes` does.
    """
    truth, prediction = (np.asarray(p, dtype=np.float64) for p in (truth, prediction))
    weights = None if seen is None else np.asarray(seen, dtype=np.float64)[..., None]
    truth_mean, prediction_mean = _mean(truth, weights), _mean(prediction, weights)
    centred_truth, centred = truth - truth_mean, prediction - prediction_mean
    if weights is not None:  # what is not seen may be NaN, and NaN · 0 is NaN
        centred_truth, centred = (np.where(weights > 0, c, 0.0) for c in (centred_truth, centred))
    truth_norm, norm = (np.sqrt(np.square(c).sum((1, 2))) + EPSILON for c in (centred_truth, centred))
    centred_truth /= truth_norm[:, None, None]
    centred /= norm[:, None, None]
    u, w, vt = np.linalg.svd(centred_truth.transpose(0, 2, 1) @ centred)
    mirrored = (np.linalg.det(u) * np.linalg.det(vt)) < 0
    scale = w.sum(-1)
    if not reflections:
        u[mirrored, :, 2] *= -1
        scale = scale - 2 * np.where(mirrored, w[:, 2], 0.0)
    reflects = mirrored & (w[:, 2] > _DISTINCT * w[:, 0])
    return Similarity(u @ vt, scale, truth_mean, prediction_mean, truth_norm, norm, reflects)


def procrustes_align(
    truth: np.ndarray, prediction: np.ndarray, *, seen: np.ndarray | None = None, reflections: bool = True
) -> tuple[np.ndarray, Similarity]:
    """Prediction [n, P, 3] after its best similarity to the truth [n, P, 3], and that similarity.

    A frame whose aligned points meet the truth to within rounding is done again by the official scripts' own sequence
    of operations: a PCK curve begins at 0 mm, where a distance of 1e-17 m and one of nothing at all differ.
    """
    found = similarity(truth, prediction, seen=seen, reflections=reflections)
    aligned = found.apply(prediction)
    if reflections and seen is None:
        nearest = np.abs(aligned - truth).sum(-1).min(1, initial=np.inf)
        for frame in np.flatnonzero(nearest < 1e-12 * found.truth_norm):
            aligned[frame] = _as_the_scripts(truth[frame], prediction[frame])
    return aligned, found


def _mean(points: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    if weights is None:
        return np.asarray(points.mean(1, keepdims=True))
    total = np.where(weights > 0, points, 0.0).sum(1, keepdims=True)
    return np.asarray(total / np.maximum(weights.sum(1, keepdims=True), 1.0))


def _as_the_scripts(truth: np.ndarray, prediction: np.ndarray) -> np.ndarray:
    """One frame [P, 3], operation by operation as FreiHAND's, HO3D's and DexYCB's scripts compute it."""
    mean = truth.mean(0)
    centred_truth, centred = truth - mean, prediction - prediction.mean(0)
    norm = np.linalg.norm(centred_truth) + EPSILON
    rotation, scale = orthogonal_procrustes(centred_truth / norm, centred / (np.linalg.norm(centred) + EPSILON))
    aligned = np.dot(centred / (np.linalg.norm(centred) + EPSILON), rotation.T) * scale
    return np.asarray(aligned * norm + mean)

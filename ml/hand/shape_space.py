"""A shape space for a rigged hand, from published anthropometry.

Thirteen measures vary. Each stretches the bones (and the flesh that is skinned to them) along one anatomical direction,
and carries everything further out along; so joints and skin move together, and linearly. With standard deviations and
correlations of the measures, the ten leading principal components of the vertices are the shape directions: β ~ N(0, I)
is then a draw from the population.

The population: adults, means of the two sexes averaged and standard deviations *within* a sex averaged, so that the
difference between the sexes (13 mm of hand length) adds nothing to the spread: the mean man is near +0.7 standard
deviations, the mean woman near −0.7.

Figures (mm, mean ± standard deviation, men / women):

- hand length 193.8 ± 9.8 / 180.5 ± 9.7: Gordon et al., *1988 Anthropometric Survey of U.S. Army Personnel*, NATICK/TR-89/044.
  The template is scaled to their mean, and the lengths' correlation is the one that makes their spread come out.
- palm length 107 ± 6 / 97 ± 5; thumb length 51 ± 4 / 47 ± 4; index 72 ± 5 / 67 ± 4; middle 83 ± 5 / 77 ± 5; ring 72 ± 4 /
  66 ± 4; little 55 ± 4 / 50 ± 4; hand breadth at the metacarpals 87 ± 5 / 76 ± 4; hand thickness 33 ± 2 / 28 ± 2; index breadth
  at the PIP joint 21 ± 1 / 18 ± 1, its thickness 19 ± 1 / 16 ± 1; thumb breadth 23 ± 2 / 19 ± 2, its thickness 22 ± 2 / 18 ± 2:
  Pheasant & Haslegrave, *Bodyspace*, 3rd ed. 2006, estimates for British adults aged 19-65.
  (Cross-check: fingers of 63.9 ± 4.1, 70.7 ± 5.2, 65.5 ± 4.8, 53.3 ± 4.3 and a thumb of 49.5 ± 5.5: Chatzıoğlou et al.,
  Anat. Cell Biol. 57, 2024.)
- correlations: a choice, in three blocks as in the factors hand breadth, palm length and finger length found by Jee & Yun,
  Int. J. Ind. Ergonomics 53, 2016: between lengths as above, between breadths and thicknesses .6, across .45.

They are taken relative to the mean, so that they apply to this hand's own proportions.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from ml.hand.anatomy import FINGER_OF, bone_frames
from ml.hand.skeleton import FINGERS, MANO_PARENTS, MANO_TO_OPENPOSE

MEAN_HAND_LENGTH: Final = 0.18715
"""Metres; hand length of the mean hand, both sexes alike."""

HAND_LENGTH_DEVIATION: Final = 0.00975
"""Metres; its standard deviation within a sex."""


class _Measure(NamedTuple):
    """A measure: relative standard deviation, the bones it stretches, and along which of their axes."""

    spread: float
    bones: tuple[int, ...]
    axis: int  # row of a bone's frame: 0 along it, 1 sideways (its flexion axis), 2 from palm to back
    is_length: bool


def _phalanges(*fingers: str) -> tuple[int, ...]:
    return tuple(
        j
        for j in range(1, 16)
        for finger in fingers
        if FINGER_OF[j] == FINGERS.index(finger) and (finger != "thumb" or j != 13)
    )


_FOUR: Final = _phalanges("index", "middle", "ring", "pinky")
_THUMB: Final = (13, 14, 15)

MEASURES: Final = {
    "palm length": _Measure(11 / 204, (0,), 0, True),
    "thumb metacarpal length": _Measure(11 / 204, (13,), 0, True),
    "thumb length": _Measure(8 / 98, _phalanges("thumb"), 0, True),
    "index length": _Measure(9 / 139, _phalanges("index"), 0, True),
    "middle length": _Measure(10 / 160, _phalanges("middle"), 0, True),
    "ring length": _Measure(8 / 138, _phalanges("ring"), 0, True),
    "pinky length": _Measure(8 / 105, _phalanges("pinky"), 0, True),
    "hand breadth": _Measure(9 / 163, (0,), 1, False),
    "hand thickness": _Measure(4 / 61, (0,), 2, False),
    "finger breadth": _Measure(2 / 39, _FOUR, 1, False),
    "finger thickness": _Measure(2 / 35, _FOUR, 2, False),
    "thumb breadth": _Measure(4 / 42, _THUMB, 1, False),
    "thumb thickness": _Measure(4 / 40, _THUMB, 2, False),
}


def shape_fields(template: np.ndarray, weights: np.ndarray, joints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How far everything moves for a relative change of 1 of each measure.

    Args:
        template: [V, 3] m, a right hand at rest.
        weights: [V, 16].
        joints: [21, 3] m, OpenPose order.

    Returns:
        Displacements of the vertices [M, V, 3] and of the 16 joints [M, 16, 3], metres; the wrist stays where it is.
    """
    frames = bone_frames(joints, "right")
    rest = joints[np.argsort(MANO_TO_OPENPOSE)[:16]]
    vertices, moved = [], []
    for measure in MEASURES.values():
        stretch = np.zeros((16, 3, 3))
        for bone in measure.bones:
            axis = frames[bone, measure.axis]
            stretch[bone] = np.outer(axis, axis)
        shift = np.zeros((16, 3))
        for joint in range(1, 16):
            parent = MANO_PARENTS[joint]
            shift[joint] = shift[parent] + stretch[parent] @ (rest[joint] - rest[parent])
        fields = shift + np.einsum("jxy,vjy->vjx", stretch, template[:, None] - rest)
        vertices.append(np.einsum("vj,vjx->vx", weights, fields))
        moved.append(shift)
    return np.stack(vertices), np.stack(moved)


def shape_directions(fields: np.ndarray, moved: np.ndarray, tips: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Ten principal components of the population's hands, largest first.

    Args:
        fields: [M, V, 3] and
        moved: [M, 16, 3]: what `shape_fields` gave.
        tips: [5] vertices of the fingertips.

    Returns:
        Directions of the vertices [V, 3, 10] and of the 16 joints [16, 3, 10], metres per standard deviation.
    """
    spreads = np.array([m.spread for m in MEASURES.values()])
    is_length = np.array([m.is_length for m in MEASURES.values()])
    # Hand length along the palm's axis: the proximal-distal way is x in the model's frame.
    gradient = -fields[:, tips[2], 0] * spreads
    own, cross = float((gradient**2).sum()), float(gradient.sum() ** 2 - (gradient**2).sum())
    between_lengths = min(0.95, (HAND_LENGTH_DEVIATION**2 - own) / cross)
    both, neither = np.logical_and.outer(is_length, is_length), np.logical_and.outer(~is_length, ~is_length)
    correlation = np.where(both, between_lengths, np.where(neither, 0.6, 0.45))
    np.fill_diagonal(correlation, 1.0)
    root = np.linalg.cholesky(correlation).T * spreads
    samples = np.einsum("km,mvx->kvx", root, fields)
    left, scale, _ = np.linalg.svd(samples.reshape(len(root), -1), full_matrices=False)
    mixing = left[:, :10].T @ root
    mixing *= np.sign(np.einsum("km,m->k", mixing, gradient / spreads))[:, None]
    assert scale[9] > 0
    return np.einsum("km,mvx->vxk", mixing, fields), np.einsum("km,mjx->jxk", mixing, moved)

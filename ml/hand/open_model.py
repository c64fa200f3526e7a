"""The open hand: a hand model anyone may use, built from the WebXR hand into MANO's layout.

Source: `generic-hand/right.glb` of the npm package `@webxr-input-profiles/assets` (MIT, © 2019 Amazon): a watertight
rigged right hand of 1 159 vertices (once its seams are welded), 2 314 faces and 25 joints. What is done to it:

- axes as MANO's right hand has them: fingers along −x, palm towards −y, thumb on the +z side; origin at the middle MCP;
- the 25 joints are folded into MANO's 16 (finger metacarpals into the wrist, tips into the last phalanx), weights added up;
- scaled to the mean adult hand length; ten shape directions from published anthropometry (`ml.hand.shape_space`);
- a joint regressor of few vertices a joint: the rig's joints to 1 µm at rest, to 0.02 mm per unit of every β;
- pose components: the principal directions of poses drawn from the joints' ranges of motion (`ml.hand.joint_limits`);
- no pose correctives (they are zero).

`python -m ml.hand.open_model [GLB]` builds `ml/hand/assets/open_hand.npz`; the left hand is its mirror image.
"""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
from scipy.optimize import nnls

from ml.hand.arrays import HandArrays, TipVertices
from ml.hand.joint_limits import sample_poses
from ml.hand.shape_space import MEAN_HAND_LENGTH, shape_directions, shape_fields
from ml.hand.skeleton import MANO_TO_OPENPOSE, Side

ASSET: Final = Path(__file__).parent / "assets" / "open_hand.npz"

SOURCE: Final = (
    Path(__file__).parents[2] / "frontend/node_modules/@webxr-input-profiles/assets/dist/profiles/generic-hand/right.glb"
)

_TO_MANO_AXES: Final = np.array([[0.0, 1, 0], [1, 0, 0], [0, 0, -1]])

_FINGER: Final = {"thumb": 13, "index-finger": 1, "middle-finger": 4, "ring-finger": 10, "pinky-finger": 7}
_THUMB_PARTS: Final = {"metacarpal": 0, "phalanx-proximal": 1, "phalanx-distal": 2, "tip": 2}
_FINGER_PARTS: Final = {"metacarpal": None, "phalanx-proximal": 0, "phalanx-intermediate": 1, "phalanx-distal": 2, "tip": 2}


class OpenHandError(RuntimeError):
    """The open hand cannot be built or read; the message says which command or file mends it."""


def load_open_hand(side: Side, path: Path = ASSET) -> HandArrays:
    """The open hand of one side.

    Raises:
        OpenHandError: it has not been built; the message names the command.
    """
    if not path.is_file():
        raise OpenHandError(f"{path} is missing; build the open hand with `python -m ml.hand.open_model` (`make setup` does)")
    with np.load(path, allow_pickle=False) as stored:
        tips: TipVertices = tuple(int(v) for v in stored["tips"])  # type: ignore[assignment]
        vertices = len(stored["template"])
        right = HandArrays(
            side="right",
            template=stored["template"],
            faces=stored["faces"].astype(np.int64),
            shape_directions=stored["shape_directions"],
            pose_directions=np.zeros((vertices, 3, 135)),
            regressor=stored["regressor"],
            weights=stored["weights"],
            pose_components=stored["pose_components"],
            pose_mean=stored["pose_mean"],
            tip_sets={"open": tips},
        )
    return right if side == "right" else right.mirrored()


def build_open_hand(source: Path) -> dict[str, np.ndarray]:
    """Build the right open hand from the WebXR asset: the arrays that the `.npz` holds.

    Raises:
        OpenHandError: the file is missing or is not that asset.
    """
    if not source.is_file():
        raise OpenHandError(f"{source} is missing; install the front end's packages first (`npm ci` in frontend/)")
    glb = _Glb(source)
    template, faces, weights = _welded(glb)
    joints, tips = _joints(glb, template)
    scale = MEAN_HAND_LENGTH / float(np.linalg.norm(template[tips[2]] - joints[0]))
    origin = joints[9]
    template, joints = (template - origin) * scale, (joints - origin) * scale
    fields, moved = shape_fields(template, weights, joints)
    directions, joint_directions = shape_directions(fields, moved, tips)
    rest = joints[_openpose_of_mano()]
    regressor = _regressor(template, directions, rest, joint_directions)
    poses = sample_poses(np.random.default_rng(0), 20_000, joints, "right")[:, 1:].reshape(-1, 45)
    mean = poses.mean(0)
    _, _, components = np.linalg.svd(poses - mean, full_matrices=False)
    components *= np.sign(components[np.arange(45), np.abs(components).argmax(1)])[:, None]
    return {
        "template": template,
        "faces": faces.astype(np.int32),
        "shape_directions": directions,
        "regressor": regressor,
        "weights": weights,
        "pose_components": components,
        "pose_mean": mean,
        "tips": tips.astype(np.int32),
    }


class _Glb:
    """As much of binary glTF 2.0 as the asset needs."""

    def __init__(self, path: Path) -> None:
        data = path.read_bytes()
        if data[:4] != b"glTF":
            raise OpenHandError(f"{path} is not a binary glTF file")
        (length,) = struct.unpack("<I", data[12:16])
        self.tree: dict[str, Any] = json.loads(data[20 : 20 + length])
        self._blob = data[28 + length :]

    def accessor(self, index: int) -> np.ndarray:
        entry = self.tree["accessors"][index]
        view = self.tree["bufferViews"][entry["bufferView"]]
        dtype = {5121: "<u1", 5123: "<u2", 5126: "<f4"}[entry["componentType"]]
        width = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}[entry["type"]]
        start = view.get("byteOffset", 0) + entry.get("byteOffset", 0)
        return np.frombuffer(self._blob, dtype, entry["count"] * width, start).reshape(-1, width)

    @property
    def primitive(self) -> dict[str, Any]:
        primitive: dict[str, Any] = self.tree["meshes"][0]["primitives"][0]
        return primitive

    @property
    def joint_names(self) -> list[str]:
        return [self.tree["nodes"][node]["name"] for node in self.tree["skins"][0]["joints"]]


def _mano_joint(name: str) -> int:
    """The MANO joint that takes over the weights of a WebXR joint."""
    finger = next((f for f in _FINGER if name.startswith(f + "-")), None)
    if finger is None:
        return 0
    part = (_THUMB_PARTS if finger == "thumb" else _FINGER_PARTS)[name[len(finger) + 1 :]]
    return 0 if part is None else _FINGER[finger] + part


def _welded(glb: _Glb) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    attributes = glb.primitive["attributes"]
    positions = glb.accessor(attributes["POSITION"]).astype(np.float64)
    _, first, inverse = np.unique(np.round(positions, 6), axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.argsort(order)
    faces = rank[inverse.reshape(-1)][glb.accessor(glb.primitive["indices"]).reshape(-1, 3)]
    faces = faces[(faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])]
    folded = np.array([_mano_joint(name) for name in glb.joint_names])
    weights = np.zeros((len(positions), 16))
    rows = np.arange(len(positions))[:, None]
    np.add.at(weights, (rows, folded[glb.accessor(attributes["JOINTS_0"])]), glb.accessor(attributes["WEIGHTS_0"]))
    weights = weights[first[order]]
    return positions[first[order]] @ _TO_MANO_AXES.T, faces, weights / weights.sum(1, keepdims=True)


def _joints(glb: _Glb, template: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 21 joints [21, 3] and the fingertip vertices [5]: those furthest out along the last phalanx."""
    inverse_bind = glb.accessor(glb.tree["skins"][0]["inverseBindMatrices"]).reshape(-1, 4, 4).transpose(0, 2, 1)
    places = dict(zip(glb.joint_names, np.linalg.inv(inverse_bind.astype(np.float64))[:, :3, 3] @ _TO_MANO_AXES.T, strict=True))
    joints, tips = [places["wrist"]], []
    for finger in ("thumb", "index-finger", "middle-finger", "ring-finger", "pinky-finger"):
        parts = list(_THUMB_PARTS if finger == "thumb" else _FINGER_PARTS)
        chain = [places[f"{finger}-{part}"] for part in parts[-4:]]
        along = chain[3] - chain[2]
        along /= np.linalg.norm(along)
        offset = template - chain[2]
        # near the bone's axis, or the furthest vertex may be another finger's
        near = np.linalg.norm(offset - np.outer(offset @ along, along), axis=1) < 0.009
        tip = int(np.flatnonzero(near)[(offset @ along)[near].argmax()])
        tips.append(tip)
        joints += [*chain[:3], template[tip]]
    return np.stack(joints), np.array(tips)


def _openpose_of_mano() -> np.ndarray:
    return np.argsort(MANO_TO_OPENPOSE)[:16]


def _regressor(template: np.ndarray, directions: np.ndarray, rest: np.ndarray, joint_directions: np.ndarray) -> np.ndarray:
    """Non-negative combinations of nearby vertices that give each joint at rest and move with it under every shape."""
    regressor = np.zeros((16, len(template)))
    for joint in range(16):
        near = np.argsort(np.linalg.norm(template - rest[joint], axis=1))[:300]
        offsets = (template[near] - rest[joint]) / 0.02
        moves = (directions[near] - joint_directions[joint]).reshape(len(near), 30) / 0.02
        rows = np.concatenate([np.ones((1, len(near))), offsets.T, moves.T])
        target = np.zeros(len(rows))
        target[0] = 1.0
        found, _ = nnls(rows, target)
        regressor[joint, near] = found / found.sum()
    return regressor


def main(arguments: list[str]) -> int:
    """Build the asset from the GLB named, or from the installed npm package."""
    source = Path(arguments[0]) if arguments else SOURCE
    try:
        arrays = build_open_hand(source)
    except OpenHandError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    ASSET.parent.mkdir(exist_ok=True)
    partial = ASSET.with_suffix(".partial.npz")
    np.savez_compressed(partial, **arrays)  # type: ignore[arg-type]
    partial.replace(ASSET)
    print(f"{ASSET.name}: {len(arrays['template'])} vertices, {len(arrays['faces'])} faces")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

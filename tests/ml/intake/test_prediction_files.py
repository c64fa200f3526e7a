"""Predictions of external methods in every format give the same hands, where the clip's camera sees them."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import trimesh

from ml.catalog import PREDICTION_FORMATS, TRUTH_FORMATS
from ml.formats.faults import FormatError
from ml.formats.orders import from_openpose, to_opencv
from ml.hand.camera import project
from ml.hand.open_model import load_open_hand
from ml.intake.reading import READERS, read_attached
from ml.keypoints.track_matching import tracks_over_time
from tests.attachments import CLIP, FRAMES, archive, meshes

FACES = load_open_hand("right").faces
FOCAL = float(CLIP.camera[0, 0])


def read(tmp_path: Path, content: bytes, file_format: str, *, clip=CLIP, name: str = "file.zip"):
    (tmp_path / name).write_bytes(content)
    return read_attached("prediction", tmp_path / name, file_format, clip, called="the file", side="right")


def npz(**arrays: np.ndarray) -> bytes:
    sink = io.BytesIO()
    np.savez(sink, **arrays)
    return sink.getvalue()


def parameters(**changes: object) -> bytes:
    """As the converter in `docs/external-methods.md` writes HaMeR's output."""
    given = meshes()
    cam_t = given.joints[:, 9]
    arrays = {
        "frame": np.arange(FRAMES), "is_right": np.ones(FRAMES), "cam_t": cam_t, "focal_length": np.array(FOCAL),
        "global_orient": np.zeros((FRAMES, 3)), "hand_pose": np.zeros((FRAMES, 45)), "betas": np.zeros((FRAMES, 10)),
        "joints": given.joints - cam_t[:, None], "vertices": given.vertices[:, :778] - cam_t[:, None],
    }  # fmt: skip
    arrays |= changes
    return npz(**{name: array for name, array in arrays.items() if array is not None})


def obj(vertices: np.ndarray, faces: np.ndarray, *, textured: bool = False) -> bytes:
    lines = ["# a hand", *(f"v {x} {y} {z}" for x, y, z in vertices)]
    lines += [" ".join(["f", *(f"{k}//{k}" if textured else str(k) for k in face + 1)]) for face in faces]
    return "\n".join(lines).encode()


def ply(vertices: np.ndarray, faces: np.ndarray, encoding: str) -> bytes:
    return bytes(trimesh.Trimesh(vertices, faces, process=False).export(file_type="ply", encoding=encoding))


def test_the_web_names_the_formats_that_are_read():
    assert (set(TRUTH_FORMATS), set(PREDICTION_FORMATS)) == (set(READERS["truth"]), set(READERS["prediction"]))


def test_joints_and_meshes_of_mano_parameters(tmp_path):
    given, found = meshes(), read(tmp_path, parameters(), "mano", name="file.npz")
    np.testing.assert_allclose(found.prediction.joints, given.joints, atol=1e-5)
    np.testing.assert_allclose(found.prediction.vertices, given.vertices[:, :778], atol=1e-5)
    assert found.prediction.meta["hand_model"] == "mano"
    assert not [finding for finding in found.findings if "focal length" in finding.message]


def test_hands_estimated_with_another_focal_length_keep_their_place_in_the_image(tmp_path):
    given, far = meshes(), 5000 / FOCAL
    cam_t = given.joints[:, 9].astype(np.float64) * [1, 1, far]
    found = read(tmp_path, parameters(cam_t=cam_t, focal_length=np.full(FRAMES, 5000.0)), "mano", name="file.npz")
    joints = found.prediction.joints
    np.testing.assert_allclose(joints[:, 9], given.joints[:, 9], atol=1e-5)
    np.testing.assert_allclose(project(joints, CLIP.camera), project(given.joints, CLIP.camera), atol=1e-2)
    assert [finding for finding in found.findings if "from a focal length of 5000 px" in finding.message]


def test_an_image_of_another_size(tmp_path):
    doubled = parameters(image_size=np.array([1280, 960]), focal_length=np.array(2 * FOCAL))
    found = read(tmp_path, doubled, "mano", name="file.npz").prediction
    np.testing.assert_allclose(found.joints, meshes().joints, atol=1e-5)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"joints": None, "vertices": None}, "MANO, which is licensed, is not installed on this server (MANO_DIR)"),
        ({"joints": None, "betas": None}, "lacks `betas`"),
        ({"cam_t": None}, "`cam_t` is missing"),
        (
            {"hand_pose": np.zeros((FRAMES, 16, 3))},
            "`hand_pose` is float64 [12, 16, 3], expected numbers [12, 15, 3] or",
        ),
        ({"focal_length": np.array(0.0)}, "`focal_length` holds numbers that are not above 0"),
        ({"cam_t": np.full((FRAMES, 3), np.nan)}, "`cam_t` holds NaN"),
        ({"frame": np.arange(FRAMES) + 0.5}, "`frame` holds float64, expected whole numbers"),
        ({"frame": np.arange(FRAMES) + 3}, "`frame` 14, but the video has 12 frames"),
        ({"pose": np.zeros(3)}, "holds `pose`, which is not known"),
    ],
)
def test_mano_parameters_that_cannot_be_used(tmp_path, monkeypatch, changes, sentence):
    monkeypatch.delenv("MANO_DIR", raising=False)
    with pytest.raises(FormatError) as refusal:
        read(tmp_path, parameters(**changes), "mano", name="file.npz")
    assert sentence in str(refusal.value)


def test_a_pickle_is_never_loaded(tmp_path):
    content = npz(frame=np.array([{"a": 1}], dtype=object))
    with pytest.raises(FormatError, match="Python objects, which are never loaded"):
        read(tmp_path, content, "mano", name="file.npz")


@pytest.mark.parametrize("layout", ["freihand", "ho3d"])
def test_pred_json(tmp_path, layout):
    given = meshes()
    order, axes = ("openpose", "opencv") if layout == "freihand" else ("mano", "opengl")
    lists = [to_opencv(from_openpose(given.joints, order), axes).tolist(), to_opencv(given.vertices, axes).tolist()]
    found = read(tmp_path, archive(pred__json=json.dumps(lists).encode()), layout, clip=replace(CLIP, is_video=False))
    np.testing.assert_allclose(found.prediction.joints, given.joints, atol=1e-6)
    np.testing.assert_allclose(found.prediction.vertices, given.vertices, atol=1e-6)


@pytest.mark.parametrize("kind", ["obj", "textured obj", "text ply", "binary ply"])
@pytest.mark.parametrize("axes", ["opencv", "opengl"])
def test_one_mesh_file_per_frame_is_read(tmp_path, kind, axes):
    given = meshes(3)
    files = {}
    for frame, vertices in enumerate(to_opencv(given.vertices, axes)):
        name = f"hand_{frame + 4:06d}_right__{kind[-3:]}"
        if kind.endswith("obj"):
            files[name] = obj(vertices, FACES, textured=kind == "textured obj")
        else:
            files[name] = ply(vertices, FACES, "ascii" if kind == "text ply" else "binary")
    found = read(tmp_path, archive(**files), "meshes").prediction
    assert (found.frame.tolist(), found.side.tolist(), found.track.tolist()) == ([4, 5, 6], [1, 1, 1], [0, 0, 0])
    np.testing.assert_allclose(found.vertices, given.vertices, atol=1e-5)
    np.testing.assert_array_equal(found.faces, FACES)
    apart = 1000 * np.linalg.norm(found.joints - given.joints, axis=-1)
    assert apart.max() < 6  # the regressor was made for the hand at rest


def test_meshes_of_any_topology_with_their_joints(tmp_path):
    given = meshes(2)
    sink = io.BytesIO()
    np.save(sink, given.joints)
    quads = np.arange(8).reshape(2, 4)
    files = {f"{frame}_left__obj": obj(v[:50], quads) for frame, v in enumerate(given.vertices)}
    found = read(tmp_path, archive(**files, joints__npy=sink.getvalue()), "meshes").prediction
    np.testing.assert_array_equal(found.joints, given.joints)
    assert (found.vertices.shape[1], found.faces.tolist(), found.side.tolist()) == (
        50, [[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]], [0, 0],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"a__txt": b"x"}, "holds no .obj or .ply"),
        ({"hand__obj": b"v 0 0 1"}, "holds no number, expected the frame"),
        ({"1__obj": b"v 0 0"}, "line 1 has 2 coordinates"),
        ({"1__obj": b"v 0 0 1\nf 1 2 3"}, "names vertex 3, expected 1 to 1"),
        ({"1__obj": b"v 0 zero 1"}, "cannot be read: could not convert"),
        ({"1__obj": b"v 0 0 1", "2__obj": b"v 0 0 1\nv 0 0 1"}, "expected the same mesh in all files"),
        ({"1__obj": b"v 0 0 1"}, "joints are not known: add `joints.npy` [1, 21, 3]"),
        ({"1__ply": b"ply\nformat ascii 1.0\nelement vertex 9\n"}, "cannot be read"),
        (
            {"1__obj": b"v 0 0 1", "joints__npy": b"\x93NUMPY"},
            "the file holds no plain array of joints: `joints.npy` cannot be read",
        ),
    ],
)
def test_mesh_files_that_cannot_be_used(tmp_path, files, sentence):
    with pytest.raises(FormatError) as refusal:
        read(tmp_path, archive(**files), "meshes")
    assert sentence in str(refusal.value)


def test_hands_without_tracks_are_followed_over_time():
    joints = np.zeros((7, 21, 3))
    frame = np.array([0, 0, 1, 1, 2, 3, 3])
    joints[:, :, 0] = np.array([0.0, 0.3, 0.31, 0.01, 0.02, 0.03, 0.9])[:, None]
    side = np.array([1, 1, 1, 1, 1, 1, 1])
    assert tracks_over_time(frame, side, joints).tolist() == [0, 1, 1, 0, 0, 0, 2]
    side[3] = 0
    assert tracks_over_time(frame, side, joints)[3] != tracks_over_time(frame, side, joints)[0]

"""Every format of a ground truth gives the same hands; a file that does not match the clip is refused with a message."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml.formats.faults import FormatError
from ml.formats.prediction import PredictionArrays
from ml.intake.reading import read_attached
from ml.intake.topology import facing_outward, topology_of
from tests.attachments import CLIP, FRAMES, label_zip, list_zip, meshes
from tests.predictions import hands, npz

IMAGES = replace(CLIP, is_video=False)


def read(tmp_path: Path, content: bytes, file_format: str = "palmares", *, clip=CLIP, side="right"):
    path = tmp_path / ("file.npz" if file_format == "palmares" else "file.zip")
    path.write_bytes(content)
    return read_attached("truth", path, file_format, clip, called="truth file", side=side)


def test_the_canonical_format_is_accepted_and_gets_the_camera_of_the_clip(tmp_path):
    given = meshes()
    found = read(tmp_path, npz(given)).prediction
    np.testing.assert_array_equal(found.joints, given.joints)
    np.testing.assert_array_equal(found.vertices, given.vertices)
    np.testing.assert_array_equal(found.intrinsics, CLIP.camera)
    assert {name: found.meta[name] for name in ("fps", "frame_count", "width", "height")} == {
        "fps": 30.0, "frame_count": FRAMES, "width": 640, "height": 480,
    }  # fmt: skip
    topology = topology_of(found)
    assert (topology.name, set(topology.faces)) == ("open", {"right"})


def test_a_camera_of_another_image_size_is_scaled(tmp_path):
    camera = np.array([[1000, 0, 640], [0, 1000, 480], [0, 0, 1]], np.float32)
    given = replace(hands(FRAMES), intrinsics=camera, meta={"width": 1280, "height": 960})
    found = read(tmp_path, npz(given)).prediction
    np.testing.assert_allclose(found.intrinsics, [[500, 0, 320], [0, 500, 240], [0, 0, 1]])


def test_labels_of_dexycb(tmp_path):
    given = hands(FRAMES)
    found = read(tmp_path, label_zip(given, missing=(3, 4)), "dexycb").prediction
    assert found.frame.tolist() == [f for f in range(FRAMES) if f not in (3, 4)]
    np.testing.assert_array_equal(found.joints, given.joints[found.frame])
    assert (found.side == 1).all()


@pytest.mark.parametrize(("meta", "side"), [(b"", 0), (b"mano_sides:\n- right\n", 1), (b"mano_sides: [left]", 0)])
def test_the_side_of_dexycbs_labels_is_that_of_their_meta_file(tmp_path, meta, side):
    found = read(tmp_path, label_zip(hands(FRAMES), meta=meta), "dexycb", side="left").prediction
    assert set(found.side.tolist()) == {side}


@pytest.mark.parametrize("layout", ["freihand", "ho3d"])
def test_lists_of_freihand_and_ho3d(tmp_path, layout):
    given = meshes()
    found = read(tmp_path, list_zip(given, layout), layout, clip=IMAGES).prediction
    np.testing.assert_allclose(found.joints, given.joints, atol=1e-6)
    np.testing.assert_allclose(found.vertices, given.vertices, atol=1e-6)
    assert found.frame.tolist() == list(range(FRAMES))


def test_lists_without_meshes(tmp_path):
    assert read(tmp_path, list_zip(hands(FRAMES)), "freihand", clip=IMAGES).prediction.vertices is None


def spoiled(**changes: object) -> PredictionArrays:
    given = meshes()
    return replace(given, **{name: change(getattr(given, name)) for name, change in changes.items()})  # type: ignore[operator]


def with_nan(joints: np.ndarray) -> np.ndarray:
    broken = joints.copy()
    broken[5, 3, 1] = np.nan
    return broken


WRONG = {
    "later frames": (lambda: spoiled(frame=lambda f: f + 5), "`frame` 16, but the video has 12 frames, expected 0 … 11"),
    "negative frames": (lambda: spoiled(frame=lambda f: f - 1), "`frame` -1, but the video has 12"),
    "made for another length": (
        lambda: spoiled(meta=lambda m: {**m, "frame_count": 90}), "was made for 90 frames, but the video has 12",
    ),
    "another rate": (lambda: spoiled(meta=lambda m: {**m, "fps": 25.0}), "at 25 frames/s, but the video has 30"),
    "NaN": (lambda: spoiled(joints=with_nan), "frame 5: `joints` are NaN or infinite"),
    "millimetres": (
        lambda: spoiled(joints=lambda j: j * 1000, vertices=lambda v: v * 1000), "the file is in millimetres, expected metres",
    ),
    "a hundredfold": (
        lambda: spoiled(joints=lambda j: j * 100, vertices=lambda v: v * 100), "the file is in centimetres, expected metres",
    ),
    "tenfold": (
        lambda: spoiled(joints=lambda j: j * 10, vertices=lambda v: v * 10), "mm across, expected about 60 to 260 mm",
    ),
    "OpenGL's axes": (
        lambda: spoiled(joints=lambda j: j * [1, -1, -1], vertices=lambda v: v * [1, -1, -1]), "behind the camera",
    ),
    "one hand twice in a frame": (lambda: spoiled(frame=lambda f: f // 2), "frame 0 holds the right hand of track 0 twice"),
    "a track a row": (
        lambda: replace(meshes(300), track=np.arange(300), meta={}), "300 different hands",
    ),
    "no hand": (lambda: meshes().rows(np.zeros(FRAMES, bool)), "holds no hand"),
    "faces of other meshes": (lambda: replace(meshes(), faces=np.array([[0, 1, 9999]])), "`faces` name vertices 0 … 9999"),
    "faces without meshes": (lambda: replace(hands(FRAMES), faces=np.array([[0, 1, 2]])), "`faces` and no `vertices`"),
}  # fmt: skip


@pytest.mark.parametrize(("given", "sentence"), WRONG.values(), ids=WRONG)
def test_what_does_not_belong_to_the_clip_is_refused(tmp_path, given, sentence):
    clip = replace(CLIP, frame_count=300) if sentence.startswith("300") else CLIP
    with pytest.raises(FormatError, match=r"^truth file") as refusal:
        read(tmp_path, npz(given()), clip=clip)
    assert sentence in str(refusal.value)


def test_hands_of_the_other_side_are_noticed(tmp_path):
    generator = np.random.default_rng(0)
    bent = meshes(FRAMES)
    joints = bent.joints.copy()
    palm = np.cross(joints[:, 5] - joints[:, 0], joints[:, 17] - joints[:, 0])
    palm /= np.linalg.norm(palm, axis=-1, keepdims=True)
    joints[:, [8, 12, 16, 20]] += (0.04 + generator.normal(0, 0.001, (FRAMES, 4, 1))).astype(np.float32) * palm[:, None]
    right = replace(bent, joints=joints, vertices=None)
    assert not [f for f in read(tmp_path, npz(right)).findings if "sides are swapped" in f.message]
    left = replace(right, side=np.zeros(FRAMES, np.uint8))
    assert [f for f in read(tmp_path, npz(left)).findings if "sides are swapped" in f.message]


@pytest.mark.parametrize(
    ("content", "file_format", "sentence"),
    [
        (lambda: list_zip(hands(FRAMES - 2)), "freihand", "holds 10 hands, but the upload has 12 images"),
        (lambda: label_zip(hands(1))[:40], "dexycb", "holds no `labels_000000.npz`"),
        (lambda: list_zip(hands(FRAMES)), "dexycb", "holds no `labels_000000.npz`"),
        (lambda: label_zip(hands(FRAMES)), "ho3d", "holds no `*_xyz.json`"),
        (lambda: b"\x80\x04pickle", "palmares", "is not a .npz archive"),
    ],
)
def test_another_file_than_the_format_says_is_refused(tmp_path, content, file_format, sentence):
    with pytest.raises(FormatError) as refusal:
        read(tmp_path, content(), file_format, clip=IMAGES)
    assert sentence in str(refusal.value)


def test_a_list_of_faces_is_turned_to_face_outward(tmp_path):
    right, left = meshes(), meshes(side="left")
    outward = topology_of(read(tmp_path, npz(right)).prediction).faces["right"]
    np.testing.assert_array_equal(facing_outward(outward[:, ::-1], right.vertices[0]), outward)
    np.testing.assert_array_equal(facing_outward(outward, left.vertices[0]), outward[:, ::-1])


def test_meshes_of_an_unknown_topology_have_no_faces_and_say_so():
    found = topology_of(replace(meshes(), vertices=meshes().vertices[:, :500]))
    assert (found.faces, found.name) == ({}, "")
    assert found.note.startswith("The faces of meshes of 500 vertices are not known here")

"""Every figure of the JSON protocols equals the loop-by-loop reference, on friendly and on adversarial inputs."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ml.metrics.pairing import open_pair
from ml.metrics.protocol import PROTOCOLS
from ml.metrics.report import build_report
from ml.metrics.scoring import score_pair
from tests.ml.metrics.reference import meshes_report

MIRROR = np.array([-1.0, 1.0, 1.0])


def hands(rng, frames=5, vertices=120):
    """Truth and prediction, each joints and vertices, some 8 mm apart."""
    place = np.array([0, 0, 0.6]) + rng.normal(0, 0.1, (frames, 1, 3))
    joints, mesh = (rng.normal(0, 0.04, (n, 3)) + rng.normal(0, 0.005, (frames, n, 3)) + place for n in (21, vertices))
    return joints, mesh, joints + rng.normal(0, 0.008, joints.shape), mesh + rng.normal(0, 0.006, mesh.shape)


def noisy(rng):
    return hands(rng)


def mirrored(rng):
    joints, mesh, _, _ = hands(rng)
    return joints, mesh, joints * MIRROR, mesh * MIRROR


def perfect(rng):
    joints, mesh, _, _ = hands(rng)
    return joints, mesh, joints, mesh


def zero(rng):
    joints, mesh, found, moved = hands(rng)
    return joints, mesh, 0 * found, 0 * moved


def equal_points(rng):
    joints, mesh, found, moved = hands(rng)
    return joints, mesh, np.repeat(found[:, :1], 21, 1), np.repeat(moved[:, :1], mesh.shape[1], 1)


def one_frame(rng):
    return hands(rng, frames=1)


def larger_and_elsewhere(rng):
    joints, mesh, _, _ = hands(rng)
    return joints, mesh, 2 * joints + 0.3, 2 * mesh + 0.3


def flat_truth(rng):
    joints, mesh, found, moved = hands(rng)
    return joints * [1, 1, 0], mesh * [1, 1, 0], found, moved


def truth_on_a_line(rng):
    joints, mesh, found, moved = hands(rng)
    return joints * [1, 0, 0], mesh * [1, 0, 0], found, moved


def other_mesh(rng):
    joints, mesh, found, _ = hands(rng)
    return joints, mesh, found, rng.normal(0, 0.04, (5, 179, 3)) + found[:, :1]


def single_vertex(rng):
    joints, mesh, found, moved = hands(rng)
    return joints, mesh, found, moved[:, :1]


def ties_at_the_threshold(rng):
    joints, mesh, found, _ = hands(rng)
    grid = np.round(mesh / 0.005) * 0.005
    return joints, grid, found, grid + np.array([0.005, 0, 0])


def one_vertex_far_away(rng):
    joints, mesh, found, moved = hands(rng)
    moved[2, 5] = 1e6
    return joints, mesh, found, moved


CASES = (
    noisy,
    mirrored,
    perfect,
    zero,
    equal_points,
    one_frame,
    larger_and_elsewhere,
    flat_truth,
    truth_on_a_line,
    other_mesh,
    single_vertex,
    ties_at_the_threshold,
    one_vertex_far_away,
)


def scored(folder, name, joints, mesh, found, moved):
    truth = folder / "truth"
    truth.mkdir()
    (truth / "evaluation_xyz.json").write_text(json.dumps(joints.tolist()))
    (truth / "evaluation_verts.json").write_text(json.dumps(mesh.tolist()))
    (folder / "pred.json").write_text(json.dumps([found.tolist(), moved.tolist()]))
    protocol = PROTOCOLS[name]
    with open_pair(protocol, truth, folder / "pred.json") as pair:
        return build_report(protocol, pair, score_pair(protocol, pair))


@pytest.mark.parametrize("name", ["freihand", "ho3d-v2"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_every_figure_equals_the_reference(case, name, tmp_path):
    inputs = case(np.random.default_rng(7))
    report = scored(tmp_path, name, *inputs)
    expected = meshes_report(*inputs)
    if name == "freihand":
        expected = {key: value for key, value in expected.items() if not key.startswith("st_")}
    assert {key: report.metrics[key] for key in expected} == pytest.approx(expected, rel=1e-9, abs=1e-9)


def test_the_official_names_come_in_the_official_order_and_in_centimetres(tmp_path):
    inputs = noisy(np.random.default_rng(3))
    report, expected = scored(tmp_path, "freihand", *inputs), meshes_report(*inputs)
    assert " ".join(report.official) == (
        "xyz_mean3d xyz_auc3d xyz_al_mean3d xyz_al_auc3d mesh_mean3d mesh_auc3d mesh_al_mean3d mesh_al_auc3d "
        "f_score_5 f_al_score_5 f_score_15 f_al_score_15"
    )
    assert report.official["xyz_mean3d"] == pytest.approx(expected["mpjpe"] / 10, rel=1e-9)
    assert report.official["mesh_al_mean3d"] == pytest.approx(expected["pa_mpvpe"] / 10, rel=1e-9)
    assert report.official["f_al_score_15"] == pytest.approx(expected["pa_f15"], rel=1e-9)


def test_frames_whose_best_alignment_reflects_are_flagged(tmp_path):
    report = scored(tmp_path, "freihand", *mirrored(np.random.default_rng(1)))
    assert report.content["flags"]["reflected"] == 5
    assert report.metrics["pa_mpjpe"] < 1e-3 < 10 < report.metrics["pr_mpjpe"]

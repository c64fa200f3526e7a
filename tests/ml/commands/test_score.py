"""`manage.py score`, as a process of its own: every protocol, both outputs, and what it says of files it cannot score."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ml.metrics.protocol import PROTOCOLS
from tests.ml.metrics.reference import meshes_report
from tests.predictions import hands, moved, npz

ROOT = Path(__file__).resolve().parents[3]
FRAMES = 6


def score(protocol: str, truth: Path, prediction: Path, *options: object) -> subprocess.CompletedProcess[str]:
    """Run it with no server and no database in reach."""
    command = [sys.executable, "manage.py", "score", "--protocol", protocol, str(truth), str(prediction), *map(str, options)]
    nowhere = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/none", "REDIS_URL": "redis://127.0.0.1:1/0"}
    return subprocess.run(command, cwd=ROOT, env=os.environ | nowhere, capture_output=True, text=True, timeout=120, check=False)


def a_hand(seed: int = 0, vertices: int = 60) -> tuple[np.ndarray, ...]:
    """Truth and prediction, each joints and vertices, metres, OpenCV axes: a rest-pose hand that is shaken by 5 mm."""
    rng = np.random.default_rng(seed)
    joints = hands(FRAMES, seed=seed).joints.astype(np.float64)
    mesh = joints[:, rng.integers(0, 21, vertices)] + rng.normal(0, 0.004, (FRAMES, vertices, 3))
    return joints, mesh, joints + rng.normal(0, 0.005, joints.shape), mesh + rng.normal(0, 0.005, mesh.shape)


def lists(*arrays: np.ndarray) -> str:
    return json.dumps([a.tolist() for a in arrays])


@pytest.fixture
def meshes(tmp_path: Path) -> tuple[Path, Path, tuple[np.ndarray, ...]]:
    """FreiHAND's layout: a folder with the truth, and `pred.json`."""
    arrays = a_hand()
    (tmp_path / "evaluation_xyz.json").write_text(json.dumps(arrays[0].tolist()))
    (tmp_path / "evaluation_verts.json").write_text(json.dumps(arrays[1].tolist()))
    (tmp_path / "pred.json").write_text(lists(*arrays[2:]))
    return tmp_path, tmp_path / "pred.json", arrays


def test_freihand_prints_the_official_names_and_units_and_our_own_in_mm(meshes):
    truth, prediction, arrays = meshes
    done = score("freihand", truth, prediction, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    expected = {k: v for k, v in meshes_report(*arrays).items() if not k.startswith("st_")}
    assert {name: found["metrics"][name] for name in expected} == pytest.approx(expected, abs=1e-9)
    assert found["xyz_mean3d"] == pytest.approx(expected["mpjpe"] / 10)
    assert found["official_units"]["xyz_mean3d"] == "cm"
    assert found["f_al_score_15"] == pytest.approx(expected["pa_f15"])
    assert (found["coverage"], found["counts"]["rows"]) == (1.0, FRAMES)
    assert found["scorer"]["sha256"]
    assert {"metric", "thresholds_mm", "share"} <= set(found["pck"][0])


def test_the_table_for_people_says_the_same(meshes):
    truth, prediction, _ = meshes
    found = json.loads(score("freihand", truth, prediction, "--json").stdout)
    table = score("freihand", truth, prediction).stdout
    assert f"{found['metrics']['pa_mpjpe']:.4f}" in table
    assert f"{found['xyz_al_mean3d']:.4f} cm" in table


def test_by_frame_as_csv(meshes, tmp_path):
    truth, prediction, _ = meshes
    done = score("freihand", truth, prediction, "--json", "--per-frame", tmp_path / "deep" / "rows.csv")
    rows = list(csv.DictReader((tmp_path / "deep" / "rows.csv").read_text().splitlines()))
    mean = np.mean([float(row["pa_mpjpe"]) for row in rows])
    assert len(rows) == FRAMES
    assert mean == pytest.approx(json.loads(done.stdout)["metrics"]["pa_mpjpe"], rel=1e-6)


def test_a_limit_scores_only_the_first_frames(meshes):
    truth, prediction, arrays = meshes
    found = json.loads(score("freihand", truth, prediction, "--json", "--limit", 2).stdout)
    expected = meshes_report(*(a[:2] for a in arrays))
    assert found["counts"]["rows"] == 2
    assert found["metrics"]["pa_mpjpe"] == pytest.approx(expected["pa_mpjpe"], abs=1e-9)


def test_the_official_number_of_frames_is_asked_for_only_when_asked(meshes):
    truth, prediction, _ = meshes
    assert score("freihand", truth, prediction).returncode == 0
    done = score("freihand", truth, prediction, "--official")
    assert done.returncode == 2
    assert "6 frames, the official FreiHAND has 3960" in done.stderr


@pytest.mark.parametrize("version", ["ho3d-v2", "ho3d-v3"])
def test_ho3d_in_its_own_order_and_axes(version, tmp_path):
    arrays = [a * [1, -1, -1] for a in a_hand(seed=3)]
    by_joint = 1000 * np.linalg.norm(arrays[0] - arrays[2], axis=-1).mean(0)
    order = [0, 5, 6, 7, 9, 10, 11, 17, 18, 19, 13, 14, 15, 1, 2, 3, 4, 8, 12, 16, 20]
    arrays[0], arrays[2] = arrays[0][:, order], arrays[2][:, order]
    (tmp_path / "evaluation_xyz.json").write_text(json.dumps(arrays[0].tolist()))
    (tmp_path / "evaluation_verts.json").write_text(json.dumps(arrays[1].tolist()))
    (tmp_path / "pred.json").write_text(lists(*arrays[2:]))
    done = score(version, tmp_path, tmp_path / "pred.json", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    expected = meshes_report(*arrays)
    assert found["xyz_scale_trans_al_mean3d"] == pytest.approx(expected["st_mpjpe"] / 10)
    assert found["xyz_procrustes_al_auc3d"] == pytest.approx(expected["pa_auc_joints"])
    assert found["by_joint_mm"]["mpjpe"] == pytest.approx(by_joint), "wrist, thumb, index … whatever the file's order"


def test_dexycb_in_millimetres(tmp_path):
    joints, _, found, _ = a_hand(seed=5)
    np.savez(tmp_path / "truth.npz", index=np.arange(10, 10 + FRAMES), joint_3d=joints.astype(np.float32))
    lines = [",".join(map(str, [10 + n, *(1000 * f).ravel()])) for n, f in enumerate(found)]
    (tmp_path / "results.txt").write_text("\n".join(lines) + "\n")
    done = score("dexycb", tmp_path / "truth.npz", tmp_path / "results.txt", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    apart = 1000 * np.linalg.norm((found - found[:, :1]) - (joints - joints[:, :1]), axis=-1).mean()
    assert report["root-relative_mpjpe"] == pytest.approx(apart, rel=1e-5)
    assert report["official_units"]["root-relative_mpjpe"] == "mm"


def test_dexycb_results_with_only_the_first_samples_are_scored_with_a_limit(tmp_path):
    joints, _, found, _ = a_hand(seed=5)
    np.savez(tmp_path / "truth.npz", index=np.arange(10, 10 + FRAMES), joint_3d=joints.astype(np.float32))
    lines = [",".join(map(str, [10 + n, *(1000 * f).ravel()])) for n, f in enumerate(found[:5])]
    (tmp_path / "results.txt").write_text("\n".join(lines))
    done = score("dexycb", tmp_path / "truth.npz", tmp_path / "results.txt", "--json", "--limit", 4)
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["counts"]["rows"] == 4
    expected = 1000 * np.linalg.norm(found - joints, axis=-1)[:4].mean()
    assert report["metrics"]["mpjpe"] == pytest.approx(expected, rel=1e-5)
    done = score("dexycb", tmp_path / "truth.npz", tmp_path / "results.txt", "--limit", 6)
    assert "no line for sample 15; 1 of 6 samples are missing" in done.stderr


@pytest.mark.parametrize("name", ["rhd", "stb", "do", "ed"])
def test_lists_of_joints_with_their_unit(name, tmp_path):
    joints, _, found, _ = a_hand(seed=6)
    for file, points in (("truth", joints), ("pred", found)):
        (tmp_path / f"{file}.json").write_text(json.dumps({"unit": "mm", "joints": (1000 * points).tolist()}))
    done = score(name, tmp_path / "truth.json", tmp_path / "pred.json", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    metric = next(line.metric for line in PROTOCOLS[name].official if line.name == "epe_mean")
    assert report["epe_mean"] == pytest.approx(report["metrics"][metric])
    assert 3 < report["epe_mean"] < 14
    assert any(curve["curve"] == "20-50" for curve in report["pck"])


def test_the_protocol_palmares_reports_coverage_of_missing_frames(tmp_path):
    truth = hands(20)
    (tmp_path / "truth.npz").write_bytes(npz(truth))
    (tmp_path / "half.npz").write_bytes(npz(moved(truth, 4.0).rows(np.arange(10))))
    done = score("palmares", tmp_path / "truth.npz", tmp_path / "half.npz", "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["coverage"] == 0.5
    assert report["metrics"]["mpjpe"] == pytest.approx(4.0, abs=1e-3)
    assert report["metrics"]["ra_mpjpe"] == pytest.approx(0.0, abs=1e-3)
    assert report["counts"]["missing"] == 10
    assert "30 frames/s: 1 mm/frame² = 0.9 m/s²" in score("palmares", tmp_path / "truth.npz", tmp_path / "half.npz").stdout


def test_a_stated_unit_that_does_not_fit_the_hand_size_is_refused(tmp_path):
    joints, _, found, _ = a_hand(seed=6)
    (tmp_path / "truth.json").write_text(json.dumps({"unit": "m", "joints": joints.tolist()}))
    (tmp_path / "pred.json").write_text(json.dumps({"unit": "mm", "joints": found.tolist()}))
    done = score("do", tmp_path / "truth.json", tmp_path / "pred.json")
    assert done.returncode == 2
    assert 'pred.json: `unit` says "mm", but the hands are 0.' in done.stderr
    assert 'it looks like "m"' in done.stderr


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "is empty"),
        ("[[", "pred.json"),
        ("[[[[0,0,NaN]]],[[[0,0,0]]]]", "pred.json"),
        ("nonsense", "pred.json"),
    ],
)
def test_an_invalid_file_gives_a_message_and_exit_code_2(meshes, content, says):
    truth, prediction, _ = meshes
    prediction.write_text(content)
    done = score("freihand", truth, prediction)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_an_error_names_its_frame(meshes):
    truth, prediction, arrays = meshes
    joints = arrays[2].tolist()
    joints[4] = joints[4][:20]
    prediction.write_text(json.dumps([joints, arrays[3].tolist()]))
    done = score("freihand", truth, prediction)
    assert done.returncode == 2
    assert "frame 4 of `xyz` of pred.json: 20 joints, expected 21" in done.stderr


def test_metres_sent_for_millimetres_are_named(tmp_path):
    joints, _, found, _ = a_hand(seed=5)
    np.savez(tmp_path / "truth.npz", index=np.arange(FRAMES), joint_3d=joints.astype(np.float32))
    lines = [",".join(map(str, [n, *f.ravel()])) for n, f in enumerate(found)]
    (tmp_path / "results.txt").write_text("\n".join(lines) + "\n")
    done = score("dexycb", tmp_path / "truth.npz", tmp_path / "results.txt")
    assert done.returncode == 2
    assert "m" in done.stderr
    assert "mm" in done.stderr
    assert score("dexycb", tmp_path / "truth.npz", tmp_path / "results.txt", "--despite-errors").returncode == 0


def test_another_order_of_joints_is_diagnosed_from_the_error(meshes):
    truth, prediction, arrays = meshes
    order = [0, 5, 6, 7, 9, 10, 11, 17, 18, 19, 13, 14, 15, 1, 2, 3, 4, 8, 12, 16, 20]
    prediction.write_text(lists(arrays[2][:, order], arrays[3]))
    done = score("freihand", truth, prediction)
    assert "order" in done.stderr


def test_files_that_are_not_there(tmp_path):
    done = score("freihand", tmp_path / "nowhere", tmp_path / "pred.json")
    assert done.returncode == 2
    assert "does not exist" in done.stderr

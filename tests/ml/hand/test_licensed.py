"""Licensed MANO, on files of its exact structure made here: Python 2 pickles of chumpy objects, and hostile ones."""

import pickle
import sys
import types
from pathlib import Path

import numpy as np
import pytest
import scipy.sparse
import torch

from ml.hand.arrays import HandArrays
from ml.hand.licensed import LicensedModelError, load_licensed_mano
from ml.hand.model import HandModel, load_hand_model
from ml.hand.skeleton import MANO_PARENTS

V = 778


def stand_in(module, name, monkeypatch, **state):
    """An instance of a class that pickles as `module.name` with this state, as the real one would."""
    kind = getattr(sys.modules.get(module), name, None) or type(name, (), {"__module__": module})
    monkeypatch.setitem(sys.modules, module, types.SimpleNamespace(**{name: kind}))
    if module.startswith("chumpy"):
        monkeypatch.setitem(sys.modules, "chumpy", types.SimpleNamespace())
    instance = kind()
    instance.__dict__.update(state)
    return instance


def mano_arrays(seed=0):
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.full(16, 0.2), V)
    regressor = np.zeros((16, V))
    for joint in range(16):
        regressor[joint, rng.choice(V, 12, replace=False)] = 1 / 12
    return {
        "v_template": rng.normal(0, 0.05, (V, 3)),
        "f": rng.integers(0, V, (1538, 3)).astype(np.uint32),
        "shapedirs": rng.normal(0, 0.003, (V, 3, 10)),
        "posedirs": rng.normal(0, 0.003, (V, 3, 135)),
        "J_regressor": regressor,
        "weights": weights,
        "kintree_table": np.array([(2**32 - 1, *MANO_PARENTS[1:]), range(16)], np.int64),
        "hands_components": np.linalg.qr(rng.normal(size=(45, 45)))[0],
        "hands_mean": rng.normal(0, 0.1, 45),
        "hands_coeffs": rng.normal(size=(20, 45)),
        "J": rng.normal(size=(16, 3)),
        "bs_style": "lbs",
        "bs_type": "lrotmin",
    }


def write_mano(path: Path, arrays, monkeypatch, scipy_module="scipy.sparse.csc", protocol=2):
    """As the distributed files: protocol 2, chumpy's classes by name, the regressor a sparse matrix of old SciPy."""
    data = dict(arrays)
    data["v_template"] = stand_in("chumpy.ch", "Ch", monkeypatch, x=data["v_template"])
    whole = np.concatenate([data["shapedirs"], np.zeros((V, 3, 5))], 2)
    chosen = np.arange(whole.size).reshape(whole.shape)[:, :, :10].ravel()
    inner = stand_in("chumpy.ch", "Ch", monkeypatch, x=whole)
    select = {"a": inner, "idxs": chosen, "preferred_shape": (V, 3, 10)}
    data["shapedirs"] = stand_in("chumpy.reordering", "Select", monkeypatch, **select)
    matrix = scipy.sparse.csc_matrix(data["J_regressor"])
    parts = {"data": matrix.data, "indices": matrix.indices, "indptr": matrix.indptr, "_shape": matrix.shape}
    monkeypatch.delitem(sys.modules, scipy_module, raising=False)
    data["J_regressor"] = stand_in(scipy_module, "csc_matrix", monkeypatch, **parts, format="csc", maxprint=50)
    path.write_bytes(pickle.dumps(data, protocol=protocol))


@pytest.mark.parametrize("scipy_module", ["scipy.sparse.csc", "scipy.sparse._csc"])
@pytest.mark.parametrize("side", ["left", "right"])
def test_reads_files_of_manos_structure(tmp_path, monkeypatch, side, scipy_module):
    arrays = mano_arrays()
    with monkeypatch.context() as patch:
        write_mano(tmp_path / f"MANO_{side.upper()}.pkl", arrays, patch, scipy_module)
    hand = load_licensed_mano(side, tmp_path)
    assert isinstance(hand, HandArrays)
    np.testing.assert_array_equal(hand.template, arrays["v_template"])
    np.testing.assert_array_equal(hand.shape_directions, arrays["shapedirs"])
    np.testing.assert_array_equal(hand.regressor, arrays["J_regressor"])
    np.testing.assert_array_equal(hand.faces, arrays["f"])
    assert hand.tip_sets["manopth"] == ((745, 317, 445, 556, 673) if side == "left" else (745, 317, 444, 556, 673))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_reads_files_that_were_pickled_again(tmp_path, monkeypatch, protocol):
    """By newer Pythons, whose default is another protocol; arrays in any order, byte order and layout."""
    arrays = mano_arrays()
    arrays["weights"] = np.asfortranarray(arrays["weights"])
    arrays["v_template"] = arrays["v_template"].astype(">f8")
    arrays["posedirs"] = np.repeat(arrays["posedirs"], 2, axis=2)[:, :, ::2]
    with monkeypatch.context() as patch:
        write_mano(tmp_path / "MANO_RIGHT.pkl", arrays, patch, "scipy.sparse._csc", protocol)
    hand = load_licensed_mano("right", tmp_path)
    for name, found in (
        ("v_template", hand.template),
        ("weights", hand.weights),
        ("posedirs", hand.pose_directions),
        ("shapedirs", hand.shape_directions),
        ("J_regressor", hand.regressor),
    ):
        np.testing.assert_array_equal(found, arrays[name])


def test_a_file_damaged_by_a_text_mode_transfer_is_recognised(tmp_path, monkeypatch):
    path = tmp_path / "MANO_RIGHT.pkl"
    with monkeypatch.context() as patch:
        write_mano(path, mano_arrays(), patch)
    original = path.read_bytes()
    path.write_bytes(original.replace(b"\n", b"\r\n"))
    with pytest.raises(LicensedModelError, match="every LF in it became CR LF, as a transfer in text mode does"):
        load_licensed_mano("right", tmp_path)
    path.write_bytes(original.replace(b"\r\n", b"\n").replace(b"\r", b""))
    with pytest.raises(LicensedModelError, match="every CR is missing from it, as after a transfer in text mode"):
        load_licensed_mano("right", tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("f", np.zeros((4, 3)), "holds no whole numbers"),
        ("hands_mean", [0.0] * 45, "lacks 'hands_mean'"),
        ("kintree_table", np.zeros(3, np.int64), "not MANO's tree"),
        ("posedirs", np.zeros(5), "`pose_directions` has shape"),
    ],
)
def test_arrays_of_other_kinds_are_named(tmp_path, monkeypatch, name, value, reason):
    with monkeypatch.context() as patch:
        write_mano(tmp_path / "MANO_RIGHT.pkl", {**mano_arrays(), name: value}, patch)
    with pytest.raises(LicensedModelError, match=reason):
        load_licensed_mano("right", tmp_path)


def test_joints_only_path_on_mano(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        write_mano(tmp_path / "MANO_RIGHT.pkl", mano_arrays(), patch)
    monkeypatch.setenv("MANO_DIR", str(tmp_path))
    model = HandModel("mano", load_licensed_mano("right"), tip_set="ho3d")
    generator = torch.Generator().manual_seed(0)
    pose, betas = torch.randn(5, 16, 3, generator=generator), torch.randn(5, 10, generator=generator)
    both = model(pose, betas, torch.ones(3))
    assert (both.joints - model.joints(pose, betas, torch.ones(3))).abs().max() < 1e-6
    assert both.vertices.shape == (5, V, 3)


def test_left_shape_correction_is_an_option(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        write_mano(tmp_path / "MANO_LEFT.pkl", mano_arrays(), patch)
    plain, corrected = (load_licensed_mano("left", tmp_path, correct_left_shape=c).shape_directions for c in (False, True))
    np.testing.assert_array_equal(corrected[:, 0, 0], -plain[:, 0, 0])
    np.testing.assert_array_equal(corrected[:, :, 1:], plain[:, :, 1:])


@pytest.mark.parametrize("content", [b"", b"not a pickle", pickle.dumps([1, 2]), pickle.dumps({"f": 1}), b"\x80\x02}q\x00("])
def test_broken_files_are_explained(tmp_path, content):
    (tmp_path / "MANO_RIGHT.pkl").write_bytes(content)
    with pytest.raises(LicensedModelError, match=r"MANO_RIGHT\.pkl is not MANO's"):
        load_licensed_mano("right", tmp_path)


def test_wrong_shapes_are_named(tmp_path, monkeypatch):
    arrays = mano_arrays()
    arrays["weights"] = arrays["weights"][:, :15]
    with monkeypatch.context() as patch:
        write_mano(tmp_path / "MANO_RIGHT.pkl", arrays, patch)
    with pytest.raises(LicensedModelError, match=r"`weights` has shape \[778, 15\], expected \[778, 16\]"):
        load_licensed_mano("right", tmp_path)


def test_without_the_licensed_files_the_error_says_how_to_provide_them(tmp_path, monkeypatch):
    monkeypatch.delenv("MANO_DIR", raising=False)
    with pytest.raises(LicensedModelError, match="set MANO_DIR"):
        load_hand_model("mano", "right", tip_set="smplx")
    with pytest.raises(LicensedModelError, match=r"MANO_LEFT\.pkl is missing"):
        load_licensed_mano("left", tmp_path)

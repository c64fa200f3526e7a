"""The harness of the survey's systems, with a toy system: trained, saved, loaded, run as a method; and files it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from ml import catalog
from ml.formats.prediction import PredictionArrays
from ml.hand.camera import project
from ml.methods.interface import Request
from ml.methods.network_method import NetworkMethod
from ml.networks import network_files
from ml.networks.hand_batch import HandBatch, HandGuess, HandNetwork
from ml.networks.network_files import WeightsError, load_network_file, save_network
from ml.networks.residual_mlp import ResidualMLP
from ml.training.loop import Batch, Schedule
from ml.training.samples import make_samples
from ml.training.survey_data import SurveyData
from ml.training.system_training import SystemTraining, VariantTraining, errors_of, run
from ml.training.systems import training_of, trainings


class ToyLifting(HandNetwork):
    """2D joints to 3D joints."""

    def __init__(self) -> None:
        super().__init__()
        self.lift = ResidualMLP(42, 63, width=32, blocks=1)

    def forward(self, hands: HandBatch) -> HandGuess:
        return HandGuess(joints=self.lift(hands.landmarks.flatten(1)).view(-1, 21, 3))


def toy_loss(network: HandNetwork, batch: Batch) -> Tensor:
    found = network(HandBatch.of(batch)).joints
    loss: Tensor = (found - 10 * batch["joints"]).abs().mean()
    return loss


TOY = SystemTraining("toy", {"keypoints": VariantTraining(ToyLifting, toy_loss, Schedule(steps=60, batch=8, rate=3e-3))})


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> SurveyData:
    folder = tmp_path_factory.mktemp("samples")
    return SurveyData.of(make_samples(folder, split="train", seed=0, clips=2, processes=1), folder / "depths.npy")


@pytest.fixture(scope="module")
def trained(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    weights = folder / "weights"
    weights.mkdir()
    return run(TOY, "keypoints", data, data, folder, weights=weights), weights


def test_training_a_new_system_writes_weights_and_a_model_card(trained):
    facts, weights = trained
    card = json.loads((weights / "toy.json").read_text())
    assert card["variants"]["keypoints"] == facts
    assert facts["bytes"] == (weights / "toy-keypoints.safetensors").stat().st_size <= network_files.MAX_BYTES
    assert np.isfinite(list(facts["validation"].values())).all()


def test_it_runs_as_a_method_on_a_clip(trained, data, monkeypatch, two_hands):
    monkeypatch.setattr(network_files, "FOLDER", trained[1])
    monkeypatch.setitem(catalog.METHODS, "toy", replace(catalog.METHODS["kong2022"], name="toy", version="1"))
    found = NetworkMethod("toy", {"keypoints": ToyLifting}).estimate(two_hands, lambda stage, fraction: None)
    assert len(found) == sum(len(track.frames) for track in two_hands.keypoints.tracks)
    assert found.meta["input"] == "keypoints"
    assert np.isfinite(found.vertices).all()
    assert found.pose is not None
    alone = NetworkMethod("toy", {"keypoints": ToyLifting}).estimate(
        replace(two_hands, options={"fit": False}), lambda stage, fraction: None
    )
    assert _distance_2d(two_hands, found) < 0.5 * _distance_2d(two_hands, alone)
    assert (found.meta["fit"], alone.meta["fit"]) == (True, False)


def _distance_2d(request: Request, found: PredictionArrays) -> float:
    """Mean distance (px) of the joints from the detected ones."""
    misses = []
    for track in request.keypoints.tracks:
        own = found.rows(found.track == track.track)
        misses.append(np.linalg.norm(project(own.joints, own.intrinsics) - track.joints_2d, axis=-1).mean())
    return float(np.mean(misses))


def test_every_system_is_a_method_with_weights_a_card_and_a_page():
    for name, system in trainings().items():
        assert name in catalog.METHODS
        card = json.loads(network_files.card_path(name).read_text())
        assert set(card["variants"]) == set(system.variants)
        for variant, training in system.variants.items():
            path = network_files.weights_path(name, variant)
            assert path.stat().st_size <= network_files.MAX_BYTES
            load_network_file(training.build(), path)
        assert Path(f"docs/systems/{name}.md").exists()


def test_an_unknown_system_is_refused_by_name():
    with pytest.raises(KeyError, match="no system 'toy'"):
        training_of("toy")


def test_depth_maps_are_kept_and_lie_on_the_joints(data):
    assert data.depth_file is not None
    maps = data.depth_maps
    assert np.array_equal(np.load(data.depth_file), maps)
    batch = data.batch(torch.arange(len(data)), pixels=True, depths=True, generator=torch.Generator().manual_seed(1))
    cells = ((batch["points"] + 1) / 2 * 48).long()
    inside = ((cells >= 0) & (cells < 48)).all(-1)
    row = torch.arange(len(data))[:, None].expand_as(inside)
    on_hand = batch["silhouettes"][row[inside], cells[..., 1][inside], cells[..., 0][inside]]
    assert on_hand.mean() > 0.9
    assert batch["depths"][batch["silhouettes"] == 0].max() == 0


def test_errors_of_the_truth_are_zero_whatever_its_scale(data):
    joints = data.true_joints - data.true_joints[:, :1]
    assert errors_of(HandGuess(joints=joints, is_metric=True), data) == {"pa_mpjpe": 0.0, "ra_mpjpe": 0.0, "auc_20_50": 1.0}
    assert errors_of(HandGuess(joints=7 * joints), data)["pa_mpjpe"] == 0.0


class _OtherHand(ToyLifting):
    hand_model = "mano"


class _OtherNetwork(ToyLifting):
    """Another network of the same tensors."""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda path: path.unlink(), "no weights at"),
        (lambda path: path.write_bytes(path.read_bytes()[:200]), "damaged"),
        (lambda path: path.write_bytes(b"junk" * 100), "damaged"),
        (lambda path: save_file(load_file(path), path), "of network None"),
        (lambda path: save_network(_OtherHand(), path), "_OtherHand"),
        (lambda path: save_network(_OtherNetwork(), path), "_OtherNetwork"),
        (
            lambda path: save_file(
                {"x": torch.zeros(3)}, path, metadata={"network": "ToyLifting", "hand_model": "open", "format": "1"}
            ),
            "has shape None",
        ),
        (
            lambda path: save_file(
                load_file(path), path, metadata={"network": "ToyLifting", "hand_model": "open", "format": "0"}
            ),
            "format '0'",
        ),
        (
            lambda path: save_file(
                load_file(path), path, metadata={"network": "ToyLifting", "hand_model": "mano", "format": "1"}
            ),
            "hand model 'mano'",
        ),
    ],
)
def test_other_weights_are_refused_in_a_sentence(tmp_path, change, message):
    path = tmp_path / "toy-keypoints.safetensors"
    save_network(ToyLifting(), path)
    assert load_network_file(ToyLifting(), path)
    change(path)
    with pytest.raises(WeightsError, match=message):
        load_network_file(ToyLifting(), path)

"""Networks and their inputs are on the requested device; tested with the device `meta`, which every machine has."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import fields
from typing import get_args

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ml.device import default_device
from ml.hand.model import load_hand_model
from ml.identity.crops import CROP_PX, RIM_PX, SMALL_CROP_PX
from ml.identity.inference import Estimate, estimate
from ml.identity.networks import Baseline, Confidence, IdentityAware
from ml.identity.observation import INPUTS, Observation
from ml.identity.weights import BACKBONES, Kind, Models
from ml.networks.hand_batch import HandBatch
from ml.training.kong2022_validation import infer
from ml.training.loop import Schedule
from ml.training.systems import trainings
from ml.training.train_kong2022 import Config, Dataset, Losses

ROWS = 5
# ge2019 multiplies sparse matrices, which `meta` does not know; `ml.training.check_cuda` runs it
ON_META = [(name, one) for name, of in trainings().items() for one in of.variants if name != "ge2019"]


class OneDevice(TorchDispatchMode):
    """No operation mixes devices, as none may on a GPU. What comes back from `meta`, which holds no values, is zero."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        devices = {tensor.device.type for tensor in tensors if tensor.dim()}
        assert len(devices) <= 1, f"{func} mixes {devices}"
        if func is torch.ops.aten._to_copy.default and devices == {"meta"} and kwargs.get("device") == torch.device("cpu"):
            return torch.zeros(args[0].shape, dtype=args[0].dtype)
        if func is torch.ops.aten._local_scalar_dense.default and devices <= {"meta"} and args[0].device.type == "meta":
            return 0.0
        return func(*args, **kwargs)


def seen() -> Observation:
    return Observation(
        inputs=torch.zeros(ROWS, INPUTS),
        landmarks=torch.zeros(ROWS, 21, 2),
        world=torch.zeros(ROWS, 21, 3),
        crop_rotation=torch.eye(3).repeat(ROWS, 1, 1),
        centre=torch.zeros(ROWS, 2),
        half=torch.ones(ROWS),
        mirrored=torch.zeros(ROWS, dtype=torch.bool),
    )


def dataset() -> Dataset:
    crops = torch.zeros(ROWS, 3, CROP_PX + 2 * RIM_PX, CROP_PX + 2 * RIM_PX, dtype=torch.uint8)
    rotations = torch.eye(3).repeat(ROWS, 16, 1, 1)
    return Dataset(seen(), crops, torch.zeros(ROWS, 21, 2), rotations, torch.zeros(ROWS, 10))


def test_the_cpu_is_the_default_where_there_is_no_cuda(monkeypatch):
    monkeypatch.delenv("PALMARES_DEVICE", raising=False)
    assert default_device().type == ("cuda" if torch.cuda.is_available() else "cpu")
    monkeypatch.setenv("PALMARES_DEVICE", "cpu")
    assert default_device() == torch.device("cpu")


@pytest.mark.parametrize("name", ["graphics card", "meta", "cuda:99"])
def test_an_unavailable_device_is_refused_and_named(monkeypatch, name):
    monkeypatch.setenv("PALMARES_DEVICE", name)
    with pytest.raises(ValueError, match=f"PALMARES_DEVICE is '{name}'"):
        default_device()


@pytest.mark.parametrize("backbone", get_args(Kind))
def test_networks_and_inputs_are_on_one_device_and_results_on_the_cpu(backbone):
    made = BACKBONES[backbone]
    networks = Baseline(made()).eval(), IdentityAware(made()).eval(), Confidence().eval()
    models = Models(*(network.to("meta") for network in networks), backbone)
    assert models.device.type == "meta"
    crops = torch.zeros(ROWS, 3, CROP_PX, CROP_PX, dtype=torch.uint8) if backbone == "image" else None
    with OneDevice():
        found = estimate(models, seen(), crops)
    tensors = {f.name: getattr(found, f.name) for f in fields(Estimate) if isinstance(getattr(found, f.name), torch.Tensor)}
    assert len(tensors) == 8
    assert {name: tensor.device.type for name, tensor in tensors.items()} == dict.fromkeys(tensors, "cpu")


@pytest.mark.parametrize("backbone", get_args(Kind))
def test_inference_in_training_follows_the_model(backbone):
    model = Baseline(BACKBONES[backbone]()).eval().to("meta")
    with OneDevice(), torch.no_grad():
        found = infer(model, dataset(), backbone)
    assert {tensor.device.type for tensor in found} == {"cpu"}


@pytest.mark.parametrize(("system", "variant"), ON_META)
def test_the_networks_of_the_survey_are_on_one_device(system, variant, monkeypatch):
    monkeypatch.setattr(torch, "autocast", lambda *arguments, **options: nullcontext())  # which `meta` does not know
    network = trainings()[system].variants[variant].build().eval().to("meta")
    crops = torch.zeros(ROWS, 3, SMALL_CROP_PX, SMALL_CROP_PX, dtype=torch.uint8) if network.uses_pixels else None
    windows = torch.cat([seen().centre, seen().half[:, None]], 1)
    with OneDevice(), torch.no_grad():
        guess = network(HandBatch(seen().inputs, seen().landmarks, crops, windows).to(torch.device("meta")))
    tensors = [value for value in vars(guess).values() if isinstance(value, torch.Tensor)]
    assert {tensor.device.type for tensor in tensors} == {"meta"}


def test_a_training_step_is_on_one_device():
    backbone = "landmarks"  # the other's step is in mixed precision, which `meta` does not know
    losses = Losses(Config(backbone), dataset(), "meta")
    batch = losses.batches(Schedule(steps=1, batch=ROWS))(0)
    for part, model in (("baseline", Baseline), ("identity", IdentityAware)):
        network = model(BACKBONES[backbone]()).to("meta")
        with OneDevice():
            loss = getattr(losses, part)(network, {name: tensor.to("meta") for name, tensor in batch.items()})
            loss.backward()
        assert {parameter.device.type for parameter in network.parameters() if parameter.grad is not None} == {"meta"}


def test_training_on_another_device_does_not_move_the_shared_hand_model():
    losses = Losses(Config(), dataset(), "meta")
    assert {buffer.device.type for buffer in losses.hands.model.buffers()} == {"meta"}
    assert {buffer.device.type for buffer in load_hand_model("open", "right").buffers()} == {"cpu"}

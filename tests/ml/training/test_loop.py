"""The training loop: an interrupted run is resumed with the same result."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from ml.training import loop
from ml.training.loop import WARM_UP, Schedule, epochs, train


def toy(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Dropout(0.0), nn.Linear(8, 1))


def batches(step: int) -> dict[str, torch.Tensor]:
    x = torch.randn(16, 4, generator=torch.Generator().manual_seed(step))
    return {"x": x, "y": x.sum(1, keepdim=True)}


def loss_of(model: nn.Module, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    return (model(batch["x"]) - batch["y"]).square().mean()


def test_it_learns(tmp_path):
    progress = train(toy(), batches, loss_of, schedule=Schedule(steps=900, batch=16, rate=1e-2), folder=tmp_path)
    assert progress.step == 900
    assert progress.loss < 0.2


class KilledError(Exception):
    """Stands for the end of the process."""


def test_resumed_equals_uninterrupted(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "CHECKPOINT_EVERY", 10)
    schedule = Schedule(steps=60, batch=16, rate=1e-2)
    whole = toy()
    train(whole, batches, loss_of, schedule=schedule, folder=tmp_path / "whole")

    def killed(step: int) -> dict[str, torch.Tensor]:
        if step == 35:
            raise KilledError
        return batches(step)

    with pytest.raises(KilledError):
        train(toy(), killed, loss_of, schedule=schedule, folder=tmp_path / "halves")
    second = toy(seed=5)  # whatever it begins with is overwritten
    train(second, batches, loss_of, schedule=schedule, folder=tmp_path / "halves")
    for name, tensor in whole.state_dict().items():
        torch.testing.assert_close(second.state_dict()[name], tensor, atol=1e-7, rtol=0)


def steps_run(folder, schedule: Schedule, **config) -> list[int]:
    """The steps that a training in this folder takes."""
    seen: list[int] = []

    def counted(step: int) -> dict[str, torch.Tensor]:
        seen.append(step)
        return batches(step)

    train(toy(), counted, loss_of, schedule=schedule, folder=folder, config=config)
    return seen


FINISHED = Schedule(steps=12, batch=16, rate=1e-2)


def test_a_finished_run_of_the_same_configuration_is_not_run_again(tmp_path, capsys):
    assert len(steps_run(tmp_path, FINISHED, clips=(4, 2))) == 12
    assert steps_run(tmp_path, FINISHED, clips=(4, 2)) == []
    assert "starting again" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "config", "says"),
    [
        ({"steps": 8}, {}, "steps: 12, now 8"),
        ({"steps": 20}, {}, "steps: 12, now 20"),
        ({"batch": 8}, {}, "batch: 16, now 8"),
        ({"rate": 2e-2}, {}, "rate: 0.01, now 0.02"),
        ({"seed": 3}, {}, "seed: 0, now 3"),
        ({}, {"clips": 5}, "clips: 4, now 5"),
        ({}, {"baseline": {"steps": 7}}, "baseline: None, now {'steps': 7}"),
    ],
)
def test_a_checkpoint_of_another_configuration_is_not_resumed(tmp_path, capsys, change, config, says):
    steps_run(tmp_path, FINISHED, clips=4)
    other = replace(FINISHED, **change)
    assert steps_run(tmp_path, other, **({"clips": 4} | config)) == list(range(other.steps))
    assert says in capsys.readouterr().out
    assert steps_run(tmp_path, other, **({"clips": 4} | config)) == []


def test_a_checkpoint_without_a_configuration_is_not_resumed(tmp_path, capsys):
    steps_run(tmp_path, FINISHED)
    path = tmp_path / "checkpoint.safetensors"
    save_file(load_file(path), path, metadata={"progress": (tmp_path / "progress.json").read_text()})
    assert len(steps_run(tmp_path, FINISHED)) == 12
    assert "names no configuration" in capsys.readouterr().out


def test_a_nan_loss_stops_the_training(tmp_path):
    with pytest.raises(FloatingPointError, match="step 0"):
        train(toy(), batches, lambda m, b: loss_of(m, b) * float("nan"), schedule=Schedule(10, 16), folder=tmp_path)


def test_every_sample_comes_once_an_epoch():
    indices = epochs(samples=50, batch=10, seed=1)
    first = torch.cat([indices(step) for step in range(5)])
    second = torch.cat([indices(step) for step in range(5, 10)])
    assert sorted(first.tolist()) == list(range(50)) == sorted(second.tolist())
    assert first.tolist() != second.tolist()
    assert indices(3).tolist() == indices(3).tolist()


def test_the_rate_rises_at_first_and_falls_to_a_hundredth():
    schedule = Schedule(steps=10_000, batch=1, rate=1.0)
    rates = [schedule.rate_at(step) for step in range(schedule.steps)]
    assert rates[0] == pytest.approx(1 / WARM_UP)
    assert rates[WARM_UP] == pytest.approx(1.0, abs=0.01)
    assert rates[5000] == pytest.approx(0.505)
    assert rates[-1] == pytest.approx(0.01, abs=1e-4)
    assert rates[WARM_UP:] == sorted(rates[WARM_UP:], reverse=True)

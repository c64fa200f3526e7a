"""The training loop: what a kill interrupts goes on as if nothing had happened."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from ml.training import loop
from ml.training.loop import RISE, Schedule, epochs, train


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


def test_a_loss_that_is_no_number_stops_it(tmp_path):
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
    assert rates[0] == pytest.approx(1 / RISE)
    assert rates[RISE] == pytest.approx(1.0, abs=0.01)
    assert rates[5000] == pytest.approx(0.505)
    assert rates[-1] == pytest.approx(0.01, abs=1e-4)
    assert rates[RISE:] == sorted(rates[RISE:], reverse=True)

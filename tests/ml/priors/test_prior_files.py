"""Files of priors: an invalid file is refused with the reason."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from ml.priors import prior_files
from ml.priors.prior_files import PriorFileError, read_prior, save_prior


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "weights" / "one.safetensors"
    save_prior(nn.Linear(3, 2), path, "toy", {"size": 3})
    return path


def test_it_reads_what_was_written(written):
    tensors, settings = read_prior(written, "toy")
    assert settings == {"size": 3}
    assert {name: t.dtype for name, t in tensors.items()} == {"weight": torch.float32, "bias": torch.float32}
    assert load_file(written)["weight"].dtype == torch.float16


def test_a_missing_file_is_named_with_the_command_that_makes_it(tmp_path):
    with pytest.raises(PriorFileError, match=r"none\.safetensors is missing; `python -m ml\.training\.train_motion_prior`"):
        read_prior(tmp_path / "none.safetensors", "toy")


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_truncated_file_is_damaged(written, share):
    content = written.read_bytes()
    written.write_bytes(content[: int(share * len(content))])
    with pytest.raises(PriorFileError, match="is damaged"):
        read_prior(written, "toy")


def test_another_kind_and_another_version_are_named(written, monkeypatch):
    with pytest.raises(PriorFileError, match="holds 'toy', expected 'other'"):
        read_prior(written, "other")
    monkeypatch.setattr(prior_files, "VERSION", 2)
    with pytest.raises(PriorFileError, match="is of version 1, expected 2"):
        read_prior(written, "toy")


def test_a_file_without_a_header_is_of_another_kind(tmp_path):
    path = tmp_path / "plain.safetensors"
    save_file({"weight": torch.zeros(2)}, path)
    with pytest.raises(PriorFileError, match="another kind"):
        read_prior(path, "toy")

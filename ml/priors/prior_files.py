"""Files of priors: safetensors in half precision, whose header names kind, version and settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

VERSION: Final = 1
"""Of the layout of the files and of what the tensors mean; to be raised when older files would be misread."""


class PriorFileError(RuntimeError):
    """The file of a prior is missing, damaged or of another version."""


def save_prior(module: nn.Module, path: Path, kind: str, settings: dict[str, Any]) -> None:
    """Write a prior's tensors, floating-point ones in half precision, with what it takes to build it again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in module.state_dict().items()}
    header = {"kind": kind, "version": str(VERSION), "settings": json.dumps(settings)}
    temporary = path.with_suffix(".tmp")
    save_file({name: t.half() if t.is_floating_point() else t for name, t in tensors.items()}, temporary, metadata=header)
    temporary.replace(path)


def read_prior(path: Path, kind: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors (single precision) and settings of a file that `save_prior` wrote.

    Raises:
        PriorFileError: missing, damaged, of another kind or version; the message says which, and what makes the file again.
    """
    again = "`python -m ml.training.train_motion_prior` makes it again"
    if not path.is_file():
        raise PriorFileError(f"{path} is missing; {again}")
    try:
        with safe_open(path, framework="pt") as archive:
            header = archive.metadata() or {}
            tensors: dict[str, Tensor] = {name: archive.get_tensor(name) for name in archive.keys()}  # noqa: SIM118
        found = header.get("kind", "another kind"), header.get("version", "unknown")
        settings = json.loads(header.get("settings", "{}"))
    except (SafetensorError, OSError, ValueError) as error:
        raise PriorFileError(f"{path} is damaged ({error}); {again}") from error
    if found[0] != kind:
        raise PriorFileError(f"{path} holds {found[0]!r}, expected {kind!r}; {again}")
    if found[1] != str(VERSION):
        raise PriorFileError(f"{path} is of version {found[1]}, expected {VERSION}; {again}")
    return {name: t.float() if t.dtype == torch.float16 else t for name, t in tensors.items()}, settings

"""Where networks run and are trained: on the first CUDA device if there is one, else on the processor."""

from __future__ import annotations

import os

import torch


def default_device() -> torch.device:
    """`PALMARES_DEVICE` (`cpu`, `cuda`, `cuda:1`, …) where that is set; else CUDA where it is available; else the CPU.

    Raises:
        ValueError: `PALMARES_DEVICE` names no device, one of another kind, or one that this machine does not have.
    """
    wanted = os.environ.get("PALMARES_DEVICE", "").strip()
    try:
        device = torch.device(wanted or ("cuda" if torch.cuda.is_available() else "cpu"))
    except RuntimeError as error:
        raise ValueError(f"PALMARES_DEVICE is {wanted!r}, which is no device; use cpu, cuda or cuda:0") from error
    if device.type not in ("cpu", "cuda"):
        raise ValueError(f"PALMARES_DEVICE is {wanted!r}; use cpu, cuda or cuda:0")
    if device.type == "cuda":
        if (device.index or 0) >= torch.cuda.device_count():
            raise ValueError(f"PALMARES_DEVICE is {wanted!r}; there are {torch.cuda.device_count()} CUDA devices here")
        # results equal to the CPU's matter more than speed: these networks are small
        torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]
    return device

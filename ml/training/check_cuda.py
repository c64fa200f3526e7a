"""Run every method and a short training on CUDA and on the CPU, and compare: `python -m ml.training.check_cuda`.

Exit status: 0 where all agree within the tolerances, 1 where something does not, 2 where this machine has no CUDA device.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, get_args

import numpy as np
import roma
import torch
from torch import nn

from ml.catalog import METHODS
from ml.clip import open_clip
from ml.hand.camera import project
from ml.identity import backbones
from ml.identity.networks import Baseline
from ml.identity.observation import observe, sides
from ml.identity.weights import BACKBONES, Kind
from ml.keypoints.tracks import HandTrack, Keypoints
from ml.methods.interface import Request, load_method
from ml.synthetic.clip_truth import ClipTruth, HandTruth
from ml.synthetic.clips import make_clip, write_clip
from ml.synthetic.subjects import make_subject
from ml.training.loop import Schedule, train
from ml.training.train_kong2022 import Config, Dataset, Losses

FRAMES: Final = 8
STEPS: Final = 5
JOINTS_MM: Final = 0.1
"""Largest distance of a joint between the devices, for methods that only run networks."""
FITTED_MM: Final = 1.0
"""The same for methods that optimise parameters afterwards, where rounding may change the path of the solver."""
LOSS_SHARE: Final = 0.02
"""Largest difference of the training loss, as a share of it: the image backbone is trained in bfloat16."""


def main(arguments: list[str] | None = None) -> int:
    """The command line; devices to compare may be named."""
    devices = (sys.argv[1:] if arguments is None else arguments) or ["cpu", "cuda"]
    if any(torch.device(name).type == "cuda" for name in devices) and not torch.cuda.is_available():
        print("This machine has no CUDA device that PyTorch can use; nothing was checked.")
        return 2
    first, second = devices
    failures = compare_methods(METHODS, first, second) + compare_training(get_args(Kind), first, second)
    print(f"{len(failures)} differences beyond the tolerances" if failures else f"{first} and {second} agree")
    return 1 if failures else 0


def compare_methods(names: Iterable[str], first: str, second: str) -> list[str]:
    """Run methods on a rendered clip with exact keypoints on two devices; the names of those that differ too much."""
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        request = _request(Path(folder))
        for name in names:
            found = []
            for device in (first, second):
                with _devices(device):
                    found.append(load_method(name).estimate(request, lambda stage, fraction: None))
            tolerance = FITTED_MM if METHODS[name].is_optimised else JOINTS_MM
            if not _report(name, joint_difference_mm(found[0].joints, found[1].joints), tolerance, "mm"):
                failures.append(name)
    return failures


def compare_training(backbones: Iterable[Kind], first: str, second: str) -> list[str]:
    """Train baselines for a few steps on two devices; the backbones whose losses differ too much."""
    failures: list[str] = []
    for backbone in backbones:
        losses = [training_loss(backbone, device) for device in (first, second)]
        if not _report(f"training, {backbone}", abs(losses[1] / losses[0] - 1), LOSS_SHARE, "of the loss"):
            failures.append(backbone)
    return failures


def joint_difference_mm(one: np.ndarray, other: np.ndarray) -> float:
    """Largest distance (mm) between joints [N, 21, 3] (m); infinite where their numbers differ or one is not finite."""
    if one.shape != other.shape or not (np.isfinite(one).all() and np.isfinite(other).all()):
        return float("inf")
    return 1000 * float(np.linalg.norm(one - other, axis=-1).max(initial=0.0))


def training_loss(backbone: Kind, device: str) -> float:
    """The smoothed loss after a few steps on rendered hands, without dropout, whose random numbers differ between devices."""
    truth = make_clip(1, make_subject(0, "train", 0), seconds=FRAMES / 30).truth
    schedule = Schedule(steps=STEPS, batch=FRAMES, rate=1e-3)
    losses = Losses(Config(backbone, baseline=schedule), _dataset(truth), device)
    torch.manual_seed(0)
    model = Baseline(BACKBONES[backbone]())
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    with tempfile.TemporaryDirectory() as folder:
        done = train(
            model, losses.batches(schedule), losses.baseline, schedule=schedule, folder=Path(folder) / "run", device=device
        )
    return done.loss


def _dataset(truth: ClipTruth) -> Dataset:
    (hand,) = truth.hands
    pixels, world = map(torch.as_tensor, _seen(hand, truth.intrinsics))
    seen = observe(pixels, world, torch.as_tensor(truth.intrinsics, dtype=torch.float32), sides(hand.side, len(pixels)))
    rotations = seen.from_camera(roma.rotvec_to_rotmat(torch.as_tensor(hand.pose)))
    crops = torch.randint(256, (len(pixels), 3, 112, 112), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    betas = torch.as_tensor(hand.betas, dtype=torch.float32).expand(len(pixels), 10)
    return Dataset(seen, crops, seen.in_crop(torch.as_tensor(hand.joints)), rotations, betas)


def _request(folder: Path) -> Request:
    clip = make_clip(1, make_subject(0, "test", 0), seconds=FRAMES / 30, width=320, height=240, hands=("left", "right"))
    write_clip(clip, folder)
    truth = clip.truth
    frames = np.arange(FRAMES, dtype=np.int32)
    tracks = tuple(
        HandTrack(number, hand.side, frames, *_seen(hand, truth.intrinsics), np.ones(FRAMES, np.float32))
        for number, hand in enumerate(truth.hands)
    )
    keypoints = Keypoints(tracks, FRAMES, truth.fps, truth.width, truth.height)
    return Request(open_clip(folder / "video.mp4"), keypoints, truth.intrinsics.astype(np.float32))


def _seen(hand: HandTruth, intrinsics: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Keypoints as an exact detector gives them: pixels [n, 21, 2] and world landmarks [n, 21, 3]."""
    pixels = project(torch.as_tensor(hand.joints), torch.as_tensor(intrinsics, dtype=torch.float32)).numpy()
    return pixels.astype(np.float32), (hand.joints - hand.joints.mean(1, keepdims=True)).astype(np.float32)


@contextmanager
def _devices(name: str) -> Iterator[None]:
    """`ml.device.default_device` is `name` meanwhile, and networks run in float32 on either."""
    before, half = os.environ.get("PALMARES_DEVICE"), backbones.HALF_ON_CPU
    os.environ["PALMARES_DEVICE"], backbones.HALF_ON_CPU = name, False  # type: ignore[misc]
    try:
        yield
    finally:
        backbones.HALF_ON_CPU = half  # type: ignore[misc]
        os.environ.pop("PALMARES_DEVICE")
        if before is not None:
            os.environ["PALMARES_DEVICE"] = before


def _report(what: str, difference: float, tolerance: float, unit: str) -> bool:
    agrees = difference <= tolerance
    print(f"{'ok  ' if agrees else 'FAIL'} {what}: {difference:.2g} {unit}, at most {tolerance:g} allowed", flush=True)
    return agrees


if __name__ == "__main__":
    raise SystemExit(main())

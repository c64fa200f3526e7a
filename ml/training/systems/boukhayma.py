"""Training of `boukhayma2019`, and its study: the order of the paper's three inputs, and how much six pose components cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from ml.clip import Clip
from ml.hand.model import load_hand_model
from ml.identity.observation import MARGIN
from ml.keypoints.tracks import HandTrack, Keypoints
from ml.methods.fit2d import Fit2D
from ml.methods.interface import Request
from ml.networks.hand_batch import HandBatch, HandGuess, HandNetwork
from ml.networks.network_files import load_network_file, weights_path
from ml.networks.parameter_regressor import (
    CropAndMapRegressor,
    CropRegressor,
    MapRegressor,
    ParameterRegressor,
    RegressedHands,
    projected,
)
from ml.training.loop import Batch, Schedule
from ml.training.survey_data import SurveyData
from ml.training.system_training import PYRAMID, SystemTraining, VariantTraining, errors_of, fitted, guesses

WEIGHTS: Final = {"points": 10.0, "joints": 100.0, "mask": 1.0, "regularisation": 0.01}
"""Of the terms: points in half crops, joints in metres, the share of vertices outside the silhouette, squared parameters."""
MASK_HANDS: Final = 32
"""Hands of a batch whose meshes are compared with their silhouettes, by every fourth vertex."""
LANDMARK_NOISE: Final = 0.012
"""Standard deviation, in half crops, of the noise added to each detected 2D joint."""


def loss(network: HandNetwork, batch: Batch) -> Tensor:
    """2D and 3D joints, silhouette and regularisation, weighted by `WEIGHTS`."""
    assert isinstance(network, ParameterRegressor)
    seen = HandBatch.of(batch)
    moved = seen.landmarks + LANDMARK_NOISE * torch.randn_like(seen.landmarks)
    found = network.decoded(network.encoded(replace(seen, landmarks=moved)))
    model = load_hand_model("open", "right", device=moved.device)
    joints = model.joints(found.rotations, found.betas, moved.new_zeros(3))
    joints = joints - joints[:, :1]
    terms = {
        "points": (projected(found.camera, joints) - batch["points"]).abs().mean(),
        "joints": (joints - batch["joints"]).abs().mean(),
        "mask": _share_outside(found, batch["silhouettes"]),
        "regularisation": found.pose.square().mean() + found.betas.square().mean(),
    }
    return torch.stack([WEIGHTS[name] * term for name, term in terms.items()]).sum()


def _share_outside(found: RegressedHands, silhouettes: Tensor) -> Tensor:
    """Share of the vertices that are projected outside the silhouette, of some hands of the batch."""
    some = slice(MASK_HANDS)
    model = load_hand_model("open", "right", device=silhouettes.device)
    surface = model(found.rotations[some], found.betas[some], silhouettes.new_zeros(3))
    places = projected(found.camera[some], (surface.vertices - surface.joints[:, :1])[:, ::4])
    inside = grid_sample(silhouettes[some, None], places[:, None], mode="bilinear", align_corners=False)
    return 1 - inside.mean()


def _training(
    build: Callable[[], HandNetwork], schedule: Schedule, *, pixels: bool = False, **settings: Any
) -> VariantTraining:
    told = {"weights": WEIGHTS, "landmark_noise": LANDMARK_NOISE, **settings}
    return VariantTraining(build, loss, schedule, depths=True, pyramid=PYRAMID if pixels else None, settings=told)


def study(data: SurveyData, held_out: SurveyData, folder: Path) -> dict[str, Any]:
    """The three inputs beside `2d-fit`, and networks on 2D joints with other parts, trained for a quarter of the time."""
    inputs = {}
    for name, variant in TRAINING.variants.items():
        network = load_network_file(variant.build(), weights_path(TRAINING.name, name))
        guess = guesses(network, held_out)
        assert guess.landmarks is not None
        inputs[name] = errors_of(guess, held_out) | {"2d_percent": miss_of(guess.landmarks, held_out)}
    inputs["2d-fit"] = fit_errors(held_out)
    parts = {}
    for name, build in _PARTS.items():
        network, _ = fitted(_training(build, SHORT, part=name), data, folder / name)
        parts[name] = errors_of(guesses(network, held_out), held_out)
    return {"validation_samples": len(held_out), "inputs": inputs, "parts": {"steps": SHORT.steps, "errors": parts}}


def miss_of(landmarks: Tensor, data: SurveyData) -> float:
    """Mean distance of 2D joints [n, 21, 2] in the crops from the true ones, in % of the hand's box."""
    apart = (landmarks - data.data.joints).norm(dim=-1).mean()
    return round(100 * float(apart) * MARGIN / 2, 3)


def fit_errors(data: SurveyData) -> dict[str, float]:
    """`errors_of` and `miss_of` the method `2d-fit`, which sees all hands as images of one camera, that of their crops."""
    seen, count, focal, side = data.data.seen, len(data), 1000.0, 1000
    rays = seen.centre[:, None] + seen.half[:, None, None] * seen.landmarks
    camera = np.array([[focal, 0, side / 2], [0, focal, side / 2], [0, 0, 1]], np.float32)
    pixels = (rays * focal + side / 2).numpy()
    track = HandTrack(0, "right", np.arange(count, dtype=np.int32), pixels, seen.world.numpy(), np.ones(count, np.float32))
    clip = Clip(Path("validation"), "images", fps=1.0, frame_count=count, width=side, height=side)
    request = Request(clip, Keypoints((track,), count, 1.0, side, side), camera, independent=True, intrinsics_known=True)
    found = torch.as_tensor(Fit2D().estimate(request, lambda stage, fraction: None).joints)
    landmarks = (found[..., :2] / found[..., 2:] - seen.centre[:, None]) / seen.half[:, None, None]
    return errors_of(HandGuess(joints=found - found[:, :1], is_metric=True), data) | {"2d_percent": miss_of(landmarks, data)}


SHORT: Final = Schedule(steps=150, batch=256, rate=1e-3)
_PARTS: Final[dict[str, Callable[[], HandNetwork]]] = {
    "6 components": MapRegressor,
    "45 components": partial(MapRegressor, 45),
    "maps without coordinates": partial(MapRegressor, with_coordinates=False),
}
TRAINING: Final = SystemTraining(
    name="boukhayma2019",
    variants={
        "2d": _training(MapRegressor, Schedule(steps=900, batch=256, rate=1e-3)),
        "rgb": _training(CropRegressor, Schedule(steps=700, batch=64, rate=1e-3), pixels=True),
        "rgb+2d": _training(CropAndMapRegressor, Schedule(steps=700, batch=64, rate=1e-3), pixels=True),
    },
    study=study,
    losses="L1 of 2D joints 10 (half crops), L1 of 3D joints 100 (m), share of vertices outside the silhouette 1, "
    "squared pose coefficients and shape 0.01",
)

"""`2d-fit`'s solver against Adam on the same objective, and every method against the demo's truth."""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import roma
import torch

from ml.catalog import METHODS
from ml.clip import open_clip
from ml.fitting.clip_fit import with_shape_weight
from ml.fitting.kinematics import Kinematics
from ml.fitting.solver import Parameters, Problem
from ml.formats.prediction import PredictionArrays
from ml.hand.camera import default_intrinsics
from ml.hand.model import load_hand_model
from ml.keypoints.detector import detect
from ml.methods.fit2d import prepare, solve_clip
from ml.methods.interface import Request, load_method
from ml.metrics.no_truth import series
from ml.synthetic.demo_clips import write_demo_clips

ADAM_STEPS = 400
ADAM_RATE = 0.02


def rows() -> list[tuple[str, str, str]]:
    """(what, measured, target)."""
    with TemporaryDirectory() as folder:
        write_demo_clips(Path(folder))
        found: list[tuple[str, str, str]] = []
        for who in ("ada", "ben"):
            clip = open_clip(f"{folder}/{who}/video.mp4")
            keypoints = detect(clip, progress=lambda stage, fraction: None)
            request = Request(clip, keypoints, default_intrinsics(clip.width, clip.height))
            truth = PredictionArrays.load(f"{folder}/{who}/truth.npz")
            for method in METHODS:
                found.append(_against_truth(who, method, request, truth))
            if who == "ben":
                found += _against_adam(request)
    return found


def _against_truth(who: str, method: str, request: Request, truth: PredictionArrays) -> tuple[str, str, str]:
    prediction = load_method(method).estimate(request, lambda stage, fraction: None)
    where = {(f, s): row for row, (f, s) in enumerate(zip(truth.frame, truth.side, strict=True))}
    pairs = [(i, where[key]) for i, key in enumerate(zip(prediction.frame, prediction.side, strict=True)) if key in where]
    mine, theirs = np.array(pairs).T
    hands = series(prediction, request.keypoints)["hands"]
    values = [value for hand in hands for value in hand["values"]["reprojection"] if value is not None]
    aligned = _procrustes_mm(prediction.joints[mine], truth.joints[theirs])
    target = "≤ 4 px" if method == "2d-fit" else ""
    return f"demo “{who}”, {method}: PA-MPJPE, median reprojection", f"{aligned:.2f} mm, {np.median(values):.2f} px", target


def _procrustes_mm(joints: np.ndarray, truth: np.ndarray) -> float:
    a, b = (torch.as_tensor(x - x.mean(1, keepdims=True)).double() for x in (joints, truth))
    rotation, scale = roma.special_procrustes(b.mT @ a, return_singular_values=True)
    factor = scale.sum(-1) / a.square().sum((1, 2))
    return float(1000 * (factor[:, None, None] * (a @ rotation.mT) - b).norm(dim=-1).mean())


def _against_adam(request: Request) -> list[tuple[str, str, str]]:
    track = request.keypoints.tracks[0]
    kinematics = Kinematics(load_hand_model("open", track.side))
    with torch.no_grad():
        problem, start = prepare(request, track, kinematics)
        frames = torch.arange(min(128, len(track.frames)))
        problem, start = problem.rows(frames), start.rows(frames)
        solve_clip(problem, start)  # warm
        began = time.perf_counter()
        solved = solve_clip(problem, start)
        ours = time.perf_counter() - began
    began = time.perf_counter()
    adam = _adam(problem, start)
    theirs = time.perf_counter() - began
    weighed = with_shape_weight(problem)
    loss = f"{weighed.total(solved):.0f} against {weighed.total(adam):.0f}"
    return [
        ("2d-fit, 128 frames: faster than Adam (400 steps)", f"{theirs / ours:.1f} × ({ours:.2f} s, {theirs:.1f} s)", "≥ 10 ×"),
        ("2d-fit, 128 frames: loss against Adam's", loss, "≤ Adam's"),
    ]


def _adam(problem: Problem, start: Parameters) -> Parameters:
    weighed = with_shape_weight(problem)
    turn = torch.zeros(len(problem.pixels), 3)
    free = [t.clone().requires_grad_() for t in (start.angles, turn, start.translation, start.betas)]
    optimiser = torch.optim.Adam(free, lr=ADAM_RATE)

    def parameters() -> Parameters:
        return Parameters(free[0], roma.rotvec_to_rotmat(free[1]) @ start.root, free[2], free[3])

    for _ in range(ADAM_STEPS):
        optimiser.zero_grad()
        frames, shape = weighed.costs(parameters())
        (frames.sum() + shape.sum()).backward()
        optimiser.step()
    with torch.no_grad():
        return parameters()

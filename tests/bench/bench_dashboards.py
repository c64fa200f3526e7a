"""A dashboard over 40 uploads × 8 methods × 1000 frames, all scored against ground truth: its page, and each panel's data."""

from __future__ import annotations

import gc
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ml.fitting.kinematics import ANGLE_COUNT, Kinematics
from ml.formats.prediction import PredictionArrays
from ml.hand.camera import default_intrinsics
from ml.hand.model import load_hand_model
from ml.metrics.run_scores import score_run
from ml.synthetic.hand_motion import joint_motion
from tests.bench.bench_pages import p95
from tests.bench.django_database import django_database

UPLOADS, FRAMES = 40, 1000
METHODS = ("hmp2024", "fused-fit", "mediapipe-ik", "2d-fit", "kong2022", "kong2022-opt", "zhou2020", "cai2018")
PANELS: dict[str, dict[str, Any]] = {
    "metrics": {"metric": "pa_mpjpe"}, "scatter": {"x": "jitter", "y": "pa_mpjpe"}, "smooth": {}, "joints": {}, "slices": {},
    "failures": {},
}  # fmt: skip
"""Those that show runs; options that differ from the usual ones."""


def rows() -> list[tuple[str, str, str]]:
    """(what, measured, target)."""
    contents = _scored()
    with django_database():
        return _measured(contents)


def _scored() -> list[dict[str, Any]]:
    """The content of a score of each method, as a worker stores it."""
    angles = joint_motion(np.random.default_rng(0), "grasp", np.arange(FRAMES) / 30)
    kinematics = Kinematics(load_hand_model("open", "right"))
    pose = torch.as_tensor(angles[:, 1:].reshape(FRAMES, ANGLE_COUNT)).float()
    place = torch.tensor([0.0, 0.0, 0.5]).expand(FRAMES, 3)
    joints = kinematics.joints(pose, torch.eye(3).expand(FRAMES, 3, 3), place, torch.zeros(1, 10)).numpy()
    frames = np.arange(FRAMES, dtype=np.int32)
    truth = PredictionArrays(
        frame=frames, track=0 * frames, side=np.ones(FRAMES, np.int8), score=np.ones(FRAMES, np.float32), joints=joints,
        intrinsics=default_intrinsics(640, 480), meta={"fps": 30.0},
    )  # fmt: skip
    found = []
    with tempfile.TemporaryDirectory() as folder:
        true, guess = Path(folder) / "truth.npz", Path(folder) / "prediction.npz"
        truth.save(true)
        for number, method in enumerate(METHODS):
            noise = np.random.default_rng(number).normal(0, 0.003 + 0.001 * number, joints.shape)
            replace(truth, joints=(joints + noise).astype(np.float32)).save(guess)
            found.append(score_run(true, guess, name=method).content)
    return found


def _measured(contents: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    from django.test import Client  # noqa: PLC0415

    from palmares.dashboards.content import OPTIONS, below, new_panel  # noqa: PLC0415
    from palmares.dashboards.services import create_dashboard  # noqa: PLC0415
    from palmares.runs.models import Prediction, RunScore  # noqa: PLC0415
    from palmares.uploads.models import GroundTruth  # noqa: PLC0415
    from tests.factories import MembershipFactory, RunFactory, SubjectFactory, UploadFactory  # noqa: PLC0415

    member = MembershipFactory(role="owner")
    subject = SubjectFactory(team=member.team)
    for n in range(UPLOADS):
        upload = UploadFactory(subject=subject, name=f"clip {n}.mp4")
        truth = GroundTruth.objects.create(upload=upload, status="succeeded")
        for method, content in zip(METHODS, contents, strict=True):
            run = RunFactory(upload=upload, method=method, status="succeeded")
            about = {"sha256": "1" * 64, "size_bytes": 1, "rows": FRAMES, "hand_model": "open"}
            summary = {"reprojection": 1.0 + n / UPLOADS, "jitter": 2.0 + n / UPLOADS}
            run.prediction = Prediction.objects.create(folder=f"runs/{run.pk}/1", summary=summary, **about)
            run.save()
            RunScore.objects.create(run=run, truth=truth, content=content, folder="x", status="succeeded")
    panels: list[dict[str, Any]] = []
    for kind, options in PANELS.items():
        panels.append(new_panel(kind, {**OPTIONS[kind], **options}, y=below(panels)))
    made = create_dashboard(team=member.team, name="Bench", by=member.user, content={"panels": panels})
    gc.collect()
    gc.freeze()
    client = Client()
    client.force_login(member.user)
    size = f"{UPLOADS} uploads × {len(METHODS)} methods × {FRAMES} frames"
    found = [(f"page of a dashboard, {size}: p95", f"{p95(client, f'/dashboards/{made.pk}/'):.0f} ms", "< 150 ms")]
    for panel in panels:
        spent = p95(client, f"/dashboards/{made.pk}/panels/{panel['id']}/")
        found.append((f"panel “{panel['kind']}” of it: p95", f"{spent:.0f} ms", "< 300 ms"))
    return found

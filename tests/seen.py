"""Uploads in which hands were found, as a perfect detector sees them."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import roma
import torch

from ml.clip.encode import web_video
from ml.hand.camera import default_intrinsics, project
from ml.hand.model import load_hand_model
from ml.hand.skeleton import Side
from ml.keypoints.tracks import HandTrack, Keypoints
from ml.synthetic.clips import Look, make_clip
from ml.synthetic.subjects import make_subject
from palmares.uploads.models import Upload
from tests.factories import SubjectFactory, UploadFactory

FRAMES = 40


def seen_hand(track: int, side: Side, frames: int = FRAMES, seed: int = 0) -> HandTrack:
    """A hand that moves half a metre away, as a perfect detector sees it."""
    generator = torch.Generator().manual_seed(seed)
    model = load_hand_model("open", side)
    pose = 0.25 * torch.randn(frames, 16, 3, generator=generator)
    place = torch.tensor([0.0, 0.0, 0.5]) + 0.02 * torch.randn(frames, 3, generator=generator)
    joints = model.joints(roma.rotvec_to_rotmat(pose), torch.zeros(1, 10), place).numpy()
    scale, centre = default_intrinsics(320, 240)[[0, 1], [0, 1]], default_intrinsics(320, 240)[:2, 2]
    pixels = joints[..., :2] / joints[..., 2:] * scale + centre
    world = joints - joints.mean(1, keepdims=True)
    return HandTrack(
        track, side, np.arange(frames, dtype=np.int32), pixels.astype(np.float32), world.astype(np.float32),
        np.ones(frames, np.float32),
    )  # fmt: skip


@pytest.fixture
def upload_with(media_root: Path):
    """A ready upload in which these hands were found."""
    subject = None

    def make(*tracks: HandTrack, camera: bool = False) -> Upload:
        nonlocal subject
        subject = subject or SubjectFactory()
        upload = UploadFactory(subject=subject, name="hands.mp4", width=320, height=240, frame_count=FRAMES)
        upload.folder = f"uploads/{upload.pk}/web-test"
        if camera:
            upload.intrinsics = default_intrinsics(320, 240).ravel().tolist()
        upload.save()
        folder = media_root / upload.folder
        folder.mkdir(parents=True)
        with web_video(folder / "web.mp4", Fraction(30), (320, 240)) as writer:
            for _ in range(FRAMES):
                writer.write(np.full((240, 320, 3), 128, np.uint8))
        Keypoints(tracks, FRAMES, 30.0, 320, 240).save(folder / "keypoints.npz")
        return upload

    return make


def write_missed_hand(upload: Upload, media_root: Path) -> tuple[np.ndarray, dict[str, float | str]]:
    """Put a small right hand into an upload's clip, which its keypoints do not have.

    Returns:
        Its joints in the image [FRAMES, 21, 2], px, and the box about it in frame 2.
    """
    made = make_clip(
        2, make_subject(2, "test", 2), seconds=FRAMES / 30, width=320, height=240, hands=("right",), look=Look(distance=1.5)
    )
    with web_video(media_root / upload.folder / "web.mp4", Fraction(30), (320, 240)) as writer:
        for image in made.frames():
            writer.write(image)
    truth = project(made.truth.hands[0].joints, made.truth.intrinsics)
    low, size = truth[2].min(0), np.ptp(truth[2], axis=0)
    return truth, {"x": low[0], "y": low[1], "width": size[0], "height": size[1], "side": "right"}

"""The converter in `docs/external-methods.md` works as printed, and what it writes is read."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from ml.intake.reading import read_attached
from tests.attachments import CLIP, FRAMES, meshes

DOCUMENT = (Path(__file__).parents[2] / "docs/external-methods.md").read_text()


def script() -> str:
    (found,) = [block for block in re.findall(r"```python\n(.*?)```", DOCUMENT, re.DOTALL) if "torch.load" in block]
    return found


def test_the_converter_has_at_most_24_lines():
    assert len([line for line in script().splitlines() if line.strip()]) <= 24


@pytest.mark.parametrize("matrices", [True, False])
def test_dictionaries_of_both_hands_become_a_prediction(tmp_path, matrices):
    given, mirror = meshes(), torch.tensor([-1.0, 1, 1])
    centre = torch.as_tensor(given.joints[:, 9])
    rows = []
    for frame in range(FRAMES):
        right = frame % 2 == 0
        relative = torch.as_tensor(given.joints[frame]) - centre[frame]
        vertices = torch.as_tensor(given.vertices[frame, :778]) - centre[frame]
        rows.append({
            "frame": frame, "is_right": torch.tensor([float(right)]), "cam_t": centre[frame][None],
            "focal_length": torch.tensor(float(CLIP.camera[0, 0])),
            "global_orient": torch.eye(3)[None, None] if matrices else torch.zeros(1, 3),
            "hand_pose": torch.eye(3).expand(1, 15, 3, 3) if matrices else torch.zeros(1, 45), "betas": torch.zeros(1, 10),
            "joints": relative if right else relative * mirror, "vertices": vertices if right else vertices * mirror,
        })  # fmt: skip
    torch.save(rows, tmp_path / "theirs.pt")
    command = [sys.executable, "-c", script(), str(tmp_path / "theirs.pt"), str(tmp_path / "ours.npz")]
    subprocess.run(command, check=True, timeout=250)
    found = read_attached("prediction", tmp_path / "ours.npz", "mano", CLIP, called="ours.npz", side="right").prediction
    np.testing.assert_allclose(found.joints, given.joints, atol=1e-5)
    np.testing.assert_allclose(found.vertices, given.vertices[:, :778], atol=1e-5)
    assert found.side.tolist() == [1, 0] * (FRAMES // 2)

"""The comparison of devices, on the only device that is sure to be there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ml.training.check_cuda import compare_methods, compare_training, joint_difference_mm, main


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_it_says_plainly_that_there_is_no_cuda(capsys):
    assert main([]) == 2
    assert "no CUDA device" in capsys.readouterr().out


def test_one_device_agrees_with_itself(capsys):
    assert compare_methods(["kong2022-image"], "cpu", "cpu") == []
    assert compare_training(["landmarks"], "cpu", "cpu") == []
    assert capsys.readouterr().out.count("ok  ") == 2


def test_differences_are_found():
    joints = np.zeros((4, 21, 3), np.float32)
    moved = joints.copy()
    moved[2, 5, 1] = 0.0015
    assert joint_difference_mm(joints, moved) == pytest.approx(1.5)
    moved[0, 0, 0] = np.nan
    assert joint_difference_mm(joints, moved) == joint_difference_mm(joints, joints[:3]) == np.inf

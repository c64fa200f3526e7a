"""Zimmermann and Brox, *Learning to Estimate 3D Hand Pose from Single RGB Images*, ICCV 2017, on keypoints or on pixels."""

from __future__ import annotations

from ml.methods.network_method import NetworkMethod
from ml.networks.pose_prior import KeypointPosePrior, PixelPosePrior


def zimmermann2017() -> NetworkMethod:
    """PosePrior on the detector's 2D joints, or the whole chain from pixels."""
    return NetworkMethod("zimmermann2017", {"keypoints": KeypointPosePrior, "pixels": PixelPosePrior})

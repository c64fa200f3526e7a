"""Cai et al., *Weakly-supervised 3D Hand Pose Estimation from Monocular RGB Images*, ECCV 2018, on keypoints or on pixels."""

from __future__ import annotations

from ml.methods.network_method import NetworkMethod
from ml.networks.depth_regulariser import KeypointDepth, PixelDepth


def cai2018() -> NetworkMethod:
    """Depths of the detector's 2D joints, or of joints found in pixels, back-projected."""
    return NetworkMethod("cai2018", {"keypoints": KeypointDepth, "pixels": PixelDepth})

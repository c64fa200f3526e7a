"""`ge2019`: a mesh from graph convolutions, Ge et al., CVPR 2019, with joints from the mesh and no pose."""

from __future__ import annotations

from ml.methods.network_method import NetworkMethod
from ml.networks.mesh_graph import KeypointGraph, PixelGraph


def ge2019() -> NetworkMethod:
    """The method."""
    return NetworkMethod("ge2019", {"keypoints": KeypointGraph, "pixels": PixelGraph})

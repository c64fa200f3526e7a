"""`boukhayma2019`: parameters of the hand model from one encoder, Boukhayma et al., CVPR 2019.

`2d`, the default on users' clips, sees the detector's 2D joints alone, so that it does not depend on how skin is rendered.
"""

from __future__ import annotations

from ml.methods.network_method import NetworkMethod
from ml.networks.parameter_regressor import CropAndMapRegressor, CropRegressor, MapRegressor


def boukhayma2019() -> NetworkMethod:
    """The method."""
    return NetworkMethod("boukhayma2019", {"2d": MapRegressor, "rgb": CropRegressor, "rgb+2d": CropAndMapRegressor})

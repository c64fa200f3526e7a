"""The focal length of an unknown camera, from how near a hand can plausibly be.

An assumed field of view that is too wide puts hands too near, and a hand that is too near bends its fingertips towards the
camera. A focal length that is too long does little harm. So the assumed one is lengthened until hands are no nearer than
people hold them.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

LEAST_DISTANCE: Final = 0.45
"""Metres: the nearest that a hand plausibly is in most frames."""
_NEAR_QUANTILE: Final = 0.1
"""Quantile over all hands and frames that must be that far: a hand may reach for the camera now and then."""
_LONGEST: Final = 8.0
"""Most that the focal length is multiplied by: small images of large hands are cut-outs, not telephotos."""


def plausible_intrinsics(intrinsics: Tensor, depths: Tensor) -> Tensor:
    """Intrinsics [3, 3] (px) under which hands are at a plausible distance.

    Args:
        intrinsics: [3, 3], px, assumed.
        depths: [n], m, of all hands under them; they grow with the focal length.
    """
    if not len(depths):
        return intrinsics
    near = float(torch.quantile(depths, _NEAR_QUANTILE))
    factor = min(max(LEAST_DISTANCE / max(near, 1e-3), 1.0), _LONGEST)
    longer = intrinsics.clone()
    longer[0, 0] *= factor
    longer[1, 1] *= factor
    return longer

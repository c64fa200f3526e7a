"""How large a hand is.

Both sizes are of the flat rest pose, between joints of the model:

- *length*: straight from the wrist joint to the end of the middle finger (a vertex of the skin);
- *width*: straight from the MCP joint of the index finger to that of the little finger. It runs between the centres of the
  knuckles, so it is some 20 mm less than the breadth of the palm with its flesh.

A ruler's hand length (wrist crease to fingertip) is within millimetres of the first; Kong et al., ECCV 2022, report length
and width errors without saying which landmarks they took.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from ml.hand.model import HandModel


class HandSize(NamedTuple):
    """`length` [B] and `width` [B], metres."""

    length: Tensor
    width: Tensor


def measure_hand(model: HandModel, betas: Tensor) -> HandSize:
    """Length and width for betas [B, 10] (or [10]: B = 1), differentiable."""
    joints = model.rest_joints(betas)
    return HandSize((model.rest_end(betas) - joints[:, 0]).norm(dim=-1), (joints[:, 5] - joints[:, 17]).norm(dim=-1))

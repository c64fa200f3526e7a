"""Both stages as published: 400 steps of Adam each, the rate times 0.7 every 200, the norm of all gradients at most 5."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

import roma
import torch
from torch import Tensor

from ml.hmp.terms import MotionProblem, MotionState

STEPS: Final = 400
RATE: Final = 0.05
DECAY_EVERY: Final = 200
DECAY: Final = 0.7
MAX_NORM: Final = 5.0
_RESTARTS: Final = 4


def adam(
    problem: MotionProblem,
    start: MotionState,
    watch: Callable[[int, MotionState], None] = lambda step, state: None,
    *,
    steps: int = STEPS,
) -> MotionState:
    """Minimise from `start`; where the loss becomes no number, once more from there at half the rate.

    Raises:
        FloatingPointError: it does so at a sixteenth of the rate as well.
    """
    for halvings in range(_RESTARTS + 1):
        found = _minimised(problem, start, watch, steps, RATE / 2**halvings)
        if found is not None:
            return found
    raise FloatingPointError("the loss of the motion fit became NaN even at a sixteenth of the learning rate")


@torch.enable_grad()
def _minimised(
    problem: MotionProblem, start: MotionState, watch: Callable[[int, MotionState], None], steps: int, rate: float
) -> MotionState | None:
    turn = torch.zeros_like(start.translation, requires_grad=True)
    moved = start.translation.clone().requires_grad_()
    unknowns = [turn, moved]
    z = start.z
    first = torch.stack([(problem.hand == hand).int().argmax() for hand in range(int(problem.hand.max()) + 1)])
    betas = start.betas[first].clone()
    if not problem.shape_known:
        unknowns.append(betas.requires_grad_())
    if problem.is_second:
        z = z.clone().requires_grad_()
        unknowns.append(z)
    optimiser = torch.optim.Adam(unknowns, lr=rate)
    schedule = torch.optim.lr_scheduler.StepLR(optimiser, DECAY_EVERY, DECAY)

    def state() -> MotionState:
        return MotionState(roma.rotvec_to_rotmat(turn) @ start.root, moved, betas[problem.hand], z)

    for step in range(steps):
        optimiser.zero_grad(set_to_none=True)
        loss: Tensor = problem.total(state()).sum()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(unknowns, MAX_NORM)
        if not torch.isfinite(loss + norm):
            return None
        optimiser.step()
        schedule.step()
        if step % 20 == 19:
            watch(step, _detached(state()))
    return _detached(state())


def _detached(state: MotionState) -> MotionState:
    return replace(
        state,
        root=state.root.detach(),
        translation=state.translation.detach(),
        betas=state.betas.detach(),
        z=state.z.detach(),
    )

"""Processes that end when the one that started them ends, even by SIGKILL."""

from __future__ import annotations

import ctypes
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def die_with_parent(number: signal.Signals) -> Callable[[], None]:
    """For `subprocess.Popen(preexec_fn=…)`, or to be called by the child itself: be sent a signal when the parent is gone.

    Only Linux can do this; elsewhere it does nothing. The C library is loaded here, before any fork.
    """
    if sys.platform != "linux":
        return lambda: None
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, int(number)) and None

"""How each of the survey's systems is trained: one module a system, which holds its `TRAINING`.

`training_of` finds them by name, so a further system is a method (`ml.methods`), a module here, and a page in the docs.
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from ml.training.system_training import SystemTraining


def trainings() -> dict[str, SystemTraining]:
    """All systems by name."""
    found = [import_module(f"{__name__}.{module.name}").TRAINING for module in iter_modules(__path__)]
    return {training.name: training for training in found}


def training_of(system: str) -> SystemTraining:
    """The training of one system.

    Raises:
        KeyError: no such system; the message lists those there are.
    """
    known = trainings()
    if system not in known:
        raise KeyError(f"no system {system!r}; there are {', '.join(known)}")
    return known[system]

"""What every method takes and gives, and the registry that finds one by name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Protocol

import numpy as np

from ml import catalog
from ml.clip import Clip
from ml.formats.prediction import PredictionArrays
from ml.hand.skeleton import Side
from ml.keypoints.tracks import Keypoints
from ml.progress import ProgressCallback


class UnsupportedModelError(ValueError):
    """A method cannot work with the hand model asked for; the message says why."""


@dataclass(frozen=True)
class Request:
    """One piece of work for a method.

    Attributes:
        clip: the images.
        keypoints: found in them beforehand, so that several methods share one detection.
        intrinsics: float32 [3, 3], pixels.
        intrinsics_known: they were given; else they are only assumed, and a method may choose a better focal length.
        hand_model: `open` or `mano`: the model to pose.
        betas: a known shape [10] for each side, which the method then keeps fixed; a side not named is estimated.
        independent: the images are no sequence: nothing may be smoothed or shared over time.
        start: hands that another method found in the clip, for methods that refine; None: they find their own start.
        options: of the method, by name; checked by it.
    """

    clip: Clip
    keypoints: Keypoints
    intrinsics: np.ndarray
    hand_model: str = "open"
    betas: Mapping[Side, np.ndarray] = field(default_factory=dict)
    independent: bool = False
    intrinsics_known: bool = False
    start: PredictionArrays | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


class Method(Protocol):
    """A system that finds hands. Deterministic: the same request on one machine gives the same prediction."""

    def estimate(self, request: Request, progress: ProgressCallback) -> PredictionArrays:
        """Find the hands of a clip; rows only for frames in which the method has an answer."""
        ...


def load_method(name: str) -> Method:
    """The method registered in `ml.catalog` under this name.

    Raises:
        KeyError: no such method; the message lists those there are.
    """
    if name not in catalog.METHODS:
        raise KeyError(f"no method {name!r}; there are {', '.join(catalog.METHODS)}")
    module, _, attribute = catalog.METHODS[name].implementation.partition(":")
    method: Method = getattr(import_module(module), attribute)()
    return method

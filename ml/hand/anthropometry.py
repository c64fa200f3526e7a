"""Published sizes of adult hands, which the population behind the open hand's shape space follows.

- Hand length (wrist crease to the tip of the middle finger) and hand breadth (across the knuckles of index and little finger,
  with the flesh): Gordon et al., *1988 Anthropometric Survey of U.S. Army Personnel: Methods and Summary Statistics*,
  NATICK/TR-89/044, 1989.
- Their correlation within a sex, .5, is rounded and not from there; the standard errors of length, breadth and hand index of
  150 men in Ibeachu, Abu & Didia, *Asian Journal of Medical Sciences* 3(8), 2011, imply .42.
- Lengths of the bones of a finger: Buryanov & Kotiuk, *Proportions of Hand Segments*, Int. J. Morphol. 28(3), 2010 (66 people).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np


class SizeStatistics(NamedTuple):
    """Mean and standard deviation of hand length and hand breadth of one sex, metres."""

    length: float
    length_std: float
    breadth: float
    breadth_std: float

    def mean(self) -> np.ndarray:
        """[length, breadth]."""
        return np.array([self.length, self.breadth])

    def covariance(self) -> np.ndarray:
        """[2, 2], within the sex."""
        off = CORRELATION * self.length_std * self.breadth_std
        return np.array([[self.length_std**2, off], [off, self.breadth_std**2]])


CORRELATION: Final = 0.5
"""Of hand length and hand breadth within a sex."""

MEN: Final = SizeStatistics(0.1938, 0.0098, 0.0904, 0.0042)
WOMEN: Final = SizeStatistics(0.1805, 0.0097, 0.0794, 0.0038)

HAND_LENGTH_MM: Final = 187.15
"""Mean of both sexes, to which the bones below belong: metacarpal and phalanges of the middle finger take 157 mm of it."""

BONE_LENGTHS_MM: Final = {
    "thumb": (46.22, 31.57, 21.67 + 3.67),
    "index": (39.78, 22.38, 15.82 + 3.84),
    "middle": (44.63, 26.33, 17.40 + 3.95),
    "ring": (41.37, 25.65, 17.30 + 3.95),
    "pinky": (32.74, 18.11, 15.96 + 3.73),
}
"""Proximal, middle and distal phalanx, the last with the soft tissue at the tip; of the thumb metacarpal, proximal and distal
phalanx."""


def pooled() -> tuple[np.ndarray, np.ndarray]:
    """Mean [2] and covariance [2, 2] of (length, breadth), metres, of as many men as women."""
    apart = (MEN.mean() - WOMEN.mean()) / 2
    return (MEN.mean() + WOMEN.mean()) / 2, (MEN.covariance() + WOMEN.covariance()) / 2 + np.outer(apart, apart)

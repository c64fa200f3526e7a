"""Frames of high dynamic range (PQ and HLG) as a screen of standard range shows them."""

from __future__ import annotations

from typing import Final

import numpy as np

PQ: Final = 16
HLG: Final = 18
"""Transfer functions that are tone mapped, as ITU-T H.273 numbers them."""

SOURCE_PEAK: Final = 1000.0
"""Luminance of the brightest white of the source, cd/m²: what HLG is defined at, and what most PQ footage is graded to."""

TARGET_PEAK: Final = 100.0
"""Luminance of white on a screen of standard range, cd/m² (Recommendation ITU-R BT.2035)."""

_CODES: Final = 1 << 16
_TO_BT709: Final = np.array(
    [[1.660491, -0.587641, -0.072850], [-0.124550, 1.132900, -0.008349], [-0.018151, -0.100579, 1.118730]], np.float32
)
"""From linear BT.2020 to linear BT.709 (Report ITU-R BT.2407)."""

_LUMINANCE: Final = np.array([0.2627, 0.6780, 0.0593], np.float32)
_PQ_M: Final = (2610 / 16384, 2523 / 4096 * 128)
_PQ_C: Final = (3424 / 4096, 2413 / 4096 * 32, 2392 / 4096 * 32)
_HLG: Final = (0.17883277, 0.28466892, 0.55991073)


def to_standard_range(codes: np.ndarray, transfer: int) -> np.ndarray:
    """Tone map BT.2020 pixels to BT.709: the EETF of Report ITU-R BT.2390 on the brightest of the three components.

    Args:
        codes: uint16 [height, width, 3], RGB, full range, as coded.
        transfer: `PQ` or `HLG`.

    Returns:
        uint8 [height, width, 3], RGB, for a display of gamma 2.4.
    """
    if transfer == HLG:
        light = _HLG_LIGHT[codes]
        # The system gamma of a 1000 cd/m² display (Recommendation ITU-R BT.2100, table 5).
        system = _SYSTEM_GAIN[_index(light @ _LUMINANCE)]
        gain = system * _HLG_GAIN[_index(np.sqrt(light.max(axis=-1) * system))]
    else:
        light, gain = _PQ_LIGHT[codes], _PQ_GAIN[codes.max(axis=-1)]
    light *= gain[..., None]
    shown: np.ndarray = _DISPLAY[_index(np.clip(light @ _TO_BT709.T, 0, 1))]
    return shown


def _index(values: np.ndarray) -> np.ndarray:
    """Places in the tables of values from 0 to 1, float32."""
    return (values * np.float32(_CODES - 1)).astype(np.uint16)


def _from_pq(code: np.ndarray) -> np.ndarray:
    """Luminance, cd/m², of a PQ code from 0 to 1 (SMPTE ST 2084)."""
    root = code ** (1 / _PQ_M[1])
    light: np.ndarray = 10_000 * (np.maximum(root - _PQ_C[0], 0) / (_PQ_C[1] - _PQ_C[2] * root)) ** (1 / _PQ_M[0])
    return light


def _to_pq(light: np.ndarray) -> np.ndarray:
    power = (light / 10_000) ** _PQ_M[0]
    code: np.ndarray = ((_PQ_C[0] + _PQ_C[1] * power) / (1 + _PQ_C[2] * power)) ** _PQ_M[1]
    return code


def _from_hlg(code: np.ndarray) -> np.ndarray:
    """Light of the scene, 0 to 1, of an HLG code from 0 to 1 (Recommendation ITU-R BT.2100)."""
    a, b, c = _HLG
    return np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)


def _compressed(light: np.ndarray) -> np.ndarray:
    """Luminance on the target, cd/m², of one of the source: equal in the dark, rolled off towards the peak."""
    peak = float(_to_pq(np.array(SOURCE_PEAK)))
    top = float(_to_pq(np.array(TARGET_PEAK))) / peak
    knee = 1.5 * top - 0.5
    code = np.minimum(_to_pq(light) / peak, 1)
    t = np.maximum(code - knee, 0) / (1 - knee)
    rolled = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (-2 * t**3 + 3 * t**2) * top
    return _from_pq(np.where(code < knee, code, rolled) * peak)


def _gain(light: np.ndarray) -> np.ndarray:
    """What a pixel is multiplied by whose brightest component has this luminance, cd/m²; 1 is then the target's white."""
    bright = np.maximum(light, 1e-4)
    gain: np.ndarray = (_compressed(bright) / bright / TARGET_PEAK).astype(np.float32)
    return gain


_VALUES: Final = np.linspace(0, 1, _CODES)
_PQ_LIGHT: Final = _from_pq(_VALUES).astype(np.float32)
_PQ_GAIN: Final = _gain(_from_pq(_VALUES))
_HLG_LIGHT: Final = _from_hlg(_VALUES).astype(np.float32)
_SYSTEM_GAIN: Final = (np.maximum(_VALUES, 1e-6) ** 0.2).astype(np.float32)
_HLG_GAIN: Final = _gain(SOURCE_PEAK * _VALUES**2) * np.float32(SOURCE_PEAK)
"""By the square root of the brightest component, so that the dark has as many places as the bright."""

_DISPLAY: Final = (255 * _VALUES ** (1 / 2.4)).round().astype(np.uint8)

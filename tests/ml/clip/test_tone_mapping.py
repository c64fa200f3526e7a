"""High dynamic range is converted to standard range with normal contrast."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from ml.clip import open_clip
from ml.clip.tone_mapping import HLG, PQ, to_standard_range

INPUTS = Path(__file__).resolve().parents[4] / "shared" / "inputs"


def pq(light: np.ndarray) -> np.ndarray:
    """PQ code, 0 to 1, of a luminance, cd/m² (SMPTE ST 2084, equation 5.2)."""
    power = (light / 10_000) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)


def hlg(scene: np.ndarray) -> np.ndarray:
    """HLG code, 0 to 1, of the light of a scene, 0 to 1 (Recommendation ITU-R BT.2100, table 5)."""
    bright = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), bright)


def shown(code: np.ndarray, transfer: int) -> np.ndarray:
    """Grey levels of grey codes from 0 to 1."""
    pixels = (code * 65_535).round().astype(np.uint16)[None, :, None].repeat(3, axis=2)
    result = to_standard_range(pixels, transfer)
    assert result.dtype == np.uint8
    assert np.ptp(result.astype(int), axis=2).max() <= 1
    return result[0, :, 0].astype(float)


def test_dark_levels_are_kept_and_bright_levels_are_compressed():
    light = np.array([0, 1, 5, 10, 20, 50, 100, 203, 500, 1000, 4000, 10_000], float)
    grey = shown(pq(light), PQ)
    assert grey[:5] == pytest.approx(255 * (light[:5] / 100) ** (1 / 2.4), abs=2)
    assert (np.diff(grey[:10]) > 0).all()
    assert 235 < grey[7] < 250
    assert grey[9:] == pytest.approx(255, abs=1)


def test_hlg_and_pq_of_one_luminance_look_the_same():
    """At 1000 cd/m² the light of the display is 1000 times that of the scene to the power of 1.2."""
    scene = np.linspace(0.002, 1, 50)
    assert shown(hlg(scene), HLG) == pytest.approx(shown(pq(1000 * scene**1.2), PQ), abs=2)


def test_bt_709_colours_stored_in_bt_2020_are_recovered():
    """Linear BT.709 red, green, blue, stored in BT.2020 and PQ at 20 cd/m², are recovered exactly."""
    to_bt2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
    codes = (pq(20 * to_bt2020.T) * 65_535).round().astype(np.uint16)[None]
    level = 255 * 0.2 ** (1 / 2.4)
    assert to_standard_range(codes, PQ)[0] == pytest.approx(level * np.eye(3), abs=6)


@pytest.mark.parametrize(("transfer", "code"), [(PQ, pq), (HLG, hlg)])
def test_a_video_of_high_range_is_tone_mapped_and_tagged(tmp_path, transfer, code):
    value = float(code(np.array(50.0 if transfer == PQ else 0.05 ** (1 / 1.2))))
    path = tmp_path / "a.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx265", rate=25, options={"x265-params": "log-level=none:lossless=1"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p10le"
        context = stream.codec_context
        context.colorspace, context.color_primaries, context.color_trc, context.color_range = 9, 9, transfer, 1
        for index in range(3):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), value * 65_535, np.uint16), format="rgb48le")
            frame = frame.reformat(format="yuv420p10le", dst_colorspace=9, dst_color_range=1)
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    clip = open_clip(path)
    expected = shown(np.array([value]), transfer)[0]
    assert clip.video is not None
    assert clip.video.colour == (1, 1, 1)
    assert next(iter(clip.frames())).mean() == pytest.approx(expected, abs=2)
    planar = next(iter(clip.planar_frames((64, 48))))
    assert planar.to_ndarray(format="rgb24").mean() == pytest.approx(expected, abs=2)


@pytest.mark.media
def test_a_phone_video_in_pq_has_the_contrast_of_its_standard_twin():
    if not (INPUTS / "pq10.mov").exists():
        pytest.skip(f"{INPUTS / 'pq10.mov'} is not there")
    high, plain = (next(iter(open_clip(INPUTS / name).frames())).astype(float) for name in ("pq10.mov", "hflip_matrix.mp4"))
    assert np.corrcoef(high.ravel(), plain.ravel())[0, 1] > 0.95
    assert high.std() > 0.6 * plain.std()
    assert high.mean() == pytest.approx(plain.mean(), abs=30)

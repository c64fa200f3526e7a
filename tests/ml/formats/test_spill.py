"""Arrays stored in a file: they keep their content, and their memory can be released."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ml.formats.prediction import PredictionArrays
from ml.formats.spill import SPILLED_BYTES, blocks, release, spilled

LARGE = (SPILLED_BYTES // (1000 * 3 * 4) + 600, 1000, 3)


def resident() -> float:
    """MB of this process that are in memory now."""
    words = Path("/proc/self/status").read_text().split("VmRSS:")[1].split()
    return int(words[0]) / 1000


def test_released_blocks_keep_their_content():
    array = spilled(LARGE)
    array[:] = np.arange(len(array), dtype=np.float32)[:, None, None]
    release(array[5:10])
    assert (array[:, 0, 0] == np.arange(len(array))).all()


def test_release_frees_memory():
    array = spilled(LARGE)
    before = resident()
    array[:] = 1.0
    full = resident()
    release(array)
    assert full - before > 0.8 * array.nbytes / 1e6
    assert resident() - before < 0.2 * array.nbytes / 1e6


def test_blocks_are_the_whole_array_and_never_all_in_memory():
    array = spilled(LARGE)
    array[:] = 2.0
    release(array)
    before, total, most = resident(), 0.0, 0.0
    for block in blocks(array):
        total += float(block.sum(dtype=np.float64))
        most = max(most, resident() - before)
    assert total == 2.0 * array.size
    assert most < 0.5 * array.nbytes / 1e6


def test_small_arrays_stay_in_memory():
    array = spilled((10, 3))
    array[:] = 3.0
    release(array)
    assert array.base is None
    assert (array == 3.0).all()


def test_a_prediction_in_a_file_is_saved_as_one_in_memory(tmp_path):
    count = LARGE[0]
    large = spilled(LARGE)
    large[:] = np.random.default_rng(0).normal(size=(count, 1, 3)).astype(np.float32)
    rows = {
        "frame": np.arange(count, dtype=np.int32),
        "side": np.ones(count, np.uint8),
        "track": np.zeros(count, np.int32),
        "score": np.ones(count, np.float32),
        "joints": np.zeros((count, 21, 3), np.float32),
        "meta": {"fps": 30.0},
    }
    for name, vertices in (("spilled", large), ("ordinary", large.copy())):
        PredictionArrays(**rows, vertices=vertices).save(tmp_path / f"{name}.npz")
    assert (tmp_path / "spilled.npz").read_bytes() == (tmp_path / "ordinary.npz").read_bytes()
    with np.load(tmp_path / "spilled.npz", allow_pickle=False) as arrays:
        assert np.array_equal(arrays["vertices"], large)
    assert np.array_equal(PredictionArrays.load(tmp_path / "spilled.npz").vertices, large)

"""DexYCB's labels of one sequence and camera: a zip of `labels_000000.npz`, `labels_000001.npz`, …

Each holds `joint_3d` [1, 21, 3] in metres, OpenCV camera, OpenPose order; all −1 or all 0 where no hand is seen. The number in
the name is the frame. `meta.yml` of the sequence, where it is in the zip, names the side (`mano_sides`). Source:
dex-ycb-toolkit (Chao et al., CVPR 2021).
"""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np

from ml.formats.dexycb import read_array
from ml.formats.faults import FormatError
from ml.formats.prediction import PredictionArrays
from ml.formats.truth_archive import unpack_truth
from ml.hand.skeleton import SIDES, Side
from ml.intake.clip_facts import RawRows

_LABEL: Final = re.compile(r"labels_(\d{1,9})\.npz")
_SIDES: Final = re.compile(r"mano_sides:\s*(?:\[|-)\s*['\"]?(left|right)")
_META_BYTES: Final = 1 << 16


def read_labels(path: Path, called: str, side: Side) -> RawRows:
    """One hand a frame, in the frames that show it.

    Args:
        path: the zip; a single label file counts as one.
        called: what messages call it.
        side: of the hand, where the zip has no `meta.yml`.
    """
    with TemporaryDirectory(prefix="palmares-") as name:
        folder = Path(name)
        unpack_truth(path, folder, called)
        if (single := folder / "truth.npz").exists():
            single.rename(folder / "labels_000000.npz")
        labels = {int(found[1]): file for file in sorted(folder.iterdir()) if (found := _LABEL.fullmatch(file.name))}
        if not labels:
            raise FormatError(f"{called} holds no `labels_000000.npz`, `labels_000001.npz`, …, expected one a frame")
        meta = folder / "meta.yml"
        found = _SIDES.search(meta.read_text("utf-8", "replace")[:_META_BYTES]) if meta.exists() else None
        frames = sorted(labels)
        joints = np.concatenate([read_array(labels[frame], "joint_3d", hands=1) for frame in frames]).astype(np.float32)
    seen = ~((joints == -1).all((1, 2)) | (joints == 0).all((1, 2)))
    count = int(seen.sum())
    stated: Side = found[1] if found else side  # type: ignore[assignment]
    rows = PredictionArrays(
        frame=np.array(frames, np.int32)[seen],
        side=np.full(count, SIDES.index(stated), np.uint8),
        track=np.zeros(count, np.int32),
        score=np.ones(count, np.float32),
        joints=joints[seen],
    )
    return RawRows(rows, side_is_assumed=found is None)

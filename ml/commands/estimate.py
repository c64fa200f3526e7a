"""`manage.py estimate`: hands of a video or a folder of pictures to a canonical prediction."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ml import catalog
from ml.clip import ClipError, open_clip
from ml.hand.camera import default_intrinsics
from ml.hand.licensed import LicensedModelError
from ml.hand.open_model import OpenHandError
from ml.hand.skeleton import SIDES, Side
from ml.keypoints.detector import detect
from ml.methods.interface import Request, load_method
from ml.progress import ProgressCallback

_DETECTION = 0.75
"""Share of the bar that detection takes; it is by far the longest part."""


def main(argv: list[str]) -> int:
    """Run the command; 0 when a prediction was written, 2 when the input is to blame."""
    options = _parser().parse_args(argv)
    try:
        clip = open_clip(options.input)
        intrinsics = default_intrinsics(clip.width, clip.height)
        if options.focal is not None:
            intrinsics[0, 0] = intrinsics[1, 1] = options.focal
        betas = _betas(options.betas)
        with tqdm(total=100, unit="%", bar_format="{desc:<20} {bar} {percentage:3.0f} % [{elapsed}<{remaining}]") as bar:
            keypoints = detect(
                clip, max_hands=options.max_hands, progress=_on(bar, 0.0, _DETECTION), static=options.independent
            )
            request = Request(clip, keypoints, intrinsics, options.hand_model, betas, options.independent)
            prediction = load_method(options.method).estimate(request, _on(bar, _DETECTION, 1.0))
            _advance(bar, "done", 1.0)
    except (ClipError, LicensedModelError, OpenHandError, ValueError, OSError) as error:
        print(f"estimate: {error}", file=sys.stderr)
        return 2
    options.out.parent.mkdir(parents=True, exist_ok=True)
    prediction.save(options.out)
    hands = len(np.unique(prediction.track))
    plural = "" if hands == 1 else "s"
    print(f"{options.out}: {len(prediction)} rows, {hands} hand{plural}, {clip.frame_count} frames, {options.method}")
    if options.focal is None:
        print(f"The camera is not known: a focal length of {intrinsics[0, 0]:.0f} px was assumed (--focal PX to give it).")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="manage.py estimate", description=__doc__)
    parser.add_argument(
        "input", type=Path, metavar="VIDEO_OR_FOLDER", help="a video, or a folder of pictures taken in name order"
    )
    parser.add_argument("--method", required=True, choices=list(catalog.METHODS))
    parser.add_argument("--out", required=True, type=Path, metavar="OUT.npz")
    parser.add_argument("--independent", action="store_true", help="the pictures are no sequence: each is taken on its own")
    parser.add_argument("--hand-model", choices=("open", "mano"), default="open", help="mano needs MANO_DIR")
    parser.add_argument("--focal", type=float, metavar="PX", help="focal length in pixels, if it is known")
    parser.add_argument(
        "--betas", type=Path, metavar="FILE", help="ten numbers, the shape of both hands, kept fixed (.txt or .npy)"
    )
    parser.add_argument("--max-hands", type=int, default=4, metavar="N", help="hands looked for in a frame (default 4)")
    return parser


def _betas(path: Path | None) -> dict[Side, np.ndarray]:
    if path is None:
        return {}
    values = np.load(path, allow_pickle=False) if path.suffix == ".npy" else np.loadtxt(path)
    if values.shape != (10,) or not np.isfinite(values).all():
        raise ValueError(f"{path} holds an array of shape {list(values.shape)}, expected 10 finite numbers")
    return {side: values.astype(np.float32) for side in SIDES}


def _on(bar: tqdm, start: float, end: float) -> ProgressCallback:
    return lambda stage, fraction: _advance(bar, stage, start + (end - start) * fraction)


def _advance(bar: tqdm, stage: str, fraction: float) -> None:
    bar.set_description_str(stage.capitalize())
    bar.update(max(round(100 * fraction) - bar.n, 0))

"""`manage.py estimate`: the hands of a video or a folder of images, as a prediction file. Needs no server."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ml import catalog
from ml.clip import ClipError, open_clip
from ml.commands.arguments import check_writable, focal_length, positive_int
from ml.formats.npz import BROKEN_ARRAY
from ml.hand.camera import default_intrinsics
from ml.hand.licensed import LicensedModelError
from ml.hand.open_model import OpenHandError
from ml.hand.skeleton import SIDES, Side
from ml.keypoints.detector import detect
from ml.methods.interface import Request, load_method
from ml.progress import ProgressCallback

_DETECTION = 0.75
"""Share of the progress bar for detection, by far the longest part."""


def main(argv: list[str]) -> int:
    """Run the command; exit code 0 when a prediction was written, 2 when an input or argument cannot be used."""
    options = build_parser().parse_args(argv)
    try:
        check_writable(options.out, options.input, *filter(None, [options.betas]))
        betas = _betas(options.betas)
        clip = open_clip(options.input)
        intrinsics = default_intrinsics(clip.width, clip.height)
        if options.focal is not None:
            intrinsics[0, 0] = intrinsics[1, 1] = options.focal
        with tqdm(total=100, unit="%", bar_format="{desc:<20} {bar} {percentage:3.0f}% [{elapsed}<{remaining}]") as bar:
            keypoints = detect(
                clip, max_hands=options.max_hands, progress=_part_of(bar, 0.0, _DETECTION), static=options.independent
            )
            known = options.focal is not None
            request = Request(clip, keypoints, intrinsics, options.hand_model, betas, options.independent, known)
            prediction = load_method(options.method).estimate(request, _part_of(bar, _DETECTION, 1.0))
            _advance(bar, "done", 1.0)
        prediction.save(options.out)
    except (ClipError, LicensedModelError, OpenHandError, ValueError, OSError) as error:
        print(f"estimate: {error}", file=sys.stderr)
        return 2
    hands = len(np.unique(prediction.track))
    plural = "" if hands == 1 else "s"
    print(f"{options.out}: {len(prediction)} rows, {hands} hand{plural}, {clip.frame_count} frames, {options.method}")
    for note in clip.notes:
        print(note)
    if options.focal is None and prediction.intrinsics is not None:
        print(f"A focal length of {prediction.intrinsics[0, 0]:.0f} px was assumed; --focal PX sets the camera's own.")
    return 0


def build_parser() -> argparse.ArgumentParser:
    """The arguments of the command."""
    parser = argparse.ArgumentParser(prog="manage.py estimate", description=__doc__)
    parser.add_argument(
        "input", type=Path, metavar="VIDEO_OR_FOLDER", help="a video, or a folder of images, which are read in name order"
    )
    parser.add_argument("--method", required=True, choices=list(catalog.METHODS), help="the method to run")
    parser.add_argument("--out", required=True, type=Path, metavar="OUT.npz", help="the prediction file to write")
    parser.add_argument("--independent", action="store_true", help="the images are not a sequence: process each by itself")
    parser.add_argument("--hand-model", choices=("open", "mano"), default="open", help="mano needs MANO_DIR (default open)")
    parser.add_argument(
        "--focal", type=focal_length, metavar="PX", help="focal length in pixels (default: 60° across the longer side)"
    )
    parser.add_argument("--betas", type=Path, metavar="FILE", help="ten numbers, the fixed shape of both hands (.txt or .npy)")
    parser.add_argument("--max-hands", type=positive_int, default=4, metavar="N", help="most hands in a frame (default 4)")
    return parser


def _betas(path: Path | None) -> dict[Side, np.ndarray]:
    if path is None:
        return {}
    try:
        values = np.load(path, allow_pickle=False) if path.suffix == ".npy" else np.loadtxt(path)
    except BROKEN_ARRAY as error:
        raise ValueError(f"{path} cannot be read as ten numbers: {error}") from error
    if values.shape != (10,) or not np.isfinite(values).all():
        raise ValueError(f"{path} holds an array of shape {list(values.shape)}, expected 10 finite numbers")
    return {side: values.astype(np.float32) for side in SIDES}


def _part_of(bar: tqdm, start: float, end: float) -> ProgressCallback:
    return lambda stage, fraction: _advance(bar, stage, start + (end - start) * fraction)


def _advance(bar: tqdm, stage: str, fraction: float) -> None:
    bar.set_description_str(stage.capitalize())
    bar.update(max(round(100 * fraction) - bar.n, 0))

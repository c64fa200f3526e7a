"""A clip whose every frame says which it is, its truth and two predictions, for the tests and the bench of the viewer."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw

from ml.formats.prediction import PredictionArrays
from ml.formats.viewer_track import write_track
from ml.hand.camera import default_intrinsics
from ml.hand.joint_weights import joint_weights
from ml.hand.open_model import load_open_hand
from ml.hand.skeleton import MANO_TO_OPENPOSE, SIDES

FPS, WIDTH, HEIGHT = 30, 640, 480
BITS, BLOCK = 12, 40
GAP = range(40, 60)
"""Frames in which the first prediction has no right hand."""

READ_FRAME_NUMBER = f"""() => {{
  const video = document.querySelector("video"), canvas = document.createElement("canvas");
  canvas.width = {BITS * BLOCK}; canvas.height = {BLOCK};
  const context = canvas.getContext("2d", {{ willReadFrequently: true }});
  context.drawImage(video, 0, 0);
  const at = (k) => context.getImageData(k * {BLOCK} + {BLOCK // 2}, {BLOCK // 2}, 1, 1).data[0] > 128;
  return Array.from({{ length: {BITS} }}, (_, k) => (at(k) ? 2 ** k : 0)).reduce((a, b) => a + b);
}}"""
"""JavaScript: the number painted in the picture that the video element shows."""


@dataclass(frozen=True)
class ViewerClip:
    """Folders of one upload and two runs, as the platform stores them."""

    root: Path
    frame_count: int
    upload: str = "uploads/clip/web"
    runs: tuple[str, ...] = ("runs/first/a", "runs/second/a")
    truth: str = "uploads/clip/truth"


OFFSETS = (0.005, 0.015)
"""How far (m) each prediction is from the truth, along x, in every frame; and 0.2 mm of noise in each coordinate."""


def make_clip(root: Path, frame_count: int) -> ViewerClip:
    """Write the files of an upload and two runs below `root`."""
    clip = ViewerClip(root, frame_count)
    (root / clip.upload).mkdir(parents=True)
    _paint_video(root / clip.upload, frame_count)
    for index, folder in enumerate(clip.runs):
        (root / folder).mkdir(parents=True)
        prediction = _waving_hands(frame_count, seed=index, gap=GAP if index == 0 else range(0), offset=OFFSETS[index])
        prediction.save(root / folder / "prediction.npz")
        _write_track(prediction, root / folder)
        (root / folder / "series.json").write_text(json.dumps(_series(prediction, frame_count)))
    truth = _waving_hands(frame_count, seed=7, gap=range(0), noise=0)
    (root / clip.truth).mkdir(parents=True)
    truth.save(root / clip.truth / "truth.npz")
    _write_track(truth, root / clip.truth)
    return clip


def _write_track(prediction: PredictionArrays, folder: Path) -> None:
    models = {side: load_open_hand(side) for side in SIDES}
    skin = {side: joint_weights(arrays) for side, arrays in models.items()}
    write_track(prediction, {side: arrays.faces for side, arrays in models.items()}, folder, skin=skin)


def _paint_video(folder: Path, frame_count: int) -> None:
    """`web.mp4` as ingestion makes it (constant rate, GOP 15, no B-frames), the frame number in blocks at the top."""
    with av.open(str(folder / "web.mp4"), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.options = {"g": "15", "bf": "0", "preset": "ultrafast"}
        for frame in range(frame_count):
            picture = Image.new("RGB", (WIDTH, HEIGHT), (70, 80, 90))
            draw = ImageDraw.Draw(picture)
            for k in range(BITS):
                draw.rectangle((k * BLOCK, 0, (k + 1) * BLOCK - 1, BLOCK - 1), (255,) * 3 if frame >> k & 1 else (0,) * 3)
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
            if frame == 0:
                picture.save(folder / "poster.jpg")
                picture.resize((160, 120)).save(folder / "filmstrip.jpg")
        container.mux(stream.encode())


def _waving_hands(frame_count: int, *, seed: int, gap: range, offset: float = 0.0, noise: float = 2e-4) -> PredictionArrays:
    """Two open hands, swaying smoothly half a metre away, moved by `offset` (m) along x; the right one missing in `gap`."""
    rng = np.random.default_rng(seed)
    parts = []
    for side, name in enumerate(SIDES):
        frames = np.array([f for f in range(frame_count) if not (side == 1 and f in gap)])
        seconds = frames / FPS
        turn = 0.4 * np.sin(1.3 * seconds + side)
        spin = np.zeros((len(frames), 3, 3))
        spin[:, 0, 0], spin[:, 0, 2], spin[:, 2, 0], spin[:, 2, 2] = np.cos(turn), np.sin(turn), -np.sin(turn), np.cos(turn)
        spin[:, 1, 1] = 1
        place = np.stack(
            [0.2 * side - 0.1 + 0.03 * np.sin(seconds), 0.02 * np.cos(2 * seconds), 0.5 + 0.03 * np.sin(seconds)], 1
        )
        hand = load_open_hand(name)
        tips = hand.template[list(next(iter(hand.tip_sets.values())))]
        joints = np.concatenate([hand.regressor @ hand.template, tips])[list(MANO_TO_OPENPOSE)]
        points = np.concatenate([joints, hand.template]) - hand.template.mean(0)
        moved = np.einsum("nij,vj->nvi", spin, points) + place[:, None] + [offset, 0, 0]
        moved += rng.normal(0, 1, moved.shape) * noise
        parts.append((frames, np.full(len(frames), side), moved[:, :21], moved[:, 21:]))
    frame, side, joints, vertices = (np.concatenate(column) for column in zip(*parts, strict=True))
    meta = {"fps": FPS, "frame_count": frame_count, "width": WIDTH, "height": HEIGHT, "method": f"{seed}", "hand_model": "open"}
    intrinsics = default_intrinsics(WIDTH, HEIGHT)
    return PredictionArrays(frame, side, side, np.ones(len(frame)), joints, vertices, intrinsics=intrinsics, meta=meta)


def _series(prediction: PredictionArrays, frame_count: int) -> dict[str, object]:
    rng = np.random.default_rng(len(prediction))
    hands = []
    for side, name in enumerate(SIDES):
        seen = set(prediction.frame[prediction.side == side].tolist())
        values = {
            metric: [round(float(rng.uniform(1, 3)), 3) if frame in seen else None for frame in range(frame_count)]
            for metric in ("reprojection", "jitter", "bone_length")
        }
        hands.append({"track": side, "side": name, "values": values})
    return {"frame_count": frame_count, "hands": hands}

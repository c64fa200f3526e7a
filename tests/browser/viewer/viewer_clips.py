"""A clip whose every frame says which it is, its truth and two predictions, for the tests and the bench of the viewer."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np
import torch
from PIL import Image, ImageDraw
from scipy.spatial.transform import Rotation

from ml.formats.prediction import PredictionArrays
from ml.hand.camera import default_intrinsics
from ml.hand.joint_weights import joint_weights
from ml.hand.model import load_hand_model
from ml.hand.open_model import load_open_hand
from ml.hand.skeleton import SIDES
from ml.viewer_files.viewer_track import write_track

FPS, WIDTH, HEIGHT = 30, 640, 480
BITS, BLOCK = 12, 40
GAP = range(40, 60)
"""Frames in which the first prediction has no right hand."""

UNSEEN = range(70, 80)
"""Frames in which nothing saw the left hand's `UNSEEN_JOINTS`, by the first prediction."""
UNSEEN_JOINTS = range(6, 13)
"""Index and middle finger; the standard deviation of the one at k is 4 k mm, of others 4 mm."""

READ_FRAME_NUMBER = f"""() => {{
  const video = document.querySelector("video"), canvas = document.createElement("canvas");
  canvas.width = {BITS * BLOCK}; canvas.height = {BLOCK};
  const context = canvas.getContext("2d", {{ willReadFrequently: true }});
  context.drawImage(video, 0, 0);
  const at = (k) => context.getImageData(k * {BLOCK} + {BLOCK // 2}, {BLOCK // 2}, 1, 1).data[0] > 128;
  return Array.from({{ length: {BITS} }}, (_, k) => (at(k) ? 2 ** k : 0)).reduce((a, b) => a + b);
}}"""
"""JavaScript: the number painted in the image that the video element shows."""


@dataclass(frozen=True)
class ViewerClip:
    """Folders of one upload and two runs, as the platform stores them."""

    root: Path
    frame_count: int
    upload: str = "uploads/clip/web"
    runs: tuple[str, ...] = ("runs/first/a", "runs/second/a")
    truth: str = "uploads/clip/truth"


OFFSETS = (0.005, 0.015)
"""How far (m) each prediction is from the truth, along x, in every frame; and some 0.1 mm of noise."""


def make_clip(root: Path, frame_count: int, *, is_second_posed: bool = False) -> ViewerClip:
    """Write the files of an upload and two runs below `root`; the second run has no pose, unless it `is_second_posed`."""
    clip = ViewerClip(root, frame_count)
    (root / clip.upload).mkdir(parents=True)
    _paint_video(root / clip.upload, frame_count)
    for index, folder in enumerate(clip.runs):
        (root / folder).mkdir(parents=True)
        prediction = _waving_hands(frame_count, seed=index, gap=GAP if index == 0 else range(0), offset=OFFSETS[index])
        if index == 0:
            prediction = _with_certainty(prediction)
        if index == 1 and not is_second_posed:
            prediction = replace(prediction, pose=None)
        prediction.save(root / folder / "prediction.npz")
        _write_track(prediction, root / folder)
        series = _series(prediction, frame_count)
        series["keypoints"] = _keypoint_records(frame_count) if index == 0 else []
        (root / folder / "series.json").write_text(json.dumps(series))
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


def _waving_hands(frame_count: int, *, seed: int, gap: range, offset: float = 0.0, noise: float = 2e-3) -> PredictionArrays:
    """Two open hands, swaying smoothly half a metre away, moved by `offset` (m) along x; the right one missing in `gap`.

    `noise`: of each rotation of a finger's joint (rad), some 0.1 mm at its tip.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for side, name in enumerate(SIDES):
        frames = np.array([f for f in range(frame_count) if not (side == 1 and f in gap)])
        seconds = frames / FPS
        hand, model = load_open_hand(name), load_hand_model("open", name)
        pose = rng.normal(0, 1, (len(frames), 16, 3)) * noise
        pose[:, 0] = 0  # the errors of a hand as a whole are those of `offset`
        pose[:, 0, 1] = 0.4 * np.sin(1.3 * seconds + side)
        place = np.stack(
            [0.2 * side - 0.1 + 0.03 * np.sin(seconds), 0.02 * np.cos(2 * seconds), 0.5 + 0.03 * np.sin(seconds)], 1
        )
        # The wrist is where the middle of the hand, about which it turns, is at `place`.
        wrist = hand.regressor[0] @ hand.template
        turned = Rotation.from_rotvec(pose[:, 0]).apply(hand.template.mean(0) - wrist)
        rows = {"pose": pose, "betas": np.zeros((len(frames), 10)), "translation": place - turned - wrist + [offset, 0, 0]}
        made = model(*(torch.tensor(each, dtype=torch.float32) for each in rows.values()))
        joints, vertices = made.joints.numpy(), made.vertices.numpy()
        parts.append({"frame": frames, "side": np.full(len(frames), side), "joints": joints, "vertices": vertices, **rows})
    arrays = {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    meta = {"fps": FPS, "frame_count": frame_count, "width": WIDTH, "height": HEIGHT, "method": f"{seed}", "hand_model": "open"}
    own = {"track": arrays["side"], "score": np.ones(len(arrays["frame"])), "intrinsics": default_intrinsics(WIDTH, HEIGHT)}
    return PredictionArrays(**arrays, **own, meta=meta)


def _with_certainty(prediction: PredictionArrays) -> PredictionArrays:
    """With `UNSEEN_JOINTS` of the left hand in `UNSEEN`."""
    unseen = np.zeros((len(prediction), 21), bool)
    unseen[:, UNSEEN_JOINTS] = (np.isin(prediction.frame, UNSEEN) & (prediction.side == 0))[:, None]
    std = np.where(unseen, 0.004 * np.arange(21), 0.004).astype(np.float32)
    return replace(prediction, joint_std=std, visible=(~unseen).astype(np.uint8))


def _keypoint_records(frame_count: int) -> list[dict[str, object]]:
    """Of both hands: detected, projected for a while, missing in the gap; one failure and one jump of the left hand."""
    records = []
    for side, name in enumerate(SIDES):
        frames = range(frame_count)
        sources = "".join("m" if side and f in GAP else "p" if 80 <= f < 100 else "d" for f in frames)
        digits = "".join({"m": "0", "p": "4", "d": str(9 - f // 30 % 3)}[source] for f, source in enumerate(sources))
        wrong = {"failures": [30, 31], "jumps": [110]} if side == 0 else {"failures": [], "jumps": []}
        records.append({"track": side, "side": name, "first": 0, "sources": sources, "confidence": digits, **wrong})
    return records


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

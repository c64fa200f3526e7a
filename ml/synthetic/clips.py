"""Synthetic clips: a subject's hands in motion, as pictures with their whole truth. The same seed gives the same clip."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Final

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from ml.clip.encode import web_video
from ml.formats.prediction import PredictionArrays
from ml.hand.camera import default_intrinsics, project
from ml.hand.joint_limits import angles_to_pose
from ml.hand.model import HandModel, load_hand_model, mirror_pose
from ml.hand.skeleton import SIDES, Side
from ml.synthetic.motion import ACTIVITIES, Activity, Place, joint_motion, root_motion
from ml.synthetic.render import Body, View, lens, render, to_srgb, vertex_normals
from ml.synthetic.scene import Lights, Occluder, make_background, make_lights, make_occluder, skin_colours
from ml.synthetic.subjects import SyntheticSubject

FLESH: Final = 0.025
"""Metres; a joint is at most this far below the skin that is seen in front of it."""

NOISE: Final = 0.008
"""Standard deviation of the sensor's noise, of full scale, after gamma."""


@dataclass(frozen=True)
class HandTruth:
    """One hand of a clip of T frames, in metres, in the OpenCV camera frame.

    Attributes:
        side: left or right.
        pose: float32 [T, 16, 3], axis-angle, MANO order.
        betas: float32 [10].
        translation: float32 [T, 3].
        joints: float32 [T, 21, 3], OpenPose order.
        vertices: float32 [T, V, 3].
        visible: bool [T, 21]: inside the picture and covered by nothing but the flesh about it. Filled as frames are drawn.
    """

    side: Side
    pose: np.ndarray
    betas: np.ndarray
    translation: np.ndarray
    joints: np.ndarray
    vertices: np.ndarray
    visible: np.ndarray


@dataclass(frozen=True)
class ClipTruth:
    """Everything that is known of a clip. `hands[k]` is body k of the masks; occluders come after the hands."""

    hands: tuple[HandTruth, ...]
    intrinsics: np.ndarray
    fps: float
    width: int
    height: int
    sequence: str
    subject: str

    @property
    def frame_count(self) -> int:
        return len(self.hands[0].pose)

    def prediction(self) -> PredictionArrays:
        """The truth in the canonical form; rows by frame, then hand; track = number of the hand."""
        T, H = self.frame_count, len(self.hands)

        def rows(name: str) -> np.ndarray:
            stacked = np.stack([getattr(hand, name) for hand in self.hands], axis=1)
            flat: np.ndarray = stacked.reshape(T * H, *stacked.shape[2:])
            return flat

        return PredictionArrays(
            frame=np.repeat(np.arange(T, dtype=np.int32), H),
            side=np.tile(np.array([SIDES.index(h.side) for h in self.hands], np.uint8), T),
            track=np.tile(np.arange(H, dtype=np.int32), T),
            score=np.ones(T * H, np.float32),
            joints=rows("joints"),
            vertices=rows("vertices"),
            pose=rows("pose"),
            betas=np.tile(np.stack([h.betas for h in self.hands]), (T, 1)),
            translation=rows("translation"),
            intrinsics=self.intrinsics,
            meta={
                "hand_model": "open",
                "method": "truth",
                "version": "1",
                "sequence": self.sequence,
                "subject": self.subject,
                "fps": self.fps,
                "frame_count": T,
                "width": self.width,
                "height": self.height,
            },
        )


@dataclass(frozen=True)
class RenderedClip:
    """A clip before it is drawn: its truth, and `frames()`."""

    truth: ClipTruth
    seed: int
    colours: tuple[np.ndarray, ...]
    lights: Lights
    background: np.ndarray
    occluders: tuple[Occluder, ...]
    motion_blur: int

    def views(self) -> Iterator[View]:
        """Each frame in linear light, with masks and depth; fills `visible` of the truth."""
        for index in range(self.truth.frame_count):
            view = render(self._bodies(index, 0.0), self.lights, self.background, self.truth.intrinsics)
            self._mark_visible(index, view)
            for step in range(1, self.motion_blur):
                later = render(
                    self._bodies(index, step / (2 * self.motion_blur)), self.lights, self.background, self.truth.intrinsics
                )
                view.linear[:] = (view.linear * step + later.linear) / (step + 1)
            yield view

    def frames(self) -> Iterator[np.ndarray]:
        """Each frame as uint8 [height, width, 3], sRGB."""
        for index, view in enumerate(self.views()):
            yield self.develop(index, view)

    def develop(self, index: int, view: View) -> np.ndarray:
        """The picture a camera would give of a view: lens, sRGB, sensor noise."""
        rng = np.random.default_rng([self.seed, 7, index])
        grain = rng.integers(0, 256, (*view.linear.shape[:2], 1), dtype=np.int16)
        picture = to_srgb(lens(view.linear)).astype(np.int16)
        # a uniform byte has a standard deviation of 74
        return np.clip(picture + (grain - 128) * round(NOISE * 255 * 256 / 74) // 256, 0, 255).astype(np.uint8)

    def _bodies(self, index: int, ahead: float) -> list[Body]:
        last = self.truth.frame_count - 1
        following = min(index + 1, last)
        bodies = [
            Body((1 - ahead) * h.vertices[index] + ahead * h.vertices[following], _model(h.side).faces, colour, 0.10)
            for h, colour in zip(self.truth.hands, self.colours, strict=True)
        ]
        for thing in self.occluders:
            place = (1 - ahead) * thing.path[index] + ahead * thing.path[following]
            bodies.append(Body(thing.vertices + place, thing.faces, np.tile(thing.colour, (len(thing.vertices), 1)), 0.15))
        return bodies

    def _mark_visible(self, index: int, view: View) -> None:
        height, width = view.body.shape
        for number, hand in enumerate(self.truth.hands):
            x, y = np.floor(project(hand.joints[index], self.truth.intrinsics)).astype(int).T
            inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
            behind = hand.joints[index, :, 2] - view.depth[y, x]
            hand.visible[index] = inside & (view.body[y, x] == number) & (behind < FLESH)


def make_clip(
    seed: int,
    subject: SyntheticSubject,
    *,
    seconds: float = 5.0,
    fps: int = 30,
    width: int = 640,
    height: int = 480,
    hands: tuple[Side, ...] = ("right",),
    activities: tuple[Activity, ...] | None = None,
    occluders: int = 0,
    motion_blur: int = 1,
    turn: float = 0.5,
    sequence: str = "",
) -> RenderedClip:
    """Draw a clip's scene and motion from a seed.

    Args:
        seed: of everything but the subject.
        subject: whose hands.
        seconds: how long.
        fps: frames a second.
        width: px; the camera is `default_intrinsics`.
        height: px.
        hands: sides, at most one of each.
        activities: one for each hand; drawn unless given.
        occluders: how many things pass before each hand.
        motion_blur: pictures averaged over half a frame's time; 1 is a sharp picture.
        turn: how far hands may turn from facing the camera, radians.
        sequence: its name.
    """
    rng = np.random.default_rng([seed, 1])
    times = np.arange(round(seconds * fps)) / fps
    intrinsics = default_intrinsics(width, height)
    count = len(hands)
    back = bool(rng.uniform() < 0.5)
    truths, things = [], []
    for number, side in enumerate(hands):
        depth = rng.uniform(0.36, 0.46) + 0.16 * (count - 1)
        # seen from behind a right hand is on the right, and so is one whose palm is shown to its owner
        centre = np.array([(0.0 if count == 1 else 0.135) * (1 if side == "right" else -1), -0.01, depth])
        place = Place(centre, np.array([0.035, 0.03, 0.04]), back, turn)
        activity = activities[number] if activities else ACTIVITIES[rng.integers(len(ACTIVITIES))]
        truths.append(
            _hand_truth(np.random.default_rng([seed, 2, number]), side, subject, activity=activity, place=place, times=times)
        )
        things += [make_occluder(np.random.default_rng([seed, 3, number, k]), times, centre) for k in range(occluders)]
    truth = ClipTruth(tuple(truths), intrinsics, float(fps), width, height, sequence or f"synthetic-{seed}", subject.name)
    return RenderedClip(
        truth=truth,
        seed=seed,
        colours=(_skin(subject),) * count,
        lights=make_lights(np.random.default_rng([seed, 4])),
        background=make_background(np.random.default_rng([seed, 5]), width, height),
        occluders=tuple(things),
        motion_blur=motion_blur,
    )


def write_clip(clip: RenderedClip, folder: Path) -> None:
    """Write `video.mp4`, `truth.npz` (canonical prediction) and `extra.npz` into a folder.

    `extra.npz`: `visible` bool [N, 21], rows as in `truth.npz`; `masks` uint8 [N, height, ⌈width / 8⌉]:
    where each hand is seen, eight pixels a byte (`numpy.packbits`); `area` int32 [N], in how many pixels; `header`, JSON.
    """
    folder.mkdir(parents=True, exist_ok=True)
    truth = clip.truth
    masks, area = [], []
    with web_video(folder / "video.mp4", Fraction(truth.fps).limit_denominator(1001), (truth.width, truth.height)) as video:
        for index, view in enumerate(clip.views()):
            video.write(clip.develop(index, view))
            for number in range(len(truth.hands)):
                seen = view.body == number
                masks.append(np.packbits(seen, axis=1))
                area.append(np.count_nonzero(seen))
    visible = np.stack([h.visible for h in truth.hands], axis=1).reshape(-1, 21)
    replace(truth.prediction(), visible=visible).save(folder / "truth.npz")
    header = json.dumps({"sequence": truth.sequence, "subject": truth.subject, "seed": clip.seed})
    extra = {"visible": visible, "masks": np.stack(masks), "area": np.array(area, np.int32)}
    np.savez_compressed(folder / "extra.npz", header=np.array(header), **extra)  # type: ignore[arg-type]


def _model(side: Side) -> HandModel:
    return load_hand_model("open", side)


def _hand_truth(
    rng: np.random.Generator, side: Side, subject: SyntheticSubject, *, activity: Activity, place: Place, times: np.ndarray
) -> HandTruth:
    """All motion is made for a right hand; a left one is its mirror image in a mirrored world."""
    mirror = side == "left"
    flip = np.array([-1.0 if mirror else 1.0, 1.0, 1.0])
    model, right = _model(side), _model("right")
    betas = torch.as_tensor(subject.betas)
    rest = right.rest_joints(betas)[0].double().numpy()
    place = Place(place.centre * flip, place.reach, place.back, place.turn)
    orientation, centre = root_motion(rng, place, times)
    pose = angles_to_pose(joint_motion(rng, activity, times), rest, "right")
    pose[:, 0] = Rotation.from_matrix(orientation).as_rotvec()
    translation = centre - rest[0] - orientation @ (rest[9] - rest[0])
    rotations = torch.as_tensor(pose, dtype=torch.float32)
    rotations = mirror_pose(rotations) if mirror else rotations
    moved = torch.as_tensor(translation * flip, dtype=torch.float32)
    with torch.no_grad():
        output = model(rotations, betas, moved)
    return HandTruth(
        side=side,
        pose=rotations.numpy(),
        betas=subject.betas,
        translation=moved.numpy(),
        joints=output.joints.numpy(),
        vertices=output.vertices.numpy(),
        visible=np.zeros((len(times), 21), bool),
    )


def _skin(subject: SyntheticSubject) -> np.ndarray:
    right = _model("right")
    betas = torch.as_tensor(subject.betas)
    rest = right.rest_vertices(betas)[0].numpy()
    return skin_colours(subject, rest, vertex_normals(rest, right.faces), right.rest_joints(betas)[0].numpy())

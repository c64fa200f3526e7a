"""Synthetic clips: a subject's hands in motion, as images with their whole truth. The same seed gives the same clip."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from ml.clip.encode import web_video
from ml.hand.camera import default_intrinsics, project
from ml.hand.joint_limits import angles_to_pose
from ml.hand.model import HandModel, load_hand_model, mirror_pose
from ml.hand.skeleton import Side
from ml.synthetic.clip_truth import ClipTruth, HandTruth
from ml.synthetic.dressed_hand import DressedHand, dress
from ml.synthetic.environment import Light, make_light, make_view
from ml.synthetic.hand_motion import ACTIVITIES, Activity, Place, joint_motion, root_motion
from ml.synthetic.photograph import Camera, make_camera, photograph
from ml.synthetic.render import Body, View, render
from ml.synthetic.scene import Occluder, make_background, make_occluder
from ml.synthetic.skin import Skin, make_skin
from ml.synthetic.subjects import SyntheticSubject

FLESH: Final = 0.025
"""Metres; a joint is at most this far below the skin that is seen in front of it."""


@dataclass(frozen=True)
class RenderedClip:
    """A clip before it is drawn: its truth, and `frames()`."""

    truth: ClipTruth
    seed: int
    hands: tuple[DressedHand, ...]
    skin: Skin
    light: Light
    background: np.ndarray
    occluders: tuple[Occluder, ...]
    camera: Camera
    motion_blur: int

    def views(self) -> Iterator[View]:
        """Each frame in linear light, with masks and depth; fills `visible` of the truth."""
        for index in range(self.truth.frame_count):
            view = self._view(index, 0.0)
            self._mark_visible(index, view)
            for step in range(1, self.motion_blur):
                later = self._view(index, step / (2 * self.motion_blur))
                view.linear[:] = (view.linear * step + later.linear) / (step + 1)
            yield view

    def frames(self) -> Iterator[np.ndarray]:
        """Each frame as uint8 [height, width, 3], sRGB."""
        for index, view in enumerate(self.views()):
            yield self.develop(index, view)

    def develop(self, index: int, view: View) -> np.ndarray:
        """The image that the camera makes of a view."""
        return photograph(view, self.camera, self.truth.intrinsics, np.random.default_rng([self.seed, 7, index]))

    def _view(self, index: int, ahead: float) -> View:
        last = self.truth.frame_count - 1
        following = min(index + 1, last)
        drawn = [hand.bodies(index, ahead) for hand in self.hands]
        # the hands come first, as the masks number them
        bodies = [own[0] for own in drawn] + [body for own in drawn for body in own[1:]]
        for thing in self.occluders:
            place = (1 - ahead) * thing.path[index] + ahead * thing.path[following]
            count = len(thing.vertices)
            bodies.append(Body(thing.vertices + place, thing.faces, np.tile(thing.colour, (count, 1)), np.full(count, 0.3)))
        return render(bodies, self.light, self.skin, self.background, self.truth.intrinsics)

    def _mark_visible(self, index: int, view: View) -> None:
        height, width = view.body.shape
        for number, hand in enumerate(self.truth.hands):
            x, y = np.floor(project(hand.joints[index], self.truth.intrinsics)).astype(int).T
            inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
            behind = hand.joints[index, :, 2] - view.depth[y, x]
            hand.visible[index] = inside & (view.body[y, x] == number) & (behind < FLESH)


@dataclass(frozen=True)
class Look:
    """How a clip looks beyond its motion.

    Attributes:
        dressed: hands may wear and hold things; forearms are always there.
        plain_camera: no lens distortion and no image compression.
        focal: focal length over the width of the image; that of `default_intrinsics` where not given. Hands are then further
            away, so that they fill as much of the image.
        distance: of the hands from the camera, over the usual.
        drift: how far hands may be off the middle, over the usual; above 1 the border may cut them.
        skins: folder of skin textures (`ml.synthetic.skin`).
    """

    dressed: bool = True
    plain_camera: bool = True
    focal: float | None = None
    distance: float = 1.0
    drift: float = 1.0
    skins: Path | None = None


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
    look: Look | None = None,
    sequence: str = "",
) -> RenderedClip:
    """Draw a clip's scene and motion from a seed.

    Args:
        seed: of everything but the subject.
        subject: whose hands.
        seconds: how long.
        fps: frames a second.
        width: px.
        height: px.
        hands: sides, at most one of each.
        activities: one for each hand; drawn unless given.
        occluders: how many things pass before each hand.
        motion_blur: images averaged over half a frame's time; 1 is a sharp image.
        turn: how far hands may turn from facing the camera, radians.
        look: light, clothes and camera.
        sequence: its name.
    """
    rng, look = np.random.default_rng([seed, 1]), look or Look()
    times = np.arange(round(seconds * fps)) / fps
    intrinsics, further = _lens(look, width, height)
    back = bool(rng.uniform() < 0.5)
    truths, things = [], []
    for number, side in enumerate(hands):
        centre = _centre(rng, side, further, len(hands))
        place = Place(centre, look.drift * np.array([0.035, 0.03, 0.04 * further]), back, turn)
        activity = activities[number] if activities else ACTIVITIES[rng.integers(len(ACTIVITIES))]
        own = np.random.default_rng([seed, 2, number])
        truths.append(_hand_truth(own, side, subject, activity=activity, place=place, times=times))
        things += [make_occluder(np.random.default_rng([seed, 3, number, k]), times, centre) for k in range(occluders)]
    truth = ClipTruth(tuple(truths), intrinsics, float(fps), width, height, sequence or f"synthetic-{seed}", subject.name)
    light, environment, turned = make_light(np.random.default_rng([seed, 4]))
    view = make_view(environment, turned, intrinsics, width, height)
    dressed = [dress(np.random.default_rng([seed, 6, n]), hand, bare=not look.dressed) for n, hand in enumerate(truths)]
    return RenderedClip(
        truth=truth,
        seed=seed,
        hands=tuple(dressed),
        skin=_skin(subject.seed, look.skins),
        light=light,
        background=make_background(np.random.default_rng([seed, 5]), view),
        occluders=tuple(things),
        camera=make_camera(np.random.default_rng([seed, 8]), plain=look.plain_camera),
        motion_blur=motion_blur,
    )


def _centre(rng: np.random.Generator, side: Side, further: float, hands: int) -> np.ndarray:
    """Where a hand moves about, [3], m."""
    depth = further * (rng.uniform(0.36, 0.46) + 0.16 * (hands - 1))
    # seen from behind a right hand is on the right, and so is one whose palm is shown to its owner
    return np.array([(0.0 if hands == 1 else 0.135) * (1 if side == "right" else -1), -0.01, depth])


def _lens(look: Look, width: int, height: int) -> tuple[np.ndarray, float]:
    """Intrinsics [3, 3] (px), and how much farther hands are, so that they stay as large in the image."""
    intrinsics = default_intrinsics(width, height)
    if look.focal is None:
        return intrinsics, look.distance
    further = look.distance * look.focal * width / intrinsics[0, 0]
    intrinsics[[0, 1], [0, 1]] = look.focal * width
    return intrinsics, further


@lru_cache(maxsize=4)
def _skin(seed: int, folder: Path | None) -> Skin:
    return make_skin(seed, folder)


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
    orientation, centre = root_motion(rng, place, times, activity)
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

"""MediaPipe itself, on what needs no photograph, and on real skin where the clips are at hand."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.clip import open_clip
from ml.clip.encode import web_video
from ml.keypoints.detector import MAX_HANDS, HandDetector, detect
from ml.keypoints.gaps import fill_gaps
from ml.keypoints.tracklet import hand_distance
from ml.keypoints.tracks import HandTrack, Keypoints

MEDIA = Path(__file__).resolve().parents[4] / "shared" / "media"
media = [
    pytest.mark.media,
    pytest.mark.skipif(
        not MEDIA.is_dir(), reason="real clips are looked for in ../shared/media beside the clone; it is absent"
    ),
]


def real(name: str):
    return pytest.param(name, marks=media)


@pytest.fixture
def blank(tmp_path: Path):
    for k in range(4):
        Image.new("RGB", (64, 48), (90, 90, 90)).save(tmp_path / f"{k}.png")
    return open_clip(tmp_path)


@pytest.mark.parametrize("static", [False, True])
def test_no_hands_are_no_tracks(blank, static):
    stages = []
    keypoints = detect(blank, static=static, progress=lambda stage, done: stages.append((stage, done)))
    assert keypoints.tracks == ()
    assert (keypoints.frame_count, keypoints.width, keypoints.height, keypoints.source) == (4, 64, 48, "mediapipe")
    assert stages[-1] == ("finding hands", 1.0)
    assert all(a[1] <= b[1] for a, b in pairwise(stages))


@pytest.mark.parametrize("max_hands", [0, MAX_HANDS + 1])
def test_number_of_hands_is_limited(blank, max_hands):
    with pytest.raises(ValueError, match="expected 1 to"):
        detect(blank, max_hands=max_hands)


class CancelledError(Exception):
    pass


def test_an_exception_of_the_progress_callback_stops_detection(blank):
    def cancel(stage: str, done: float) -> None:
        raise CancelledError

    with pytest.raises(CancelledError):
        detect(blank, progress=cancel)


@pytest.mark.parametrize("name", [real("hands_pan.mp4")])
def test_two_left_hands(name, tmp_path):
    """Rigid in the image under a known motion: mapped back by it, a track that never swaps stays in place."""
    keypoints = detect(open_clip(MEDIA / name))
    assert [t.side for t in keypoints.tracks] == ["left", "left"]
    motion = np.load(MEDIA / "hands_pan_affine.npy")
    for track in keypoints.tracks:
        assert len(track.frames) >= 148
        assert len(np.unique(track.frames)) == len(track.frames)
        A, b = motion[track.frames, :, :2], motion[track.frames, :, 2]
        photo = np.linalg.solve(A[:, None], (track.joints_2d - b[:, None])[..., None])[..., 0]
        wrists = photo[:, 0]
        assert np.linalg.norm(wrists - np.median(wrists, axis=0), axis=1).max() < 20
    keypoints.save(tmp_path / "k.npz")
    again = Keypoints.load(tmp_path / "k.npz")
    assert all(np.array_equal(a.joints_2d, b.joints_2d) for a, b in zip(keypoints.tracks, again.tracks, strict=True))


@pytest.mark.parametrize("name", [real("asl_hand_25fps.mp4")])
def test_signing_hand_agrees_with_its_reference(name):
    (track,) = detect(open_clip(MEDIA / name)).tracks
    assert (track.side, len(track.frames)) == ("right", 325)
    reference = np.array(json.loads((MEDIA / "asl_hand_mediapipe_world.json").read_text()))
    assert np.median(np.linalg.norm(track.world - reference, axis=-1)) < 0.5e-3


@pytest.mark.parametrize("name", [real("hands_photo.jpg")])
def test_a_photograph_on_its_own(name):
    keypoints = detect(open_clip(MEDIA / name), static=True)
    assert [t.side for t in keypoints.tracks] == ["left", "left"]
    for track in keypoints.tracks:
        assert track.frames.tolist() == [0]
        assert (track.joints_2d >= 0).all()
        assert (track.joints_2d <= [keypoints.width, keypoints.height]).all()


@pytest.mark.parametrize("name", [real("hands_pan.mp4")])
def test_the_second_look_agrees_with_the_first(name):
    """Frames taken out of the tracks are found again in crops, within a twentieth of a hand."""
    clip = open_clip(MEDIA / name)
    whole = detect(clip).tracks
    cut = [_without(t, range(50, 58)) for t in whole]
    extra = fill_gaps(clip, cut, lambda: HandDetector(2, static=True, confidence=0.3))
    assert len(extra) >= 14
    for frame, hand in extra:
        nearest = min(hand_distance(hand.joints_2d, t.joints_2d[t.frames == frame][0]) for t in whole)
        assert nearest < 0.05


def _without(track: HandTrack, frames: range) -> HandTrack:
    kept = ~np.isin(track.frames, frames)
    rows = (getattr(track, name)[kept] for name in ("frames", "joints_2d", "world", "score"))
    return HandTrack(track.track, track.side, *rows)


def test_works_in_a_forked_child(blank):
    """Workers fork before they load anything: as here, from a clean server, the graph is built in the child."""
    with ProcessPoolExecutor(1, mp_context=get_context("forkserver")) as pool:
        assert pool.submit(detect, blank).result().tracks == ()


@pytest.mark.parametrize("name", [real("asl_hand_25fps.mp4")])
def test_a_real_hand_lost_for_153_frames_comes_back_as_the_same(name, tmp_path):
    """A right hand beside its mirror image, which is covered for 153 frames and reappears elsewhere."""
    target = tmp_path / "two.mp4"
    with web_video(target, Fraction(25), (640, 540)) as writer:
        for k, image in enumerate(open_clip(MEDIA / name).frames(stop=220)):
            small = image[::2, ::2]
            wide = np.full((540, 640, 3), 90, np.uint8)
            wide[:, 325 : 325 + small.shape[1]] = small
            if not 35 <= k < 188:
                wide[:, : small.shape[1]] = np.roll(small[:, ::-1], 0 if k < 35 else 60, axis=0)
            writer.write(wide)
    tracks = {t.side: t for t in detect(open_clip(target)).tracks}
    assert sorted(tracks) == ["left", "right"]
    assert len(tracks["right"].frames) >= 210
    assert tracks["left"].frames[0] < 5
    assert tracks["left"].frames[-1] > 215
    assert not set(range(37, 186)) & set(tracks["left"].frames.tolist())

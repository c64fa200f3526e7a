"""The renderer: geometry against formulas, light that obeys its laws, skin that is a person's own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from ml.synthetic.clips import Look, make_clip
from ml.synthetic.environment import Light, _irradiance, directions, make_light
from ml.synthetic.photograph import Camera, make_camera, photograph
from ml.synthetic.render import Body, View, render
from ml.synthetic.skin import make_skin
from ml.synthetic.skin_maps import skin_maps
from ml.synthetic.subjects import make_subject
from ml.synthetic.zbuffer import rasterise

K = np.array([[200.0, 0, 64], [0, 200, 64], [0, 0, 1]])
SKIN = make_skin(0)
DARK = Light(np.zeros((9, 3)), np.zeros((16, 32, 3), np.float32), np.array([-1.0, 0, 0]), np.ones(3))


def ball(centre: tuple[float, float, float], radius: float) -> Body:
    mesh = trimesh.creation.icosphere(subdivisions=3, radius=radius)
    count = len(mesh.vertices)
    return Body(mesh.vertices + np.array(centre), np.asarray(mesh.faces), np.full((count, 3), 0.5), np.zeros(count))


def drawn(*bodies: Body, light: Light = DARK) -> View:
    return render(list(bodies), light, SKIN, np.zeros((128, 128, 3), np.float32), K)


def test_depth_and_weights_are_perspective_correct():
    vertices = np.array([[-0.2, -0.2, 0.5], [0.2, -0.1, 1.0], [0.0, 0.25, 0.7]])
    seen = rasterise(vertices, np.array([[0, 2, 1]]), K, 128, 128)
    y, x = np.nonzero(seen.face == 0)
    assert len(x) > 500
    points = seen.weights[y, x] @ vertices[[0, 2, 1]]
    np.testing.assert_allclose(points[:, 2], seen.depth[y, x], rtol=1e-5)
    pixels = points @ K.T
    np.testing.assert_allclose(pixels[:, :2] / pixels[:, 2:], np.stack([x, y], 1) + 0.5, atol=1e-3)
    assert (rasterise(vertices, np.array([[0, 1, 2]]), K, 128, 128).face < 0).all(), "a face seen from behind is drawn"


def test_the_nearer_body_hides_the_other():
    view = drawn(ball((0, 0, 0.6), 0.1), ball((0.02, 0, 0.4), 0.03))
    assert view.body[64, 74] == 1
    assert view.body[64, 40] == 0
    assert view.depth[64, 74] == pytest.approx(0.37, abs=0.005)


def test_a_lamp_lights_the_side_that_faces_it_and_casts_a_shadow():
    alone = drawn(ball((0, 0, 0.6), 0.1))
    assert alone.linear[64, 38].mean() > 5 * alone.linear[64, 85].mean()
    beside = drawn(ball((0, 0, 0.6), 0.1), ball((-0.25, 0, 0.53), 0.06))
    assert beside.linear[64, 40].mean() < 0.2 * alone.linear[64, 40].mean()


def test_an_even_sky_lights_everything_evenly():
    vectors, solid = directions((16, 32))
    coefficients = _irradiance(np.ones((16, 32, 3)), vectors, solid)
    np.testing.assert_allclose(coefficients[0], 1, atol=0.01)
    np.testing.assert_allclose(coefficients[1:], 0, atol=0.01)


def test_light_from_above_lights_surfaces_that_face_up():
    vectors, solid = directions((16, 32))
    sky = np.repeat(np.maximum(-vectors[..., 1:2], 0), 3, -1)
    light = replace(DARK, irradiance=_irradiance(sky, vectors, solid), lamp_colour=np.zeros(3))
    view = drawn(ball((0, 0, 0.6), 0.1), light=light)
    assert view.linear[40, 64].mean() > 4 * view.linear[88, 64].mean()


@pytest.mark.parametrize("seed", range(6))
def test_light_of_every_seed_is_finite_and_neither_dark_nor_blinding(seed):
    light, _, turn = make_light(np.random.default_rng(seed))
    assert np.isfinite(light.irradiance).all()
    assert 0.2 < light.irradiance[0].mean() < 1
    assert 0 <= light.lamp_colour.mean() <= 1.21
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-9)


def test_skin_differs_between_people_and_is_repeatable():
    again, other = make_skin(0), make_skin(1)
    np.testing.assert_array_equal(SKIN.texture, again.texture)
    assert np.abs(SKIN.texture - other.texture).mean() > 0.01
    assert np.isfinite(SKIN.texture).all()
    assert SKIN.texture.min() > 0


def test_palms_are_lighter_than_backs_and_nails_shine():
    maps = skin_maps()
    palm, back = maps.normal[:, 1] < -0.8, maps.normal[:, 1] > 0.8
    hand = maps.position[:, 0] < 0.06
    nail = maps.nail > 0.9
    for seed in range(5):
        texture = make_skin(seed).texture[maps.inside]
        assert texture[palm & hand, :3].mean() > texture[back & hand, :3].mean()
        assert texture[nail, 3].mean() > 1.2 * texture[~nail, 3].mean()


def test_textures_of_a_folder_are_used_for_some_people(tmp_path):
    import cv2  # noqa: PLC0415

    cv2.imwrite(str(tmp_path / "mh_blue.png.jpg"), np.full((64, 64, 3), (200, 40, 10), np.uint8))
    blue = [(t := make_skin(seed, tmp_path).texture[..., :3].mean((0, 1)))[2] > t[0] for seed in range(8)]
    assert 0 < sum(blue) < 8


def test_masks_are_of_the_hand_without_its_forearm():
    clip = make_clip(5, make_subject(0, "test", 1), seconds=0.2, fps=10, width=128, height=128, look=Look(dressed=False))
    view = next(clip.views())
    assert (view.body == 0).any()
    assert (view.body == 127).any()
    assert set(np.unique(view.body)) == {-1, 0, 127}


def test_a_longer_lens_shows_the_hand_as_large_from_further_away():
    subject = make_subject(0, "test", 1)
    near, far = (make_clip(5, subject, seconds=0.2, fps=10, width=128, height=128, look=Look(focal=f)) for f in (0.8, 2.4))
    assert far.truth.hands[0].joints[0, 0, 2] > 2.5 * near.truth.hands[0].joints[0, 0, 2]
    spans = []
    for clip in (near, far):
        pixels = clip.truth.hands[0].joints[0] @ clip.truth.intrinsics.T
        spans.append(np.ptp(pixels[:, :2] / pixels[:, 2:], axis=0).max())
    assert spans[1] == pytest.approx(spans[0], rel=0.2)


def test_a_plain_camera_neither_distorts_nor_compresses():
    for seed in range(20):
        camera = make_camera(np.random.default_rng(seed), plain=True)
        assert camera.distortion == 0
        assert camera.quality is None


def test_exposure_brings_dark_and_bright_scenes_to_the_same_level():
    flat = [np.full((64, 64, 3), level, np.float32) for level in (0.02, 2.0)]
    nothing = np.full((64, 64), -1, np.int8)
    images = [
        photograph(View(f, nothing, np.zeros((64, 64)), np.zeros((64, 64), np.float32)), Camera(), K, np.random.default_rng(0))
        for f in flat
    ]
    assert images[0].mean() == pytest.approx(images[1].mean(), abs=2)
    assert 100 < images[0].mean() < 170

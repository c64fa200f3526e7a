import io
import json

import numpy as np
import pytest
import trimesh
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage


@pytest.fixture
def url(finished_run):
    return f"/api/v1/runs/{finished_run.pk}/"


@pytest.fixture
def chunk(finished_run):
    return default_storage.listdir(f"{finished_run.prediction.folder}/track")[1][0]


def test_prediction(api, viewer, url):
    response = api(viewer).get(f"{url}prediction/")
    arrays = np.load(io.BytesIO(response.getvalue()), allow_pickle=False)
    assert arrays["frame"].tolist() == [0, 0, 1, 1, 2]
    assert 'filename="our clip-2d-fit.npz"' in response["Content-Disposition"]


def test_a_range_of_the_prediction(api, viewer, url):
    response = api(viewer).get(f"{url}prediction/", headers={"Range": "bytes=0-1"})
    assert (response.status_code, response.getvalue()) == (206, b"PK")


def test_track_and_series(api, viewer, url):
    assert json.loads(api(viewer).get(f"{url}track/").getvalue())["version"] == 1
    assert json.loads(api(viewer).get(f"{url}series/").getvalue())["version"] == 1


def test_chunks_never_change(api, viewer, url, chunk):
    response = api(viewer).get(f"{url}track/{chunk}")
    assert response.getvalue()[:2] == b"\x1f\x8b"
    assert response["Content-Type"] == "application/octet-stream"
    assert "Content-Encoding" not in response
    assert "immutable" in response["Cache-Control"]
    assert "private" in response["Cache-Control"]


@pytest.mark.parametrize("name", ["0" * 32 + ".bin", "..%2fprediction.bin", "track.json", "../track.json", "ABCDEF0123.bin"])
def test_unknown_chunk_names_are_not_found(api, viewer, url, name):
    assert api(viewer).get(f"{url}track/{name}").status_code == 404


@pytest.mark.parametrize("extension", ["glb", "obj", "ply"])
def test_a_frame_as_a_mesh(api, viewer, url, extension):
    response = api(viewer).get(f"{url}frames/1.{extension}")
    assert response.status_code == 200
    assert f'filename="our clip-2d-fit-000001.{extension}"' in response["Content-Disposition"]
    scene = trimesh.load(io.BytesIO(response.content), file_type=extension, process=False)
    points = np.concatenate([g.vertices for g in scene.geometry.values()]) if extension == "glb" else scene.vertices
    expected = np.arange(30, 60, dtype=np.float64).reshape(10, 3) * [1, -1, -1]
    np.testing.assert_allclose(np.sort(points, axis=0), np.sort(expected, axis=0), atol=1e-4)
    assert b"metres; x right, y up, z towards the camera" in response.content.partition(b"end_header")[0]


def test_hands_differ_in_colour(api, viewer, url):
    scene = trimesh.load(io.BytesIO(api(viewer).get(f"{url}frames/0.glb").content), file_type="glb")
    colours = {tuple(g.visual.vertex_colors[0]) for g in scene.geometry.values()}
    assert len(colours) == 2


def test_a_compressed_prediction_can_be_read_too(api, viewer, url, finished_run):
    key = f"{finished_run.prediction.folder}/prediction.npz"
    with default_storage.open(key) as source:
        arrays = dict(np.load(source, allow_pickle=False))
    target = io.BytesIO()
    np.savez_compressed(target, **arrays)
    default_storage.delete(key)
    default_storage.save(key, ContentFile(target.getvalue()))
    assert api(viewer).get(f"{url}frames/1.ply").status_code == 200


@pytest.mark.parametrize("frame", ["3.glb", "999999999.ply", "0.fbx", "-1.obj", "1000000000000.obj", "x.obj"])
def test_frames_that_are_not_there(api, viewer, url, frame):
    assert api(viewer).get(f"{url}frames/{frame}").status_code == 404


@pytest.mark.parametrize("part", ["prediction/", "track/", "series/", "frames/0.glb", "track/0123456789.bin"])
class TestEach:
    def test_outsiders_and_anonymous_callers_are_refused(self, refusals, url, part):
        statuses = refusals("get", f"{url}{part}")
        assert (statuses["anonymous"], statuses["outsider"]) == (401, 404)

    def test_wrong_method(self, api, viewer, url, part):
        assert api(viewer).post(f"{url}{part}").status_code == 405

    def test_files_of_a_run_without_a_prediction_are_not_found(self, api, viewer, url, part, finished_run):
        finished_run.prediction.delete()
        response = api(viewer).get(f"{url}{part}")
        assert response.status_code == 404

    def test_files_that_are_gone(self, api, viewer, url, part, finished_run):
        finished_run.prediction.folder = "runs/gone"
        finished_run.prediction.save()
        assert api(viewer).get(f"{url}{part}").status_code == 404

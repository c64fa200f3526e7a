"""The help page lists every format and metric; each template is a file that the scorer takes."""

import numpy as np
import pytest

from ml.catalog import METRICS, PROTOCOLS
from ml.formats import dexycb, freihand, joint_lists
from ml.formats.archive import unpacked
from ml.formats.orders import TO_OPENPOSE
from ml.formats.prediction import PredictionArrays
from palmares.help.prediction_templates import _FROM_OPENPOSE, template


def test_it_is_open_to_everyone_and_complete(client, db):
    page = client.get("/help/")
    assert page.status_code == 200
    text = page.content.decode()
    assert all(f'id="{name}"' in text for name in METRICS)
    assert all(f"/help/templates/{name}/" in text for name in PROTOCOLS)


def test_an_unknown_protocol(client, db):
    assert client.get("/help/templates/nonsense/").status_code == 404


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_template_can_be_read(client, db, tmp_path, protocol):
    answer = client.get(f"/help/templates/{protocol}/")
    name, content = template(protocol)
    assert f'filename="{name}"' in answer["Content-Disposition"]
    assert answer.content == content
    path = tmp_path / name
    path.write_bytes(content)
    if name == "pred.zip":
        with unpacked(path, ".json", name=name) as member:
            found = freihand.open_prediction(member, name)
            assert (len(found), found.vertex_count) == (2, 778)
    elif name.endswith(".txt"):
        np.savez(tmp_path / "truth.npz", index=np.arange(2), joint_3d=np.full((2, 21, 3), 0.5, np.float32))
        truth = dexycb.open_truth(tmp_path / "truth.npz")
        assert len(dexycb.open_prediction(path, truth, name)) == 2
    elif name.endswith(".json"):
        assert len(joint_lists.open_joints(path, name, truth=False)) == 2
    else:
        assert PredictionArrays.load(path).joints.shape == (2, 21, 3)


@pytest.mark.parametrize("order", _FROM_OPENPOSE)
def test_joint_orders_are_those_of_the_scorer(order):
    known = "mano" if order == "ho3d" else order
    back = [_FROM_OPENPOSE[order][place] for place in TO_OPENPOSE[known]]
    assert back == list(range(21))

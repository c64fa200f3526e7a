"""Names of joints, of which the web has its own copy because it may not import their definition."""

from ml.hand.skeleton import JOINTS as SKELETON
from palmares.runs.scores import JOINTS


def test_joints_are_named_as_predictions_name_them():
    assert JOINTS == SKELETON

"""Names of joints, which the web may not import from where they are defined."""

from ml.hand.skeleton import JOINTS as SKELETON
from palmares.runs.scores import JOINTS


def test_joints_are_named_as_predictions_name_them():
    assert JOINTS == SKELETON

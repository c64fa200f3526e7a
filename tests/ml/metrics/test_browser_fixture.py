"""The fixture that the browser's metrics are tested with holds what `ml.metrics` computes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from ml.metrics.alignment import ALIGNMENTS
from tests.ml.metrics.browser_fixture import PATH, expected, inputs

FIXTURE = json.loads(PATH.read_text())


def test_its_inputs_are_those_of_the_generator():
    assert {key: FIXTURE[key] for key in ("frames", "truth", "prediction")} == inputs()


@pytest.mark.parametrize("name", ALIGNMENTS)
def test_its_alignments_and_errors_are_those_of_the_metrics(name: str):
    fresh = expected(FIXTURE)
    np.testing.assert_allclose(FIXTURE["aligned"][name], fresh["aligned"][name], rtol=0, atol=1e-9)
    for errors in ("errors_mm", "tip_errors_mm"):
        np.testing.assert_allclose(FIXTURE[errors][name], fresh[errors][name], rtol=0, atol=1e-6)


def test_its_acceleration_errors_are_those_of_the_metrics():
    fresh, kept = (np.array(each["acceleration_mm"], np.float64) for each in (expected(FIXTURE), FIXTURE))
    np.testing.assert_allclose(kept, fresh, rtol=0, atol=1e-6)
    assert np.isnan(kept).sum() == 4, "ends and the frames beside the gap have no second difference"


def test_its_lag_and_kept_amplitude_are_those_of_the_metrics():
    fresh = expected(FIXTURE)["smoothness"]
    assert FIXTURE["smoothness"]["lag"] == fresh["lag"]
    assert FIXTURE["smoothness"]["amplitude"] == pytest.approx(fresh["amplitude"], abs=1e-9)

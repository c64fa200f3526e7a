"""The reference implementation of MANO's layer, on our arrays: what the hand model is tested and timed against."""

from __future__ import annotations

import contextlib
import io

import smplx
from smplx.utils import Struct

from ml.hand.arrays import HandArrays


def smplx_layer(arrays: HandArrays) -> smplx.MANOLayer:
    """`smplx.MANOLayer` in float32 with a flat rest pose; it takes rotation matrices."""
    data = Struct(
        v_template=arrays.template,
        f=arrays.faces,
        shapedirs=arrays.shape_directions,
        posedirs=arrays.pose_directions,
        J_regressor=arrays.regressor,
        kintree_table=arrays.kintree,
        weights=arrays.weights,
        hands_components=arrays.pose_components,
        hands_mean=arrays.pose_mean,
    )
    with contextlib.redirect_stdout(io.StringIO()):  # it prints that ten shape coefficients are few
        return smplx.MANOLayer(
            model_path="", data_struct=data, is_rhand=arrays.side == "right", flat_hand_mean=True, use_pca=False
        )

"""The rows of the study of `zhou2020`, and that training IKNet on pixels leaves DetNet as it is."""

from __future__ import annotations

import torch

from ml.networks.detection_maps import PixelIKNet
from ml.networks.network_files import load_network_file, weights_path
from ml.training.systems.zhou import NAME, PUBLISHED, TRAINING, ablations


def test_the_ablation_has_the_rows_of_the_paper_each_with_the_right_loss_terms():
    rows = ablations()
    assert {*rows, "without IKNet"} == {*PUBLISHED, "without 2D joints"}
    terms = {name: set(row.settings["weights"]) for name, row in rows.items()}
    assert terms["ours"] == {"cos", "l2", "xyz", "norm"}
    assert terms["without L_l2 and L_cos"] == {"xyz", "norm"}
    assert terms["ours"] - terms["without L_l2"] == {"l2"}
    assert terms["ours"] - terms["without L_cos"] == {"cos"}
    assert rows["without 3DPosData"].settings["motion_share"] == 1.0
    assert rows["without 2D joints"].build().ik.layers[0][0].in_features == 252


def test_the_shipped_pixel_networks_share_the_weights_of_detnet():
    alone, whole = (
        load_network_file(TRAINING.variants[name].build(), weights_path(NAME, name)).state_dict()
        for name in ("detnet", "pixels")
    )
    assert all(torch.equal(whole[name], tensor) for name, tensor in alone.items())


def test_a_step_of_ik_training_gives_the_detector_no_gradient():
    torch.manual_seed(0)
    network = PixelIKNet().train()
    batch = {
        "seen": torch.randn(4, 21, 3),
        "landmarks": torch.randn(4, 21, 2),
        "rotations": torch.eye(3).expand(4, 16, 3, 3),
        "betas": torch.zeros(4, 10),
    }
    TRAINING.variants["pixels"].loss(network, batch).backward()
    assert all(p.grad is None for p in network.backbone.parameters())
    assert all(p.grad is not None for p in network.ik.parameters())

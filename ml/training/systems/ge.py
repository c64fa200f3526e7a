"""Training of `ge2019`, and its study: mesh against parameters, terms of the mesh loss, the weakly supervised stage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import smooth_l1_loss

from ml.hand.model import load_hand_model
from ml.identity.backbones import FEATURES as POSE_FEATURE
from ml.identity.networks import PoseHead
from ml.metrics.alignment import procrustes_align
from ml.networks.hand_batch import HandBatch, HandGuess, HandNetwork
from ml.networks.mesh_graph import FEATURE, UNIT, GraphNetwork, KeypointGraph, PixelGraph, StagedMeshes, mesh_levels
from ml.networks.residual_mlp import ResidualMLP
from ml.training.loop import Batch, Schedule
from ml.training.mesh_terms import Surface, depth_term, edge_lengths, mesh_terms, placed_in_crop, true_surface
from ml.training.survey_data import SurveyData
from ml.training.system_training import PYRAMID, SystemTraining, VariantTraining, errors, fitted, guesses

WEIGHTS: Final = {"vertices": 1.0, "normals": 1.0, "edges": 1.0, "laplacian": 50.0, "joints": 1.0}
"""The paper's. Lengths are in units of 40 mm."""
WEAK: Final = {"depth": 0.1, "pseudo": 1.0}
"""Weights of the weakly supervised stage; the paper's, which also has heat maps at 0.1."""
LANDMARK_NOISE: Final = 0.012
"""Standard deviation, in half crops, of the noise added to each detected 2D joint."""
LABELLED: Final = 0.1
"""Share of the training people that have 3D labels in the weakly supervised study."""
TURN: Final = 0.05
"""Where the smooth L1 of the 2D joints turns from squares to absolute values, in halves of the crop."""
MESHES: Final = 16
"""Hands of a batch whose finest meshes are computed."""
SHORT: Final = Schedule(steps=300, batch=256, rate=1e-3)
"""Of every network of the study."""


def noisy(batch: Batch) -> HandBatch:
    """The hands of a batch with moved landmarks."""
    seen = HandBatch.of(batch)
    return replace(seen, landmarks=seen.landmarks + LANDMARK_NOISE * torch.randn_like(seen.landmarks))


class MeshTarget(NamedTuple):
    """What a network's `StagedMeshes` are compared with: all hands' coarsest nodes [B, 102, 3], and some hands' meshes."""

    coarse: Tensor
    fine: Surface


def some_rows(count: int) -> Tensor:
    """Those hands of a batch whose meshes are computed."""
    return torch.arange(0, count, max(1, count // MESHES))


def true_target(batch: Batch) -> MeshTarget:
    """Of hands of one size."""
    true = true_surface(batch["rotations"], batch["betas"], same_size=True)
    rows = some_rows(len(true.joints))
    nodes = torch.as_tensor(mesh_levels().nodes[0])
    return MeshTarget(true.vertices[:, nodes], Surface(true.vertices[rows], true.joints[rows]))


def mesh_loss(found: StagedMeshes, target: MeshTarget, weights: Mapping[str, float]) -> Tensor:
    """The terms of the meshes, and the coarsest nodes' L1 about their mean."""
    terms = mesh_terms(Surface(found.vertices, found.joints), target.fine)
    coarse, wanted = (nodes - nodes.mean(1, keepdim=True) for nodes in (found.coarse, target.coarse))
    total = torch.stack([weights[name] * term for name, term in terms.items()]).sum()
    return total + weights["vertices"] * (coarse - wanted).abs().mean()


def loss_of(weights: Mapping[str, float]) -> Callable[[HandNetwork, Batch], Tensor]:
    """The loss of a graph network under full supervision."""

    def loss(network: HandNetwork, batch: Batch) -> Tensor:
        assert isinstance(network, GraphNetwork)
        found = network.staged(noisy(batch), some_rows(len(batch["points"])))
        return mesh_loss(found, true_target(batch), weights)

    return loss


def pixel_loss(network: HandNetwork, batch: Batch) -> Tensor:
    """The terms of the meshes, and smooth L1 of the 2D joints in place of the paper's heat maps."""
    assert isinstance(network, PixelGraph)
    with torch.autocast(batch["points"].device.type, torch.bfloat16):
        points, feature = network.seen(HandBatch.of(batch))
    found = network.decoded(feature.float(), some_rows(len(batch["points"])))
    return mesh_loss(found, true_target(batch), WEIGHTS) + smooth_l1_loss(points.float(), batch["points"], beta=TURN)


def parametric_loss(network: HandNetwork, batch: Batch) -> Tensor:
    """The same terms on the meshes of `ParametricNetwork`, of the same share of hands, and its joints' L1 on all."""
    rows = some_rows(len(batch["points"]))
    assert isinstance(network, ParametricNetwork)
    rotations, betas = network.parameters_of(noisy(batch))
    model = load_hand_model("open", "right", device=betas.device)
    joints = model.joints(rotations, betas, betas.new_zeros(3))
    output = model(rotations[rows], betas[rows], betas.new_zeros(3))
    wrist = output.joints[:, :1]
    found = Surface((output.vertices - wrist) / UNIT, (output.joints - wrist) / UNIT)
    terms = mesh_terms(found, true_surface(batch["rotations"][rows], batch["betas"][rows], same_size=False))
    total = torch.stack([WEIGHTS[name] * term for name, term in terms.items()]).sum()
    apart: Tensor = (joints - joints[:, :1] - batch["joints"]).abs().mean() / UNIT
    return total + apart


def weak_loss(teacher: GraphNetwork, weights: Mapping[str, float]) -> Callable[[HandNetwork, Batch], Tensor]:
    """The weakly supervised stage: labels where a row has them; elsewhere depth maps and the teacher's meshes.

    Batches hold `labelled`, bool [B].
    """

    def loss(network: HandNetwork, batch: Batch) -> Tensor:
        assert isinstance(network, GraphNetwork)
        has, rows = batch["labelled"], some_rows(len(batch["points"]))
        found = network.staged(noisy(batch), rows)
        true = true_target(batch)
        with torch.no_grad():
            pseudo = teacher.staged(HandBatch.of(batch), rows)
        few = has[rows]
        vertices = torch.where(few[:, None, None], true.fine.vertices, pseudo.vertices)
        joints = torch.where(few[:, None, None], true.fine.joints, pseudo.joints)
        coarse = torch.where(has[:, None, None], true.coarse, pseudo.coarse)
        total = weights["pseudo"] * mesh_loss(found, MeshTarget(coarse, Surface(vertices, joints)), WEIGHTS)
        if weights["depth"] and not few.all():
            own = Surface(found.vertices[~few], found.joints[~few])
            placed = placed_in_crop(own, batch["landmarks"][rows][~few])
            total = total + weights["depth"] * depth_term(placed, batch["depths"][rows][~few], batch["silhouettes"][rows][~few])
        return total

    return loss


class ParametricNetwork(HandNetwork):
    """For comparison: the same encoder, with pose and shape of the hand model instead of the graph."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = ResidualMLP(84, FEATURE, width=512, blocks=3, dropout=0.05)
        self.widen = nn.Linear(FEATURE, POSE_FEATURE)
        self.pose = PoseHead()
        self.shape = nn.Linear(FEATURE, 10)

    def parameters_of(self, hands: HandBatch) -> tuple[Tensor, Tensor]:
        """Rotations [B, 16, 3, 3] and betas [B, 10]."""
        feature = self.encoder(torch.cat([4 * hands.landmarks.flatten(1), hands.inputs[:, :42]], 1))
        return self.pose(self.widen(feature)), self.shape(feature)

    def forward(self, hands: HandBatch) -> HandGuess:
        """The mesh of the estimated pose and shape."""
        rotations, betas = self.parameters_of(hands)
        output = load_hand_model("open", "right", device=betas.device)(rotations, betas, betas.new_zeros(3))
        wrist = output.joints[:, :1]
        return HandGuess(joints=output.joints - wrist, vertices=output.vertices - wrist, betas=betas, is_metric=True)


def study(data: SurveyData, held_out: SurveyData, folder: Path) -> dict[str, Any]:
    """Networks on keypoints, each trained for `SHORT`."""

    def trained(name: str, build: Callable[[], HandNetwork], loss: Callable[[HandNetwork, Batch], Tensor]) -> dict[str, float]:
        network, _ = fitted(VariantTraining(build, loss, SHORT, settings={"part": name}), data, folder / name)
        return errors(network, held_out) | roughness(network, held_out)

    found = {
        "graph": trained("graph", KeypointGraph, loss_of(WEIGHTS)),
        "parametric": trained("parametric", ParametricNetwork, parametric_loss),
    }
    for left_out in ("normals", "edges", "laplacian"):
        found[f"graph without {left_out}"] = trained(left_out, KeypointGraph, loss_of(WEIGHTS | {left_out: 0.0}))
    found["graph, vertices only"] = trained("vertices", KeypointGraph, loss_of(dict.fromkeys(WEIGHTS, 0.0) | {"vertices": 1.0}))
    return {
        "validation_samples": len(held_out),
        "steps": SHORT.steps,
        "loss_terms": found,
        "weak": weak_study(data, held_out, folder),
    }


"""
"""


def weak_study(data: SurveyData, held_out: SurveyData, folder: Path) -> dict[str, Any]:
    """Labels for a tenth of the people: one stage, then a second one with labels, pseudo-meshes and depth maps."""
    people = torch.as_tensor(sorted(set(data.people.tolist())))
    few = torch.isin(data.people, people[: max(1, round(LABELLED * len(people)))])
    labelled, rest = (torch.nonzero(rows).flatten() for rows in (few, ~few))
    first = VariantTraining(KeypointGraph, loss_of(WEIGHTS), SHORT, settings={"labelled": len(labelled)})
    teacher, _ = fitted(first, data, folder / "weak-first", rows=labelled)
    assert isinstance(teacher, GraphNetwork)
    teacher.requires_grad_(False)

    def second(name: str, weights: Mapping[str, float], rows: Tensor) -> dict[str, float]:
        def build() -> HandNetwork:
            network = KeypointGraph()
            network.load_state_dict(teacher.state_dict())
            return network

        variant = VariantTraining(
            build, weak_loss(teacher, weights), SHORT, settings={"weak": dict(weights)}, batches=_mixed(labelled, rows)
        )
        network, _ = fitted(variant, data, folder / f"weak-{name}")
        return errors(network, held_out) | roughness(network, held_out)

    return {
        "labelled_samples": len(labelled),
        "other_samples": len(rest),
        "first stage": errors(teacher, held_out) | roughness(teacher, held_out),
        "second stage, labels": second("labels", WEAK, labelled[:0]),
        "second stage, labels and pseudo-meshes": second("pseudo", WEAK | {"depth": 0.0}, rest),
        "second stage, labels, pseudo-meshes and depth": second("depth", WEAK, rest),
    }


def _mixed(labelled: Tensor, rest: Tensor) -> Callable[[SurveyData, Schedule], Callable[[int], Batch]]:
    """Batches of which one half is labelled; all of it where there is no rest."""

    def batches(data: SurveyData, schedule: Schedule) -> Callable[[int], Batch]:
        def part(rows: Tensor, count: int, seed: int) -> Callable[[int], Batch]:
            return data.batches(count, seed, pixels=False, depths=True, rows=rows)

        half = schedule.batch // 2
        if not len(rest):
            whole = part(labelled, schedule.batch, schedule.seed)
            return lambda step: _flagged(whole(step), schedule.batch)
        pair = part(labelled, half, schedule.seed), part(rest, half, schedule.seed + 1)

        def mixed(step: int) -> Batch:
            one, other = (made(step) for made in pair)
            return _flagged({name: torch.cat([one[name], other[name]]) for name in one}, len(one["points"]))

        return mixed

    return batches


def _flagged(batch: Batch, labelled: int) -> Batch:
    """The batch, whose first rows are labelled."""
    return batch | {"labelled": torch.arange(len(batch["points"])) < labelled}


@torch.no_grad()
def roughness(network: HandNetwork, data: SurveyData) -> dict[str, float]:
    """PA-MPVPE (mm), and the mean error of edge lengths (%), of scale-free meshes."""
    guess = guesses(network, data)
    assert guess.vertices is not None
    true = true_surface(data.data.rotations, data.data.betas, same_size=False).vertices * UNIT
    aligned, _ = procrustes_align(true.double().numpy(), guess.vertices.double().numpy(), reflections=False)
    apart = torch.as_tensor(aligned - true.numpy()).norm(dim=-1)
    lengths, wanted = (edge_lengths(vertices) for vertices in (torch.as_tensor(aligned), true.double()))
    return {
        "pa_mpvpe": round(1000 * float(apart.mean()), 3),
        "edges_percent": round(100 * float((lengths / wanted - 1).abs().mean()), 2),
    }


TRAINING: Final = SystemTraining(
    name="ge2019",
    variants={
        "keypoints": VariantTraining(
            KeypointGraph,
            loss_of(WEIGHTS),
            Schedule(steps=600, batch=256, rate=1e-3),
            settings={"weights": WEIGHTS, "meshes": MESHES, "unit_mm": 1000 * UNIT, "landmark_noise": LANDMARK_NOISE},
        ),
        "pixels": VariantTraining(
            PixelGraph,
            pixel_loss,
            Schedule(steps=1200, batch=32, rate=1e-3),
            pyramid=PYRAMID,
            settings={"weights": WEIGHTS, "meshes": MESHES, "unit_mm": 1000 * UNIT},
        ),
    },
    study=study,
    losses="vertices 1, normals 1, edges 1, Laplacian 50, joints 1, vertices of the coarsest graph 1; units of 40 mm; "
    "on pixels 2D joints 1, in halves of the crop",
)

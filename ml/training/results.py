"""The report of `ml.training.tables`: measured and published values, the targets, and why some are missed."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import Any, Final

from ml.identity.weights import DEFAULT

ROWS: Final = {
    "baseline": ("Baseline", 21.58),
    "gt_shape": ("Identity-aware, GT shape", 18.83),
    "calibrated": ("Identity-aware, calibrated", 18.97),
    "baseline_opt": ("Baseline, optimised", 18.03),
    "gt_shape_opt": ("Identity-aware, GT shape, optimised", 16.60),
    "calibrated_opt": ("Identity-aware, calibrated, optimised", 16.81),
}
"""Our name: the paper's row, and its RA-MPJPE on DexYCB in mm."""
OTHERS: Final = {
    "baseline_adam": "Baseline, as in the paper: 300 Adam steps",
    "gt_shape_adam": "Identity-aware, GT shape, as in the paper: 300 Adam steps",
    "calibrated_adam": "Identity-aware, calibrated, as in the paper: 300 Adam steps",
    "calibrated_without_scale": "Calibrated, no scale known",
    "calibrated_without_scale_opt": "Calibrated, no scale known, optimised",
    "mediapipe": "MediaPipe's world landmarks",
}
CALIBRATION: Final = {
    "l_error_mm": ("L-error, mm (the ruler's alone)", 1.20),
    "w_error_mm": ("W-error, mm", 0.88),
    "mse": ("MSE of β", 0.04),
}
"""Of K = 20 frames: key, name, published on DexYCB."""
COLUMNS: Final = {"l_error_mm": "L", "w_error_mm": "W", "finger_error_mm": "fingers", "mse": "MSE"}
"""Of table 3, for each backbone."""
FEW: Final = ("2", "3", "5")
"""Numbers of frames for which confidence must beat uniform weights; with one frame the two are equal."""
RANKING: Final = 0.70
LOSS_STUDY: Final = Path("docs/results/kong2022-losses.json")
"""Of `ml.training.mesh_loss_study`."""
_LENGTH: Final = """\
L is the error of the ruler alone: the length is fixed to the ruler's reading, which has an error of {ruler:.1f} mm (standard
deviation; the value assumed for users' rulers), so it is the same for every solver and for the mean hand without frames. The
frames add the proportions: the width (W), and "fingers", the mean absolute error of the five finger lengths of the rest hand
from knuckle to tip. Row 0 is the baseline to beat.
"""
_WHY: Final = """\
- **Optimised.** The fit is made for real images. The 2D joints are, in single images as here, those 35% of the way from the
  detector's to the image network's; on `landmarks`, pose and shape are in the middle of both networks, and the orientation is
  that of the image network. On renders the detector errs by 5.5% of the box and the network by 2.2%, so the good estimate of
  `image` is moved away, and that of `landmarks` gains. Real hands gain either way: on the two-camera clip (`python -m
  tests.bench real`) PA-MPJPE falls from 13.5 and 14.0 mm (`kong2022`) to 10.6 and 10.1 (`kong2022-opt`), and against the
  joints that both see in the mean, which meet best there, from 12.6 and 13.2 to 8.5 and 8.2; on `image` (with one shape) from
  12.5 and 11.9 to 11.0 and 10.1, and from 9.7 and 9.2 to 8.6 and 7.9. The paper's own procedure, which follows the image
  network's joints alone and no other term, stands beside it.
- **Baseline, optimised.** Most of the baseline's remaining error is the size of the hand, which one frame does not show and 2D
  joints cannot correct. In DexYCB ten people have nearly one size; here β is drawn anew for everyone.
- **MSE of β.** The components that move the mesh least cannot be seen in 21 joints, and MSE counts them as much as the others.
  The published .04 is of MANO's β of ten people. Tried: the mean of the answers (`mean`), the paper's problem (`poster`), the
  best linear estimate (`shrinkage`), and a common fit of all frames (`joint-bundle`). On landmarks MediaPipe's systematic
  error is taken for the person's shape; on images W is within the published .88 mm. The correlation of the errors within a
  person is taken into account (`ml.identity.calibration.ERROR_CORRELATION`).
- **Ranking, and confidence against uniform weights.** Over all pairs of frames the error is mostly the person's own distance
  from the mean hand, which no frame predicts; so frames of one person are ranked. A network that looks at one frame cannot
  rank them either; the calibration can: frames whose shape contradicts what all frames say (`expected_errors` in
  `ml/identity/calibration.py`) are the worse ones, also among frames that it did not use. A softmax of the scores leaves fewer
  frames to average over; weights from expected errors were tried and hardly change the calibration.
"""
_DIFFERS: Final = """\
- **Data.** Rendered people with their own β, not DexYCB, which needs a licence; loaders for DexYCB and HUMBI exist. The
  published values are on DexYCB: compare ratios, not millimetres.
- **Backbones.** MediaPipe's landmark network, trained further, on 192 px with 256 features (`image`), and an MLP on landmarks,
  not ResNet-50 on 224 px with 1000. A head of the image network gives the 2D joints for both. AdamW with a cosine schedule; on
  images both networks share the backbone, on landmarks the identity-aware one starts from the baseline's weights.
- **Loss.** L1 of 21 joints and of 20 bone lengths replaces vertices, normals and mesh edges: for a batch of 256 the hand part
  of a step takes {joints_ms:.0f} ms, and {mesh_ms:.0f} ms by the mesh. The weight of the shape is 0.5, and 1 in the
  paper. {study}
- **Optimisation.** The paper takes 200 Adam steps for the translation and 100 for translation and pose, on mean squared pixels
  of 21 joints without a prior. Here the translation has a closed form, and Gauss–Newton steps fit the joints, the detector's
  world landmarks and priors about the estimate (`ml.methods.evidence`); the paper's procedure takes
  the image network's joints, on landmarks too. Ours against the paper's, RA-MPJPE in mm on {backbones}: baseline
  {baseline}; GT shape {gt_shape}; calibrated {calibrated}.
- **Calibration.** The default solver is not the poster's but those named at table 3; `poster` and the released code's `mean`
  stand beside them. How confidence becomes weights is not published: here it is a softmax of the scores.
"""
_REAL: Final = """\
Images are better than landmarks alone, on renders and on real skin, of which the backbone has seen much before renders: on the
two-camera clip (`python -m tests.bench real`, PA-MPJPE in mm for camera 0 and 1) `kong2022` has 13.5 and 14.0,
`kong2022-image` 12.5 and 11.9; a CNN trained on 23 000 renders alone had 14.5 and 14.8. So calibrations look at images;
`fused-fit`, `hmp2024` and Kong's fitted methods take the orientation of the hand and shares of its joint angles and 2D joints
from them. `kong2022` and `kong2022-identity` need no pixels and are the faster: 2 100 hands a second beside 130.
"""


def report(result: dict[str, Any]) -> str:
    """The tables as Markdown."""
    lines = [
        "# Identity-aware estimation: results",
        "",
        "Kong et al., ECCV 2022, with two backbones: `landmarks` on MediaPipe's landmarks (`kong2022`, `-opt`, `-identity` and "
        "`-identity-opt`), and `image` on image crops as in the paper (`kong2022-image…`). Calibrations, and so the calibrated "
        f"shapes of both, are of `{DEFAULT}`. Written by `make tables` for {result['people']} test people "
        f"of seed {result['seed']} that were not in the training data; MediaPipe found the hand in {result['found']} of "
        f"{result['frames']} rendered frames, and every row is measured on those.",
        "",
        *_table_1(result),
        *_table_3(result),
        *_targets(result),
        *_differences(result),
        *_backbones(result),
    ]
    for backbone, measured in result["backbones"].items():
        lines += [_training(backbone, measured), ""]
    return "\n".join([*lines, f"These tables took {result['seconds']} s."]) + "\n"


def _training(backbone: str, measured: dict[str, Any]) -> str:
    """How the networks were trained, and how good they are on people of validation and of test."""
    card, joints = measured["training"], measured["mpjpe"]
    held_out = card["validation"]
    return (
        f"The `{backbone}` networks ({card['parameters'] / 1e6:.1f} million parameters) were trained on "
        f"{card['training_samples']} detections of {card['training_people']} people in {card['seconds'] / 60:.0f} minutes "
        f"({card['machine']}). On validation people and on these test people: RA-MPJPE of the baseline "
        f"{held_out['ra_mpjpe_baseline']:.2f} and {joints['baseline']:.2f} mm, of the identity-aware network with the true "
        f"shape {held_out['ra_mpjpe_identity_true_shape']:.2f} and {joints['gt_shape']:.2f} mm, MSE of β of one frame "
        f"{held_out['shape_mse']:.3f} and {measured['shape_mse']:.3f}, ranking accuracy {held_out['ranking_accuracy']:.3f} and "
        f"{measured['ranking_accuracy']:.3f}. {card.get('note', '')}"
    ).rstrip()


def _table_1(result: dict[str, Any]) -> list[str]:
    every = result["backbones"]
    lines = [
        "## Table 1: errors in mm, and their ratio to the baseline",
        "",
        "| method | published (DexYCB) | ratio | " + " | ".join(f"{b}: RA-MPJPE | ratio | PA-MPJPE" for b in every) + " |",
        "|---" * (3 + 3 * len(every)) + "|",
    ]
    for name, title in {**{name: title for name, (title, _) in ROWS.items()}, **OTHERS}.items():
        theirs = f"{ROWS[name][1]:.2f} | {ROWS[name][1] / ROWS['baseline'][1]:.3f}" if name in ROWS else "– | –"
        cells = (f"{m['mpjpe'][name]:.2f} | {_ratio(m, name):.3f} | {m['pa_mpjpe'][name]:.2f}" for m in every.values())
        lines.append(f"| {title} | {theirs} | " + " | ".join(cells) + " |")
    return [
        *lines,
        "",
        '"Calibrated" uses at most 20 frames of the first half of a person\'s frames, and the hand length from a ruler with '
        f"an error of {result['ruler_mm']:.1f} mm (standard deviation); without a ruler one camera cannot know the size.",
        "",
    ]


def _ratio(measured: dict[str, Any], name: str) -> float:
    """Of a row's RA-MPJPE to the baseline's."""
    ratio: float = measured["mpjpe"][name] / measured["mpjpe"]["baseline"]
    return ratio


def _table_3(result: dict[str, Any]) -> list[str]:
    every = result["backbones"]
    lines = [
        "## Table 3: calibration from K frames, scale known",
        "",
        "Mean errors in mm, and the MSE of β. The default is "
        + " and ".join(f"`{m['solver']}` on `{b}`" for b, m in every.items())
        + ", with confidence weights.",
        "",
        "| K | solver, weights | " + " | ".join(f"{b}: " + " | ".join(COLUMNS.values()) for b in every) + " |",
        "|---" * (2 + len(COLUMNS) * len(every)) + "|",
        "| 0 | the mean hand and the ruler, no frames | "
        + " | ".join(_errors(m["ruler_alone"]) for m in every.values())
        + " |",
    ]
    variants = {backbone: measured["calibration_variants"] for backbone, measured in every.items()}
    first = next(iter(variants.values()))
    for count in next(iter(first.values())):
        for kind in first:
            cells = (_errors(tables[kind][count]) for tables in variants.values())
            lines.append(f"| {count} | {', '.join(kind.rsplit('-', 1))} | " + " | ".join(cells) + " |")
    return [
        *lines,
        "",
        *_LENGTH.format(ruler=result["ruler_mm"]).splitlines(),
        "",
        "MSE of β, direction by direction, of the default with 20 frames: "
        + "; ".join(
            f"`{backbone}` " + ", ".join(f"{one:.2f}" for one in measured["mse_by_direction"])
            for backbone, measured in every.items()
        )
        + ".",
        "",
    ]


def _errors(row: dict[str, float]) -> str:
    return " | ".join(f"{row[key]:.3f}" if key == "mse" else f"{row[key]:.2f}" for key in COLUMNS)


def _targets(result: dict[str, Any]) -> list[str]:
    """A row a target, a column a backbone."""
    columns = [dict(_judged(measured)) for measured in result["backbones"].values()]
    # both have the same targets in the same order, though their default solvers may differ
    lines = ["## Targets", "", "| target | " + " | ".join(result["backbones"]) + " |", "|---" * (1 + len(columns)) + "|"]
    lines += [f"| {target} | " + " | ".join(column[target] for column in columns) + " |" for target in columns[0]]
    return [
        *lines,
        "",
        "The noise is two standard errors, over people, of the difference between the two numbers of frames.",
        "",
        "Why some are missed, and what was tried:",
        "",
        *_WHY.splitlines(),
        "",
    ]


def _judged(measured: dict[str, Any]) -> list[tuple[str, str]]:
    """Target, and what was measured of it on one backbone with whether that is enough."""

    def at_most(value: float, asked: float) -> str:
        return f"{value:.3f}, {'reached' if value <= asked else 'missed'}"

    twenty = measured["calibration"]["20"]
    found = [
        (
            f"{title}{told}: ratio ≤ {published / ROWS['baseline'][1]:.3f}",
            at_most(_ratio(measured, name), published / ROWS["baseline"][1]),
        )
        for row, (title, published) in ROWS.items()
        if row != "baseline"
        for name, told in ((row, ""), *(((row.replace("_opt", "_adam"), " as in the paper"),) if row.endswith("_opt") else ()))
    ]
    found += [
        (f"K = 20: {title} ≤ {published:.2f}", at_most(twenty[key], published))
        for key, (title, published) in CALIBRATION.items()
    ]
    fingers, alone = twenty["finger_error_mm"], measured["ruler_alone"]["finger_error_mm"]
    verdict = "reached" if fingers < alone else "missed"
    found.append(
        ("K = 20: fingers, mm < those of the mean hand and the ruler", f"{fingers:.3f} against {alone:.3f}, {verdict}")
    )
    kinds = {"default solver": f"{measured['solver']}-confidence", "`poster`": "poster-confidence"}
    for told, kind in kinds.items():
        for key, error in (("w_error_mm", "W-error, mm"), ("mse", "MSE of β")):
            found.append(
                (f"{told}: largest rise of {error} from one K to a larger one ≤ noise", _rise(measured["rises"][kind][key]))
            )
    for told, kind in kinds.items():
        for key, error in (("w_error_mm", "W-error"), ("mse", "MSE")):
            sure, even = (measured["calibration_variants"][k] for k in (kind, kind.replace("confidence", "uniform")))
            ratios = [sure[count][key] / even[count][key] for count in FEW]
            verdict = "reached" if max(ratios) < 1 else "missed"
            told_ratios = ", ".join(f"{ratio:.3f}" for ratio in ratios)
            found.append((f"{told}: {error}, confidence over uniform weights at K = 2, 3, 5 < 1", f"{told_ratios}: {verdict}"))
    for told, key in (
        ("the confidence of a single frame ranks correctly", "ranking_accuracy_within_people"),
        ("its expected error given the calibration ranks correctly", "ranking_accuracy_calibrated"),
    ):
        ranked = measured[key]
        verdict = "reached" if ranked >= RANKING else "missed"
        found.append((f"pairs of a person's frames that {told} ≥ {RANKING:.2f}", f"{ranked:.3f}, {verdict}"))
    worst = max(value for name, value in measured["pa_mpjpe"].items() if name != "mediapipe" and not name.endswith("_adam"))
    found.append(("largest PA-MPJPE of ours over MediaPipe's ≤ 0.5", at_most(worst / measured["pa_mpjpe"]["mediapipe"], 0.5)))
    return found


def _rise(rise: dict[str, Any]) -> str:
    noise = 2 * rise["standard_error"]
    verdict = "reached" if rise["rise"] <= noise else "missed"
    return f"{rise['rise']:.3f} ({rise['from']} → {rise['to']}; noise {noise:.3f}), {verdict}"


def _differences(result: dict[str, Any]) -> list[str]:
    """What is not the paper's, why, and what it makes where that was measured."""

    def pair(name: str) -> str:
        both = (
            f"{m['mpjpe'][f'{name}_opt']:.2f} against {m['mpjpe'][f'{name}_adam']:.2f}" for m in result["backbones"].values()
        )
        return " and ".join(both)

    cost = result["loss_seconds"]
    text = _DIFFERS.format(
        joints_ms=1000 * cost["joints"],
        mesh_ms=1000 * cost["mesh"],
        study=_loss_study(json.loads(LOSS_STUDY.read_text())),
        backbones=" and ".join(f"`{name}`" for name in result["backbones"]),
        baseline=pair("baseline"),
        gt_shape=pair("gt_shape"),
        calibrated=pair("calibrated"),
    )
    paragraphs = text.replace("\n  ", " ").splitlines()
    wrapped = (textwrap.fill(one, 124, subsequent_indent="  ", break_on_hyphens=False) for one in paragraphs)
    return ["## What differs from the paper", "", *wrapped, ""]


def _loss_study(found: dict[str, Any]) -> str:
    """What the paper's loss gained, in a sentence or two."""
    ours, theirs = found["joints"], found["mesh"]

    def pair(key: str, digits: int) -> str:
        return f"{ours[key]:.{digits}f} against {theirs[key]:.{digits}f}"

    return (
        f"On a part of the training data ({ours['training_samples']:.0f} hands, {found['steps']} steps of {found['batch']}, "
        f"means of {len(ours['by_seed'])} trainings; `python -m ml.training.mesh_loss_study`) ours against the paper's has on "
        f"validation people RA-MPJPE {pair('ra_mpjpe', 2)} mm, PA-MPJPE {pair('pa_mpjpe', 2)} mm, vertices about the wrist "
        f"{pair('ra_mpvpe', 2)} mm and MSE of β {pair('shape_mse', 3)}, after {pair('seconds', 0)} s."
    )


def _backbones(result: dict[str, Any]) -> list[str]:
    every = result["backbones"]
    lines = [
        "## Backbones: landmarks or pixels",
        "",
        "The same heads, losses and test frames.",
        "",
        "| | " + " | ".join(every) + " |",
        "|---" * (1 + len(every)) + "|",
    ]
    for key, told in {
        "joints_2d": "2D joints, mean error as a share of the hand's box",
        "shape_mse": "MSE of β, one frame",
        "ranking_accuracy": "ranking accuracy, all pairs",
        "ranking_accuracy_within_people": "ranking accuracy, pairs of one person",
        "ranking_accuracy_calibrated": "the same by the expected error, frames that the calibration did not use",
    }.items():
        lines.append(f"| {told} | " + " | ".join(f"{m[key]:.3f}" for m in every.values()) + " |")
    return [*lines, "", *_REAL.splitlines(), ""]

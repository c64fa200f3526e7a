"""Train the survey's systems: `python -m ml.training.train_systems [NAME …] [--variant V] [--study]`, part of `make train`.

Every variant starts from nothing but the samples of `ml.training.samples` (networks on pixels also from the feature pyramid of
`kong2022-image`), and an interrupted run continues. `--study` runs a system's experiment and writes `docs/results/NAME.json`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import torch

from ml.device import default_device
from ml.networks.network_files import FOLDER
from ml.training.samples import make_samples
from ml.training.survey_data import SurveyData
from ml.training.system_training import SystemTraining, run
from ml.training.systems import training_of, trainings
from ml.training.train_kong2022 import CACHE, Config, print_progress

RESULTS: Final = Path("docs/results")


def survey_data(clips: int = Config.clips, seed: int = Config.seed) -> tuple[SurveyData, SurveyData]:
    """Training and validation hands, of different people: those of `train_kong2022`."""
    training = make_samples(CACHE, split="train", seed=seed, clips=clips, report=print_progress)
    held_out = make_samples(
        CACHE, split="validation", seed=seed, clips=max(clips // 10, 2), clips_a_subject=2, report=print_progress
    )
    depths = CACHE.parent / "survey"
    depths.mkdir(parents=True, exist_ok=True)
    return (
        SurveyData.of(training, depths / f"depths-train-{seed}-{clips}.npy"),
        SurveyData.of(held_out, depths / f"depths-validation-{seed}-{clips}.npy"),
    )


def shortened(system: SystemTraining, steps: int) -> SystemTraining:
    """The same with other numbers of steps."""
    variants = {
        name: replace(variant, schedule=replace(variant.schedule, steps=steps)) for name, variant in system.variants.items()
    }
    return replace(system, variants=variants)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("systems", nargs="*", metavar="NAME", help=f"among {', '.join(trainings())}; all by default")
    parser.add_argument("--variant", help="one variant only")
    parser.add_argument("--study", action="store_true", help="run the experiment of the paper's claims instead")
    parser.add_argument("--clips", type=int, default=Config.clips)
    parser.add_argument("--steps", type=int, help="optimiser steps, for a quick try")
    parser.add_argument("--folder", type=Path, default=Path("var/training/survey"), help="of checkpoints")
    parser.add_argument("--weights", type=Path, default=FOLDER, help="folder for weights and cards")
    parser.add_argument("--device", type=torch.device, default=default_device())
    chosen = parser.parse_args(arguments)
    data, held_out = survey_data(chosen.clips)
    for system in [training_of(name) for name in chosen.systems] or trainings().values():
        if chosen.study:
            if system.study is not None:
                found = system.study(data, held_out, chosen.folder / f"{system.name}-study")
                RESULTS.mkdir(parents=True, exist_ok=True)
                (RESULTS / f"{system.name}.json").write_text(json.dumps(found, indent=1) + "\n")
                print(json.dumps(found, indent=1))
            continue
        for name in system.variants:
            if chosen.variant in (None, name):
                made = system if chosen.steps is None else shortened(system, chosen.steps)
                card = run(made, name, data, held_out, chosen.folder, device=chosen.device, weights=chosen.weights)
                print(system.name, name, f"{card['seconds']} s", json.dumps(card["validation"]), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

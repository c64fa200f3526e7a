"""The dashboards that an installation has from its first start: over the demo's clips and the embedded benchmark."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction

from ml.catalog import METHODS
from palmares.dashboards.content import OPTIONS, new_panel
from palmares.dashboards.models import Dashboard
from palmares.dashboards.services import create_dashboard
from palmares.leaderboards.synthetic_benchmark import SLUG
from palmares.runs.demo_team import SUBJECTS
from palmares.teams.models import Membership, Role, Team
from palmares.uploads.models import Upload

NAME: Final = "First results"
_TEXT: Final = (
    "Every method on two rendered clips and on the small benchmark **Palmarès Synth**. Values appear as runs finish. "
    "Filter above, open a point or a cell to see its frames, or press *Edit* to make this page your own."
)
SURVEY_NAME: Final = "The survey"
SURVEY_METHODS: Final = (
    "zimmermann2017",
    "cai2018",
    "boukhayma2019",
    "ge2019",
    "zhou2020",
    "2d-fit",
    "kong2022",
    "mediapipe-ik",
    "fused-fit",
    "hmp2024",
)
_SURVEY_TEXT: Final = (
    "Five systems from 2017 to 2020, trained here on renders, beside the platform's own methods. On users' videos they take "
    "MediaPipe's keypoints; each can be run on pixels too (option *Input*). The slices show where a system fails: by occlusion "
    "and by pose. Training and differences from the papers: `docs/systems`; accuracy on test people and on real hands: "
    "`docs/results/survey.md`."
)


@transaction.atomic
def ensure_first_dashboard(*, team: Team) -> Dashboard | None:
    """The team's dashboards over the demo's clips, of which the first is returned; None where the team has no owner.

    A team that has a dashboard already keeps what it has.
    """
    Team.objects.select_for_update(no_key=True).get(pk=team.pk)
    found = Dashboard.objects.filter(team=team).order_by("created_at").first()
    owner = Membership.objects.filter(team=team, role=Role.OWNER).select_related("user").first()
    if found is not None or owner is None:
        return found
    first = create_dashboard(team=team, name=NAME, by=owner.user, content={"panels": _placed(_first_panels(team))})
    methods = [name for name in SURVEY_METHODS if name in METHODS]
    survey = {"panels": _placed(_survey_panels()), "filters": {"methods": methods, "alignment": "procrustes"}}
    create_dashboard(team=team, name=SURVEY_NAME, by=owner.user, content=survey)
    return first


_Placed = tuple[str, dict[str, Any], tuple[int, int, int, int]]
"""A panel's kind and options, and its x, y, width and height."""


def _first_panels(team: Team) -> list[_Placed]:
    clip = Upload.objects.filter(subject__team=team, subject__name__in=SUBJECTS).order_by("created_at", "id").first()
    of_synth = {"benchmark": SLUG}
    return [
        ("text", {"markdown": _TEXT}, (0, 0, 12, 3)),
        ("board", {**of_synth, "rows": 10}, (0, 3, 7, 17)),
        ("pck", {**of_synth}, (7, 3, 5, 17)),
        ("metrics", {"metric": "reprojection"}, (0, 20, 12, 18)),
        ("joints", {**of_synth}, (0, 38, 7, 15)),
        ("significance", {**of_synth}, (7, 38, 5, 15)),
        ("smooth", {}, (0, 53, 6, 15)),
        ("scatter", {"x": "bone_length", "y": "reprojection"}, (6, 53, 6, 15)),
        ("slices", {"by": "viewpoint"}, (0, 68, 5, 15)),
        ("failures", {"rows": 12}, (5, 68, 7, 15)),
        ("viewer", {"upload": str(clip.pk) if clip else ""}, (0, 83, 12, 18)),
    ]


def _survey_panels() -> list[_Placed]:
    of_synth = {"benchmark": SLUG}
    return [
        ("text", {"markdown": _SURVEY_TEXT}, (0, 0, 12, 3)),
        ("board", {**of_synth, "rows": 20}, (0, 3, 7, 22)),
        ("pck", {**of_synth}, (7, 3, 5, 22)),
        ("metrics", {"metric": "pa_mpjpe"}, (0, 25, 12, 18)),
        ("slices", {"by": "occlusion"}, (0, 43, 6, 16)),
        ("slices", {"by": "pose"}, (6, 43, 6, 16)),
        ("significance", {**of_synth}, (0, 59, 6, 18)),
        ("scatter", {"x": "jitter", "y": "pa_mpjpe"}, (6, 59, 6, 18)),
        ("failures", {"rows": 12}, (0, 77, 12, 15)),
    ]


def _placed(panels: list[_Placed]) -> list[dict[str, Any]]:
    return [
        {**new_panel(kind, {**OPTIONS[kind], **options}), **dict(zip("xywh", place, strict=True))}
        for kind, options, place in panels
    ]

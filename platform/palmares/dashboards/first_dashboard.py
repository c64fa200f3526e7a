"""The dashboard that an installation has from its first start: over the demo's clips and the embedded benchmark."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction

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


@transaction.atomic
def ensure_first_dashboard(*, team: Team) -> Dashboard | None:
    """The team's dashboard over the demo's clips; what is there stays as it is. None where the team has no owner."""
    Team.objects.select_for_update(no_key=True).get(pk=team.pk)
    found = Dashboard.objects.filter(team=team).order_by("created_at").first()
    owner = Membership.objects.filter(team=team, role=Role.OWNER).select_related("user").first()
    if found is not None or owner is None:
        return found
    return create_dashboard(team=team, name=NAME, by=owner.user, content={"panels": _panels(team)})


def _panels(team: Team) -> list[dict[str, Any]]:
    clip = Upload.objects.filter(subject__team=team, subject__name__in=SUBJECTS).order_by("created_at", "id").first()
    of_synth = {"benchmark": SLUG}
    placed: list[tuple[str, dict[str, Any], tuple[int, int, int, int]]] = [
        ("text", {"markdown": _TEXT}, (0, 0, 12, 4)),
        ("board", {**of_synth, "rows": 10}, (0, 4, 7, 17)),
        ("pck", {**of_synth}, (7, 4, 5, 17)),
        ("metrics", {"metric": "reprojection"}, (0, 21, 12, 18)),
        ("joints", {**of_synth}, (0, 39, 7, 15)),
        ("significance", {**of_synth}, (7, 39, 5, 15)),
        ("smooth", {}, (0, 54, 6, 15)),
        ("scatter", {"x": "bone_length", "y": "reprojection"}, (6, 54, 6, 15)),
        ("slices", {"by": "viewpoint"}, (0, 69, 5, 15)),
        ("failures", {"rows": 12}, (5, 69, 7, 15)),
        ("viewer", {"upload": str(clip.pk) if clip else ""}, (0, 84, 12, 18)),
    ]
    return [
        {**new_panel(kind, {**OPTIONS[kind], **options}), **dict(zip("xywh", place, strict=True))}
        for kind, options, place in placed
    ]

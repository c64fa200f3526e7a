"""The part of the page's head that depends on who is signed in."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context

from palmares.teams.models import Team
from palmares.teams.pages import CHOSEN_TEAM

register = template.Library()


@register.inclusion_tag("parts/team_switcher.html", takes_context=True)
def team_switcher(context: Context) -> dict[str, Any]:
    """A choice between one's teams; nothing for who is in one team or none."""
    request = context["request"]
    teams = list(Team.objects.visible_to(request.user))
    chosen = request.session.get(CHOSEN_TEAM)
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "teams": teams if len(teams) > 1 else [],
        "chosen": next((team for team in teams if str(team.pk) == chosen), None),
    }

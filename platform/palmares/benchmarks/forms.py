"""The form in which owners say what a benchmark is and by which rules it ranks."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms

from ml.catalog import METRICS
from palmares.benchmarks import ranking_rules
from palmares.benchmarks.models import Benchmark


class BenchmarkForm(forms.ModelForm):  # type: ignore[type-arg]  # it has no parameters when it runs
    """All that may change: not the team, the address or the protocol."""

    class Meta:
        model = Benchmark
        fields: ClassVar = [
            "name", "summary", "description", "rules", "licence", "citation", "daily_limit", "yearly_limit",
            "yearly_person_limit", "allows_unverified", "deadline", "missing", "penalty_mm", "shows_frames", "primary_metric",
        ]  # fmt: skip
        labels: ClassVar = {
            "daily_limit": "Submissions a day",
            "yearly_limit": "Submissions in 365 days, of everyone outside the team",
            "yearly_person_limit": "Submissions in 365 days, of one person outside the team",
            "allows_unverified": "Accept submissions of people without a verified email address",
            "deadline": "Deadline, UTC",
            "missing": "Hands that are not predicted",
            "penalty_mm": "Error of a missing hand, mm",
            "shows_frames": "Show errors by frame to the team that submitted",
            "primary_metric": "Ranked by",
        }
        help_texts: ClassVar = {
            "daily_limit": "Scored ones, of a team and of a person (UTC).",
            "yearly_limit": "Where errors by frame are not shown. It bounds what can be learned of the truth.",
            "yearly_person_limit": "Where errors by frame are not shown. A person is a verified email address.",
            "allows_unverified": "Anybody can make many such accounts.",
            "missing": "With another rule everything is scored again, for you to publish.",
            "penalty_mm": "Where a missing hand counts with a penalty.",
            "shows_frames": "From enough of them a truth can be rebuilt: leave it off where the truth is private.",
            "primary_metric": "Until a visitor asks for another.",
        }
        widgets: ClassVar = {
            "deadline": forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
            **{name: forms.Textarea(attrs={"rows": 3}) for name in ("description", "rules", "citation")},
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # the one that is set may have a curve of its own, `pa_auc_joints@…`
        metrics = dict.fromkeys((self.instance.primary_metric, *METRICS))
        self.fields["primary_metric"] = forms.ChoiceField(
            label=self.fields["primary_metric"].label,
            help_text=self.fields["primary_metric"].help_text,
            choices=[(name, ranking_rules.title(name)) for name in metrics],
        )

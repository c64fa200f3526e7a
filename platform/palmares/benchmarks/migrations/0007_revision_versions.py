"""Versions of recipe and scorer become numbers, which can be ordered; revisions can be cancelled."""

from django.db import migrations, models
from django.utils import timezone

OVER = ("failed", "cancelled")


def number(version):
    """Of a version such as `3 (0123456789ab)`; 0 where nothing was scored."""
    first = version.split(" ")[0]
    return int(first) if first.isdigit() else 0


def convert(apps, schema_editor):
    revisions = apps.get_model("benchmarks", "Revision").objects.using(schema_editor.connection.alias)
    newer = {}  # by benchmark: whether a newer revision takes the place of those that were not published
    for revision in revisions.select_related("truth").order_by("benchmark", "-number"):
        revision.recipe_version = number(revision.recipe_text)
        revision.scorer_version = number(revision.scorer_text)
        is_live = revision.status not in OVER and revision.truth.status not in OVER
        is_replaced = revision.published_at is None and newer.get(revision.benchmark_id, False)
        if revision.truth.status not in OVER and (not is_live or is_replaced):
            revision.cancelled_at = revision.finished_at or timezone.now()
        if is_live and revision.truth.status == "succeeded":
            newer[revision.benchmark_id] = True
        revision.save(update_fields=["recipe_version", "scorer_version", "cancelled_at"])


class Migration(migrations.Migration):
    dependencies = [("benchmarks", "0006_truth_clusters")]

    operations = [
        migrations.RenameField("revision", "recipe_version", "recipe_text"),
        migrations.RenameField("revision", "scorer_version", "scorer_text"),
        migrations.AddField(
            "revision",
            "recipe_version",
            models.PositiveIntegerField(default=0, help_text="The oldest recipe that may score under it."),
        ),
        migrations.AddField(
            "revision",
            "scorer_version",
            models.PositiveIntegerField(default=0, help_text="The oldest scorer that may score under it."),
        ),
        migrations.AddField(
            "revision",
            "cancelled_at",
            models.DateTimeField(blank=True, help_text="By an owner, or when a newer one took its place.", null=True),
        ),
        migrations.RunPython(convert, migrations.RunPython.noop),
    ]

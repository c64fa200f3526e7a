"""The unit of work is a scoring (of the app `submissions`), no longer a revision."""

from django.db import migrations

GONE = (
    "attempts", "cancel_requested", "error", "finished_at", "lease", "lease_expires_at", "notified_at", "progress", "queued_at",
    "stage", "started_at", "status", "recipe_text", "scorer_text",
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("benchmarks", "0007_revision_versions"), ("submissions", "0006_scorings_of_existing")]

    operations = [migrations.RemoveField("revision", name) for name in GONE]

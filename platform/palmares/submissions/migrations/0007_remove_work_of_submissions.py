"""A submission's status is that of its scoring under the revision that boards show."""

from django.db import migrations

GONE = (
    "attempts", "cancel_requested", "error", "finished_at", "lease", "lease_expires_at", "notified_at", "progress", "queued_at",
    "stage", "started_at", "status", "truth",
)  # fmt: skip


class Migration(migrations.Migration):
    dependencies = [("submissions", "0006_scorings_of_existing")]

    operations = [
        migrations.RemoveIndex("submission", "submissions_benchma_2dd56a_idx"),
        *(migrations.RemoveField("submission", name) for name in GONE),
    ]

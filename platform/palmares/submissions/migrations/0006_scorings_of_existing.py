"""A scoring for each submission and revision: ended ones for scores, queued ones for what is missing on a board."""

from django.db import migrations

OVER = ("failed", "cancelled")


def revisions_to_score_under(revisions):
    """The shown one and the newer ones, oldest first; as `palmares.benchmarks.revisions.scored_under`."""
    live = [r for r in revisions if r.cancelled_at is None and r.truth.status not in OVER]
    shown = [r.number for r in live if r.published_at is not None and r.truth.status == "succeeded"]
    return [r for r in live if r.number >= max(shown, default=0)]


def scorings_of(submission, revisions, make):
    """The scorings that a submission is to have."""
    made = {}
    facts = {"started_at": submission.started_at, "attempts": submission.attempts}
    for score in submission.scores.all():
        made[score.revision_id] = make(score.revision_id, status="succeeded", progress=1.0, finished_at=score.created_at, **facts)
    wanted = revisions_to_score_under(revisions)
    newest_of_truth = [r for r in revisions if r.truth_id == submission.truth_id][-1:]
    if submission.deleted_at is not None or submission.status in OVER:
        status = "cancelled" if submission.status in ("queued", "running") else submission.status
        for revision in wanted[:1] if submission.deleted_at is None and wanted else newest_of_truth:
            made.setdefault(
                revision.pk,
                make(revision.pk, status=status, error=submission.error, finished_at=submission.finished_at, **facts),
            )
    else:
        for revision in wanted or newest_of_truth:
            made.setdefault(revision.pk, make(revision.pk, status="queued"))
    return made.values()


def convert(apps, schema_editor):
    alias = schema_editor.connection.alias
    scoring = apps.get_model("submissions", "Scoring")
    for benchmark in apps.get_model("benchmarks", "Benchmark").objects.using(alias):
        revisions = list(benchmark.revisions.select_related("truth").order_by("number"))
        for submission in benchmark.submissions.prefetch_related("scores").iterator(chunk_size=500):

            def make(revision_id, submission=submission, **facts):
                return scoring(submission_id=submission.pk, revision_id=revision_id, **facts)

            scoring.objects.using(alias).bulk_create(scorings_of(submission, revisions, make))


class Migration(migrations.Migration):
    dependencies = [("submissions", "0005_scoring")]

    operations = [migrations.RunPython(convert, migrations.RunPython.noop)]

"""Takes over the tables of submissions, scores and metric values from the app `benchmarks`."""

from django.conf import settings
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import uuid
from django.db import migrations, models

MOVED = {('benchmarks', 'sentfile'): ('submissions', 'pendingfile'), ('benchmarks', 'submission'): ('submissions', 'submission'), ('benchmarks', 'score'): ('submissions', 'score'), ('benchmarks', 'figure'): ('submissions', 'metricvalue')}


def move_content_types(apps, schema_editor, *, forward=True):
    content_types = apps.get_model("contenttypes", "ContentType").objects.using(schema_editor.connection.alias)
    for (old_app, old), (new_app, new) in MOVED.items():
        before, after = ((old_app, old), (new_app, new)) if forward else ((new_app, new), (old_app, old))
        if not content_types.filter(app_label=after[0], model=after[1]).exists():
            content_types.filter(app_label=before[0], model=before[1]).update(app_label=after[0], model=after[1])


def move_back(apps, schema_editor):
    move_content_types(apps, schema_editor, forward=False)


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("benchmarks", "0004_rename_rung_at"),
        ("runs", "0006_rename_rung_at"),
        ("teams", "0001_initial"),
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name='PendingFile',
                    fields=[
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                        ('name', models.CharField(help_text="The file's name on the disk it comes from.", max_length=255)),
                        ('size_bytes', models.BigIntegerField()),
                        ('received_bytes', models.BigIntegerField(default=0)),
                        ('created_at', models.DateTimeField(auto_now_add=True)),
                        ('changed_at', models.DateTimeField(auto_now=True, db_index=True, help_text='When bytes came last.')),
                        ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                    ],
                    options={
                        'ordering': ['-created_at', '-id'],
                    },
                ),
                migrations.CreateModel(
                    name='Submission',
                    fields=[
                        ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                        ('status', models.CharField(choices=[('queued', 'Queued'), ('running', 'Running'), ('succeeded', 'Succeeded'), ('failed', 'Failed'), ('cancelled', 'Cancelled')], db_index=True, default='queued', max_length=9)),
                        ('stage', models.CharField(blank=True, help_text='What is being done, in words.', max_length=80)),
                        ('progress', models.FloatField(default=0.0, validators=[django.core.validators.MinValueValidator(0.0), django.core.validators.MaxValueValidator(1.0)])),
                        ('attempts', models.PositiveSmallIntegerField(default=0)),
                        ('error', models.TextField(blank=True, help_text='Why it failed, as a sentence a person can act on.')),
                        ('lease', models.UUIDField(editable=False, help_text='Held by the one worker that may write to this row.', null=True)),
                        ('lease_expires_at', models.DateTimeField(editable=False, null=True)),
                        ('cancel_requested', models.BooleanField(default=False)),
                        ('notified_at', models.DateTimeField(editable=False, help_text='When the broker was last told.', null=True)),
                        ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                        ('queued_at', models.DateTimeField(db_index=True, default=django.utils.timezone.now)),
                        ('started_at', models.DateTimeField(editable=False, null=True)),
                        ('finished_at', models.DateTimeField(editable=False, null=True)),
                        ('method', models.CharField(max_length=80)),
                        ('description', models.TextField(blank=True, max_length=4000)),
                        ('links', django.contrib.postgres.fields.ArrayField(base_field=models.URLField(max_length=300), blank=True, default=list, size=5)),
                        ('is_public', models.BooleanField(default=False, help_text='Whether other teams see it on the boards.')),
                        ('is_baseline', models.BooleanField(default=False)),
                        ('shape', models.CharField(choices=[('estimated', 'Baseline'), ('true', 'GT shape'), ('calibrated', 'Calibrated')], default='estimated', max_length=10)),
                        ('is_optimised', models.BooleanField(default=False, help_text='Whether parameters were optimised at inference time.')),
                        ('name', models.CharField(help_text="The file's name on the disk it came from.", max_length=255)),
                        ('source', models.CharField(blank=True, help_text='Storage key of the file as it came.', max_length=255)),
                        ('size_bytes', models.BigIntegerField(default=0)),
                        ('sha256', models.CharField(blank=True, max_length=64)),
                        ('findings', models.JSONField(default=list, help_text='What preflight had to say: [{level, message, place}].')),
                        ('quota_day', models.DateField(help_text='The day (UTC) whose quota it takes; empty where it takes none.', null=True)),
                        ('deleted_at', models.DateTimeField(editable=False, help_text='Kept without files or scores: it still took quota.', null=True)),
                        ('benchmark', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='submissions', to='benchmarks.benchmark')),
                        ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('runs', models.ManyToManyField(blank=True, help_text='Runs it is made of, where no file came.', related_name='submissions', to='runs.run')),
                        ('team', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='submissions', to='teams.team')),
                        ('truth', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='submissions', to='benchmarks.truth')),
                    ],
                    options={
                        'ordering': ['-created_at', '-id'],
                    },
                ),
                migrations.CreateModel(
                    name='Score',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('coverage', models.FloatField(help_text="Share of the truth's hands that were predicted.")),
                        ('report', models.JSONField(help_text="The official report's names, in its units.")),
                        ('metrics', models.JSONField(help_text='Our names, in the units of ml.catalog.METRICS; null where undefined.')),
                        ('content', models.JSONField(default=dict, help_text='Counts, versions, curves, errors by joint and sequence, histograms.')),
                        ('folder', models.CharField(help_text='Storage prefix of `frames.npz`: figures by frame. Never served raw.', max_length=255)),
                        ('created_at', models.DateTimeField(auto_now_add=True)),
                        ('revision', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='scores', to='benchmarks.revision')),
                        ('submission', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='scores', to='submissions.submission')),
                    ],
                    options={
                        'ordering': ['-created_at'],
                    },
                ),
                migrations.CreateModel(
                    name='MetricValue',
                    fields=[
                        ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                        ('metric', models.CharField(max_length=60)),
                        ('value', models.FloatField(help_text="What is ranked: with the benchmark's policy for missing hands in it.")),
                        ('low', models.FloatField(help_text='Lower end of the 95 % bootstrap interval.')),
                        ('high', models.FloatField(help_text='Upper end.')),
                        ('coverage', models.FloatField()),
                        ('is_ranked', models.BooleanField(help_text="Whether the benchmark's policy for missing hands lets it be ranked.")),
                        ('board', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='metric_values', to='benchmarks.board')),
                        ('score', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='metric_values', to='submissions.score')),
                    ],
                    options={
                        'indexes': [models.Index(fields=['board', 'metric', 'value'], name='submissions_board_i_aeaa29_idx')],
                        'constraints': [models.UniqueConstraint(fields=('score', 'board', 'metric'), name='one_value_a_metric')],
                    },
                ),
                migrations.AddIndex(
                    model_name='submission',
                    index=models.Index(fields=['benchmark', 'status'], name='submissions_benchma_2dd56a_idx'),
                ),
                migrations.AddIndex(
                    model_name='submission',
                    index=models.Index(fields=['benchmark', 'team', 'quota_day'], name='submissions_benchma_78d600_idx'),
                ),
                migrations.AddConstraint(
                    model_name='score',
                    constraint=models.UniqueConstraint(fields=('submission', 'revision'), name='one_score_a_revision'),
                ),
            ],
            database_operations=[
                migrations.RunSQL('ALTER TABLE "benchmarks_sentfile" RENAME TO "submissions_pendingfile"', 'ALTER TABLE "submissions_pendingfile" RENAME TO "benchmarks_sentfile"'),
                migrations.RunSQL('ALTER TABLE "benchmarks_submission" RENAME TO "submissions_submission"', 'ALTER TABLE "submissions_submission" RENAME TO "benchmarks_submission"'),
                migrations.RunSQL('ALTER TABLE "benchmarks_submission_runs" RENAME TO "submissions_submission_runs"', 'ALTER TABLE "submissions_submission_runs" RENAME TO "benchmarks_submission_runs"'),
                migrations.RunSQL('ALTER TABLE "benchmarks_score" RENAME TO "submissions_score"', 'ALTER TABLE "submissions_score" RENAME TO "benchmarks_score"'),
                migrations.RunSQL('ALTER TABLE "benchmarks_figure" RENAME TO "submissions_metricvalue"', 'ALTER TABLE "submissions_metricvalue" RENAME TO "benchmarks_figure"'),
                migrations.RunSQL('ALTER TABLE "submissions_score" RENAME COLUMN "figures" TO "metrics"', 'ALTER TABLE "submissions_score" RENAME COLUMN "metrics" TO "figures"'),
                migrations.RunSQL('ALTER INDEX "benchmarks__benchma_304955_idx" RENAME TO "submissions_benchma_2dd56a_idx"', 'ALTER INDEX "submissions_benchma_2dd56a_idx" RENAME TO "benchmarks__benchma_304955_idx"'),
                migrations.RunSQL('ALTER INDEX "benchmarks__benchma_5472d7_idx" RENAME TO "submissions_benchma_78d600_idx"', 'ALTER INDEX "submissions_benchma_78d600_idx" RENAME TO "benchmarks__benchma_5472d7_idx"'),
                migrations.RunSQL('ALTER INDEX "benchmarks__board_i_c1ea1f_idx" RENAME TO "submissions_board_i_aeaa29_idx"', 'ALTER INDEX "submissions_board_i_aeaa29_idx" RENAME TO "benchmarks__board_i_c1ea1f_idx"'),
                migrations.RunSQL('ALTER INDEX "one_figure_a_metric" RENAME TO "one_value_a_metric"', 'ALTER INDEX "one_value_a_metric" RENAME TO "one_figure_a_metric"'),
                migrations.RunPython(move_content_types, move_back),
            ],
        ),
    ]

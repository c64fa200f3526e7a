import uuid

import django.core.validators
import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("benchmarks", "0007_revision_versions"),
        ("submissions", "0004_shape_titles"),
    ]

    operations = [
        migrations.CreateModel(
            name='Scoring',
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
                ('revision', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='scorings', to='benchmarks.revision')),
                ('submission', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='scorings', to='submissions.submission')),
            ],
            options={
                'ordering': ['-created_at', '-id'],
                'indexes': [models.Index(fields=['revision', 'status'], name='submissions_revisio_aeed24_idx')],
                'constraints': [models.UniqueConstraint(fields=('submission', 'revision'), name='one_scoring_a_revision')],
            },
        ),
    ]

"""Takes over the tables of calibrations from the app `runs`."""

from django.conf import settings
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import uuid
from django.db import migrations, models

MOVED = {('runs', 'calibration'): ('calibrations', 'calibration')}


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
        ("runs", "0006_rename_rung_at"),
        ("subjects", "0002_initial"),
        ("uploads", "0002_rename_rung_at"),
        ("contenttypes", "0002_remove_content_type_name"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.CreateModel(
                    name='Calibration',
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
                        ('side', models.CharField(choices=[('left', 'Left'), ('right', 'Right'), ('both', 'Both')], default='both', max_length=5)),
                        ('max_images', models.PositiveSmallIntegerField(default=20)),
                        ('weights', models.CharField(default='confidence', help_text='`confidence` or `uniform`.', max_length=10)),
                        ('problem', models.CharField(blank=True, help_text='Which is solved; empty: the default of the day.', max_length=10)),
                        ('scale', models.JSONField(blank=True, default=dict, help_text='What is known of the size; empty where nothing is.')),
                        ('folder', models.CharField(blank=True, help_text='Storage prefix of crops and the rest-pose hand.', max_length=255)),
                        ('facts', models.JSONField(blank=True, default=dict, help_text='Pictures used with their weights; how the estimate settled.')),
                        ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                        ('hand_shape', models.OneToOneField(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='calibration', to='subjects.handshape')),
                        ('subject', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='calibrations', to='subjects.subject')),
                        ('uploads', models.ManyToManyField(related_name='calibrations', to='uploads.upload')),
                    ],
                    options={
                        'ordering': ['-created_at', '-id'],
                    },
                ),
            ],
            database_operations=[
                migrations.RunSQL('ALTER TABLE "runs_calibration" RENAME TO "calibrations_calibration"', 'ALTER TABLE "calibrations_calibration" RENAME TO "runs_calibration"'),
                migrations.RunSQL('ALTER TABLE "runs_calibration_uploads" RENAME TO "calibrations_calibration_uploads"', 'ALTER TABLE "calibrations_calibration_uploads" RENAME TO "runs_calibration_uploads"'),
                migrations.RunPython(move_content_types, move_back),
            ],
        ),
    ]

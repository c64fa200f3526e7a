"""Subsets of a truth are rows, named; tags of whole sequences become such. A revision keeps its rule for missing hands."""

from django.db import migrations, models


def tags_to_subsets(apps, schema_editor):
    for truth in apps.get_model("benchmarks", "Truth").objects.all():
        first, subsets = 0, {}
        for sequence in truth.sequences:
            rows = [first, first + sequence["rows"] - 1]
            for tag in sequence.pop("tags", ()):
                subsets.setdefault(tag, []).append(rows)
            first += sequence["rows"]
        truth.subsets = subsets
        truth.save(update_fields=["sequences", "subsets"])


def keep_rules(apps, schema_editor):
    for revision in apps.get_model("benchmarks", "Revision").objects.select_related("benchmark"):
        revision.missing, revision.penalty_mm = revision.benchmark.missing, revision.benchmark.penalty_mm
        revision.save(update_fields=["missing", "penalty_mm"])


class Migration(migrations.Migration):
    dependencies = [("benchmarks", "0002_sent_file")]

    operations = [
        migrations.AddField(
            model_name="truth",
            name="subsets",
            field=models.JSONField(
                blank=True, default=dict, help_text="{name: [[first row, last row], …]}, what boards show."
            ),
        ),
        migrations.AlterField(
            model_name="truth",
            name="sequences",
            field=models.JSONField(default=list, help_text="[{name, rows, upload: id or null}], in the order of the rows."),
        ),
        migrations.AlterField(
            model_name="board",
            name="tag",
            field=models.CharField(blank=True, help_text="Name of a subset of the truth; all of it where empty.", max_length=40),
        ),
        migrations.AddField(
            model_name="revision",
            name="missing",
            field=models.CharField(
                choices=[
                    ("penalised", "A missing hand counts with the penalty"),
                    ("unranked", "Only complete submissions are ranked"),
                ],
                default="unranked",
                help_text="The benchmark's rule then.",
                max_length=9,
            ),
            preserve_default=False,
        ),
        migrations.AddField(model_name="revision", name="penalty_mm", field=models.FloatField(default=50.0)),
        migrations.RunPython(tags_to_subsets, migrations.RunPython.noop),
        migrations.RunPython(keep_rules, migrations.RunPython.noop),
    ]

"""The field `problem` is `solver`, with names that say what the solver does; `facts` follow."""

from django.db import migrations, models

NAMES = {"fitted": "joint-bundle", "fused": "shrinkage"}
KEYS = {"problem": "solver", "pictures": "images"}


def rename(apps, schema_editor, *, names=NAMES, keys=KEYS):
    for row in apps.get_model("calibrations", "Calibration").objects.using(schema_editor.connection.alias).iterator():
        row.solver = names.get(row.solver, row.solver)
        row.facts = {keys.get(key, key): names.get(value, value) if key in ("problem", "solver") else value for key, value in row.facts.items()}
        row.save(update_fields=["solver", "facts"])


def back(apps, schema_editor):
    rename(apps, schema_editor, names={new: old for old, new in NAMES.items()}, keys={new: old for old, new in KEYS.items()})


class Migration(migrations.Migration):
    dependencies = [("calibrations", "0002_plain_help_texts")]

    operations = [
        migrations.RenameField("calibration", "problem", "solver"),
        migrations.AlterField(
            "calibration",
            "solver",
            models.CharField(blank=True, help_text="How one shape is estimated; empty: the default.", max_length=16),
        ),
        migrations.RunPython(rename, back),
    ]

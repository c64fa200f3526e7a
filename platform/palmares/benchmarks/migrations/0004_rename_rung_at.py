from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("benchmarks", "0003_subsets_and_rules")]

    operations = [
        migrations.RenameField("truth", "rung_at", "notified_at"),
        migrations.RenameField("revision", "rung_at", "notified_at"),
        migrations.RenameField("submission", "rung_at", "notified_at"),
    ]

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("runs", "0005_calibration_problem")]

    operations = [
        migrations.RenameField("run", "rung_at", "notified_at"),
        migrations.RenameField("calibration", "rung_at", "notified_at"),
    ]

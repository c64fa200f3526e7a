from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("runs", "0006_rename_rung_at"), ("calibrations", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel("Calibration"),
            ],
        ),
    ]

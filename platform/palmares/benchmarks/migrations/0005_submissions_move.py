from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("benchmarks", "0004_rename_rung_at"), ("submissions", "0001_initial")]

    operations = [
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel("Figure"),
                migrations.DeleteModel("Score"),
                migrations.DeleteModel("Submission"),
                migrations.DeleteModel("SentFile"),
            ],
        ),
    ]

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("uploads", "0001_initial")]

    operations = [
        migrations.RenameField("upload", "rung_at", "notified_at"),
    ]

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("teams", "0002_storage_limit")]

    operations: ClassVar = [
        migrations.AlterField(
            model_name="token",
            name="name",
            field=models.CharField(help_text="Name of the token, such as the machine that uses it.", max_length=80),
        ),
    ]

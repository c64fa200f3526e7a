"""Share links may show the ground truth of uploads."""

from __future__ import annotations

from typing import ClassVar

from django.db import migrations, models


class Migration(migrations.Migration):
    """Whether a link's viewers show the ground truth; links that are there do not."""

    dependencies: ClassVar = [("shares", "0001_initial")]

    operations: ClassVar = [
        migrations.AddField(
            model_name="sharelink",
            name="truth",
            field=models.BooleanField(default=False, help_text="Whether viewers show the ground truth of uploads."),
        ),
    ]

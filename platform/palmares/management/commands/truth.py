"""`manage.py truth UPLOAD FILE`: attach a ground truth to an upload, or remove it."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.files.base import File
from django.core.management.base import BaseCommand, CommandError, CommandParser

from ml.catalog import TRUTH_FORMATS
from palmares.api.problems import DomainError
from palmares.uploads.attached_files import SIDES
from palmares.uploads.ground_truths import attach_truth, remove_truth
from palmares.uploads.models import Upload


class Command(BaseCommand):
    """Prints what was attached; a worker reads it and scores the runs of the upload."""

    help = "Attach the ground truth FILE to the upload UPLOAD (its id), or remove it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("upload", type=UUID, help="the id of the upload")
        parser.add_argument("file", type=Path, nargs="?", help="the ground truth")
        parser.add_argument("--format", choices=list(TRUTH_FORMATS), default="palmares", help="its format (default palmares)")
        parser.add_argument("--side", choices=SIDES, default="right", help="of the hands, in formats that do not say")
        parser.add_argument("--remove", action="store_true", help="remove the ground truth of the upload")

    def handle(self, *args: Any, **options: Any) -> None:
        upload = Upload.objects.select_related("subject__team").filter(pk=options["upload"]).first()
        if upload is None:
            raise CommandError(f"There is no upload {options['upload']}; its page shows its id under Details.")
        path: Path | None = options["file"]
        try:
            if options["remove"]:
                remove_truth(upload=upload, by=None)
                self.stdout.write(f"The ground truth of “{upload}” was removed.")
                return
            if path is None or not path.is_file():
                raise CommandError(f"{path or 'FILE'} is missing, expected a file, or --remove.")
            with path.open("rb") as stream:
                made = attach_truth(
                    upload=upload,
                    by=None,
                    file=File(stream, name=path.name),
                    file_format=options["format"],
                    side=options["side"],
                )
        except DomainError as error:
            raise CommandError(error.detail) from error
        self.stdout.write(f"{made.rows} hands were attached to “{upload}”.")
        for finding in made.findings:
            self.stdout.write(f"{finding['level']}: {finding['message']}")

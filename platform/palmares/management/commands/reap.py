"""`manage.py reap`: put lost work on its way again, and remove what stopped coming."""

from __future__ import annotations

import logging
import signal
import threading
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import Error, close_old_connections

from palmares.media_storage import STORAGE_ERRORS
from palmares.orphaned_files import sweep_orphans
from palmares.queue.services import reap
from palmares.runs.scores import request_scores
from palmares.submissions.models import PendingFile
from palmares.submissions.pending_files import expire_pending
from palmares.uploads.resumable import expire_partials, sweep_partials

logger = logging.getLogger(__name__)
PARTIALS_SECONDS = 600.0
ORPHANS_SECONDS = 6 * 3600.0


class Command(BaseCommand):
    """Needs no broker, so that work is found even while there is none. Several may run: each row is taken by one."""

    help = "Queue again what lost its worker or its message; with --every, for as long as it runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--every", type=float, metavar="SECONDS", help="go on, with this pause")

    def handle(self, *, every: float | None = None, **_: Any) -> None:
        end = threading.Event()
        if every is not None:
            signal.signal(signal.SIGTERM, lambda *_: end.set())
        partials_at = orphans_at = 0.0
        while not end.is_set():
            try:
                done = reap()
                request_scores()
                if done.lost or done.notified:
                    logger.info("%d lost their worker, workers were notified again of %d", done.lost, done.notified)
                if time.monotonic() >= partials_at:
                    partials_at = time.monotonic() + PARTIALS_SECONDS
                    expire_partials()
                    expire_pending()
                    sweep_partials(known=set(PendingFile.objects.values_list("pk", flat=True)))
                if time.monotonic() >= orphans_at:
                    orphans_at = time.monotonic() + ORPHANS_SECONDS
                    sweep_orphans()
            except STORAGE_ERRORS:
                if every is None:
                    raise
                logger.exception("the file storage is away; looking again later")
            except Error:
                if every is None:
                    raise
                logger.exception("the database is away; looking again in %g s", every)
            if every is None:
                return
            close_old_connections()
            end.wait(every)

"""Mail where no mail server is set: files that only the owner of the installation reads."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from django.core.mail import EmailMessage
from django.core.mail.backends.filebased import EmailBackend

logger = logging.getLogger(__name__)


class MailFolderBackend(EmailBackend):
    """Writes mail to `EMAIL_FILE_PATH`; the log says that, and nothing of what is in it."""

    def open(self) -> bool:
        """Open the file of this connection, readable by its owner only."""
        is_new = self.stream is None
        opened = super().open()
        if is_new:
            Path(self._get_filename()).chmod(0o600)  # type: ignore[attr-defined]
        return bool(opened)

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        """Write the messages; how many there were."""
        count = super().send_messages(messages) or 0
        if count:
            logger.info("no EMAIL_URL is set: mail was written to %s", self.file_path)
        return count

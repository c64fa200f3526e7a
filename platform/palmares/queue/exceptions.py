"""What a worker is told about the row it works on."""

from __future__ import annotations


class LeaseLostError(Exception):
    """The row is another worker's now, or gone: stop, and write nothing."""


class CancelledError(Exception):
    """Somebody asked for this work to stop."""


class WorkFailedError(Exception):
    """The work cannot be done, however often it is tried; the message is a sentence for the person who asked for it."""


class WorkerTooOldError(Exception):
    """Only a worker with newer code may do this; the message says what the row waits for."""

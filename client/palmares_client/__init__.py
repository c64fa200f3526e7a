"""A client of Palmarès: submit predictions, follow their scoring and read leaderboards; and the scorer itself, offline."""

from palmares_client.api_errors import NetworkError, NotSignedInError, PalmaresError, RejectedError, ScoringFailedError
from palmares_client.client import Client, SubmissionHandle
from palmares_client.own_methods import RunHandle, log
from palmares_client.version import __version__

__all__ = [
    "Client",
    "NetworkError",
    "NotSignedInError",
    "PalmaresError",
    "RejectedError",
    "RunHandle",
    "ScoringFailedError",
    "SubmissionHandle",
    "__version__",
    "log",
]
